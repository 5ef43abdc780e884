"""`agent-runtime new`: a small project to begin with."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from pathlib import Path

_EXAMPLES = """\
examples:
  agent-runtime new front-desk
  agent-runtime new front-desk --into ~/projects

It writes a journey, its tests, a README, a Dockerfile and a pyproject.toml, and overwrites nothing. The project passes
`agent-runtime check` and `agent-runtime test` as it is; no key is needed.
Exit codes: 0 done, 2 the name cannot be used, or the directory is there already.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Write a small project: a journey, its tests, a README and a Dockerfile."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "name", metavar="NAME", help="the project's name, and its directory's: letters, digits, - and _"
    )
    parser.add_argument("--into", metavar="DIR", default=".", help="where the directory is made (default: here)")


def run(args: Namespace) -> int:
    """Write the project; returns the exit code."""
    import sys

    from agent_runtime_framework.cli.failures import OK
    from agent_runtime_framework.cli.new_project import write_project

    into = Path(args.into)
    written = write_project(args.name, into)
    for path in written:
        sys.stdout.write(f"  {path}\n")
    sys.stdout.write(
        f"\nGo on with:\n  cd {into / args.name}\n  agent-runtime chat journey.py\n  agent-runtime dev journey.py\n"
        "  agent-runtime test\n  agent-runtime check journey.py\n"
    )
    return OK
