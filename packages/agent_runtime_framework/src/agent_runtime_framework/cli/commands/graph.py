"""`agent-runtime graph`: a journey as a picture."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

FORMATS = ("text", "mermaid", "svg", "html", "json")

_EXAMPLES = """\
examples:
  agent-runtime graph examples/quote.py
  agent-runtime graph examples/quote.py --format svg --output quote.svg
  agent-runtime graph my_package.journeys:Quote --format html --output quote.html
  agent-runtime graph examples/quote.py --conversation ada     where that conversation is, and how it got there
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Draw a journey: its steps, and the moves between them. Nothing is loaded from a network."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("target", help="path.py, path.py:Name, package.module or package.module:Name")
    parser.add_argument("--format", choices=FORMATS, help="default: as the ending of --output says, else text")
    parser.add_argument("--output", metavar="FILE", help="write it there instead of to the terminal")
    parser.add_argument("--conversation", metavar="NAME", help="show where this conversation is, and its way there")
    parser.add_argument("--store", metavar="URL", help="where it is kept (default: sqlite:///.agent-runtime/chat.db)")


def run(args: Namespace) -> int:
    """Draw it; returns the exit code."""
    from agent_runtime_framework.cli.drawing import draw_journey

    return draw_journey(args)
