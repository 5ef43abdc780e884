"""`agent-runtime replay`: stored conversations, held again by changed code or another model."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime replay journey.py --all                           does changed code go the same ways?
  agent-runtime replay journey.py:Quote --conversation ada
  agent-runtime replay journey.py --all --model anthropic/claude-sonnet-5-5 --limit 50 --json

Nothing is done twice: tools that touch nothing but the state run on one that is thrown away; all others are answered
with what they answered then. A call that was never made is reported, and not made. Without --model the model replies
as it did; with it, it is asked anew, and what a prompt is worth shows. `run=` steps, hooks and guards run as they are.
Exit codes: 0 all went the same way, 1 some did not, 2 wrongly asked for.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    from agent_runtime_framework.cli.operating.opened import add_store_argument

    parser.description = "Hold stored conversations again, and say where they go another way."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("target", help="path.py, path.py:Name, package.module or package.module:Name")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--conversation", metavar="NAME", action="append", help="this one; may be repeated")
    which.add_argument("--all", action="store_true", help="all in which this agent answered last")
    parser.add_argument("--limit", type=int, default=1000, metavar="N", help="how many at most, newest first")
    parser.add_argument("--model", metavar="MODEL", help="ask this model: offline, provider/model, or an address")
    parser.add_argument("--jobs", type=int, default=4, metavar="N", help="conversations at a time (default: 4)")
    parser.add_argument("--show", type=int, default=10, metavar="N", help="how many are listed (default: 10)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_store_argument(parser)


def run(args: Namespace) -> int:
    """Replay; returns the exit code."""
    from agent_runtime_framework.cli.operating.replaying import replay_conversations

    return replay_conversations(args)
