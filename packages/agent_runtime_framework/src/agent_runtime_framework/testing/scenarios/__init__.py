"""Scenario files: conversations and what is expected of them, in YAML."""
