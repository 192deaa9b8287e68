"""Every letter in every language, to be looked at before anybody gets one."""
