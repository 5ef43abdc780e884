"""`agent-runtime dev`: agents over HTTP for whoever writes them, on this machine, with a page to look at."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime dev examples/quote.py
  agent-runtime dev examples/quote.py examples/booking.py --port 8001 --no-reload

Nobody is asked who they are, so it answers this machine only, and starts again when a file changes.
Exit codes: 0 ended, 1 it could not be served, 2 something was wrongly asked for.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    from agent_runtime_framework.cli.commands.serve import add_common_arguments

    parser.description = "Serve agents on this machine, with a page that shows what happens in them."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_common_arguments(parser)
    parser.add_argument("--no-reload", action="store_true", help="do not start again when a file changes")


def run(args: Namespace) -> int:
    """Serve; returns the exit code."""
    from agent_runtime_framework.cli.serve import develop

    return develop(args)
