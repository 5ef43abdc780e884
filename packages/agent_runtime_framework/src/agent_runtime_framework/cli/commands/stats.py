"""`agent-runtime stats`: how journeys fare."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime stats --store postgresql:///chat
  agent-runtime stats --agent quote --json

All turns are read once, in pages; nothing is written, and no model is asked.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    from agent_runtime_framework.cli.operating.opened import add_store_argument

    parser.description = "Say how many journeys were begun and completed, where people leave, and what it takes."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--agent", metavar="KEY", action="append", default=[], help="only this agent; may be repeated")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_store_argument(parser)


def run(args: Namespace) -> int:
    """Write the figures; returns the exit code."""
    from agent_runtime_framework.cli.operating.counting import show_figures

    return show_figures(args)
