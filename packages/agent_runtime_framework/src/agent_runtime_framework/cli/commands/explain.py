"""`agent-runtime explain`: what was done in a conversation, and why."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime explain ada                       every turn
  agent-runtime explain ada --turn 3 --json
  agent-runtime explain ada --turn 3 --diff 4     what the two turns did differently
  agent-runtime explain ada --diff bob            the same of two conversations, turn by turn

It reads the receipts that the runtime keeps, and asks no model. A receipt holds nobody's words.
Exit codes: 0 done, 1 --diff found differences, 2 wrongly asked for.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    from agent_runtime_framework.cli.operating.opened import add_store_argument

    parser.description = "Say of each turn what was offered, called and refused, who decided, and what it took."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("conversation", metavar="CONVERSATION")
    parser.add_argument("--turn", type=int, metavar="N", help="only this turn; -1 is the last one")
    parser.add_argument("--diff", metavar="OTHER", help="another turn (with --turn) or another conversation")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_store_argument(parser)


def run(args: Namespace) -> int:
    """Explain; returns the exit code."""
    from agent_runtime_framework.cli.operating.explaining import explain_conversation

    return explain_conversation(args)
