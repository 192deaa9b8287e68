"""① HTTP: thin resources that read a request, call a flow and write the answer."""
