"""`agent-runtime test`: scenarios, and whatever else tests a journey."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime test                                       everything below the working directory
  agent-runtime test tests/quote.scenario.yaml
  agent-runtime test tests --coverage                      what the conversations reached of their journeys
  agent-runtime test tests --skeletons tests/missing       scenarios for what they did not, to be completed
  agent-runtime test --schema > scenario.schema.json       the form of scenario files, for an editor

With pytest installed this is pytest with our plugin, so that tests in Python run, too. Without it, scenario files run
alone. No real model is asked.
Exit codes: 0 all passed, 1 something failed or there was nothing to run, 2 wrongly asked for.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Run scenario files (*.scenario.yaml) and tests."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files or directories (default: the working directory)"
    )
    parser.add_argument("-k", metavar="WORDS", default="", help="only those whose name contains these words")
    parser.add_argument(
        "--coverage", action="store_true", help="say which steps, moves, guards and mishaps were reached"
    )
    parser.add_argument("--coverage-json", metavar="FILE", help="write that as JSON, too")
    parser.add_argument("--skeletons", metavar="DIR", help="write scenarios to be completed for what was not reached")
    parser.add_argument("--scenarios-only", action="store_true", help="run scenario files alone, without pytest")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of scenario files, and do no more")


def run(args: Namespace) -> int:
    """Run what was named; returns the exit code."""
    from agent_runtime_framework.cli.running_tests import run_tests

    return run_tests(args)
