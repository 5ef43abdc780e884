"""Which screen this program has."""

from __future__ import annotations

import os
import sys

from agent_runtime_framework.cli.screen.base import Screen
from agent_runtime_framework.cli.screen.plain import PlainScreen


def open_screen() -> Screen:
    """The rich terminal where there is a terminal and the `cli` extra is installed, else the plain one."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
    if os.name == "nt":
        is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not is_terminal:
        return PlainScreen()
    try:
        from agent_runtime_framework.cli.screen.rich import RichScreen
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("rich", "prompt_toolkit"):
            raise
        return PlainScreen("For colour and completion: pip install 'agent_runtime_framework[cli]'.")
    return RichScreen()
