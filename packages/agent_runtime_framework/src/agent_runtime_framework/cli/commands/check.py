"""`agent-runtime check`: the mistakes in a journey, before a person runs into them."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime check examples/quote.py
  agent-runtime check my_package.journeys:Quote my_package.claims
  agent-runtime check examples/*.py --format json
  agent-runtime check my_package.journeys:Quote --store postgresql:///chat

Nothing is asked of a model, and no tool is run. Long-form agents are read from their source, and asked for their
prompts and tools in many states; point it only at code you would import.
With --store, the code is not judged, but tried on every conversation of the agent that is not over: whether its state
can be migrated and loaded, whether its step is there, whether its unfinished turn could go on. The store is only read.
Exit codes: 0 nothing wrong (hints do not count, nor warnings unless --strict), 1 mistakes found or conversations that
would be stranded, 2 wrongly asked for.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Find the mistakes in journeys: dead ends, unknown names, schemas that providers refuse, ..."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "targets", nargs="+", metavar="TARGET", help="path.py, path.py:Name, package.module or package.module:Name"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how they are shown (default: text)")
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    parser.add_argument(
        "--store", metavar="URL", help="find the conversations kept there that this code would strand; changes nothing"
    )
    parser.add_argument("--strict", action="store_true", help="let warnings count as mistakes, too")
    parser.add_argument("--no-hints", action="store_true", help="show errors and warnings only")


def run(args: Namespace) -> int:
    """Show the findings; returns the exit code."""
    if args.store is not None:
        from agent_runtime_framework.cli.operating.stranding import show_stranded

        return show_stranded(args)
    from agent_runtime_framework.cli.findings import show_findings

    return show_findings(args)
