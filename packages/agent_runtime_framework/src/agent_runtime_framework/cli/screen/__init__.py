"""Where a conversation is shown and typed: one protocol, a rich terminal, and a plain one on the standard library."""

from agent_runtime_framework.cli.screen.base import Marks, Question, Screen
from agent_runtime_framework.cli.screen.choose import open_screen

__all__ = ["Marks", "Question", "Screen", "open_screen"]
