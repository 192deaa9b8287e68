"""① Pages for people: server-rendered, nothing from anywhere else, useful on a phone."""
