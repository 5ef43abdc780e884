"""The command line, `agent-runtime`: nothing else in this package imports it."""
