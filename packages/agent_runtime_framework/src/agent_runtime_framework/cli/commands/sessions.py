"""`agent-runtime sessions`: the conversations in a store, and what is done with them."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime sessions list --agent quote --status open --older-than 7d
  agent-runtime sessions show ada
  agent-runtime sessions export ada > ada.jsonl
  agent-runtime sessions export --all --store postgresql:///chat > all.jsonl
  agent-runtime sessions import all.jsonl --store sqlite:///copy.db
  agent-runtime sessions prune --older-than 90d --dry-run
  agent-runtime sessions erase ada
Exit codes: 0 done, 1 it did not work out, 2 wrongly asked for.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    from agent_runtime_framework.cli.operating.opened import add_store_argument, age
    from agent_runtime_framework.store.operations import STATUSES

    parser.description = "List, show, export, import, prune and erase the conversations in a store."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)

    def action(name: str, summary: str) -> ArgumentParser:
        made: ArgumentParser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        add_store_argument(made)
        return made

    def narrowing(made: ArgumentParser) -> None:
        made.add_argument("--agent", metavar="KEY", help="only those of this agent")
        made.add_argument("--step", metavar="NAME", help="only those in this step")
        made.add_argument("--status", choices=STATUSES, help="only those that stand there")

    listing = action("list", "the conversations, most recently used first")
    narrowing(listing)
    listing.add_argument("--older-than", type=age, metavar="AGE", help="only where nothing happened for so long: 90d")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="how many at most (default: 50)")
    listing.add_argument("--json", action="store_true", help="as JSON")

    showing = action("show", "one conversation: where it stands, its turns, its state")
    showing.add_argument("conversation", metavar="CONVERSATION")
    showing.add_argument("--messages", action="store_true", help="what was said, too")
    showing.add_argument("--json", action="store_true", help="as JSON")

    exporting = action("export", "conversations as JSON, one a line")
    exporting.add_argument("conversation", metavar="CONVERSATION", nargs="?")
    exporting.add_argument("--all", action="store_true", help="every conversation")
    exporting.add_argument("--output", metavar="FILE", help="write them there instead of to the standard output")

    importing = action("import", "put exported conversations back")
    importing.add_argument("file", metavar="FILE", help="what export wrote; - is the standard input")

    pruning = action("prune", "erase conversations in which nothing has happened for long")
    narrowing(pruning)
    pruning.add_argument("--older-than", type=age, metavar="AGE", required=True, help="for how long: 90d, 12h, 2w")
    pruning.add_argument("--dry-run", action="store_true", help="only say which ones")
    pruning.add_argument("--json", action="store_true", help="their ids as JSON")

    erasing = action("erase", "forget a conversation, with everything of it")
    erasing.add_argument("conversation", metavar="CONVERSATION")
    erasing.add_argument("--yes", action="store_true", help="do not ask")
    erasing.add_argument("--force", action="store_true", help="also while a turn of it runs; what that does is lost")


def run(args: Namespace) -> int:
    """Do it; returns the exit code."""
    from agent_runtime_framework.cli.operating.sessions import ACTIONS

    return ACTIONS[args.action](args)
