"""The commands, one module each; `cli.main.COMMANDS` is their table."""
