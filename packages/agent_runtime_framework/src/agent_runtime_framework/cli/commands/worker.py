"""`agent-runtime worker`: a process that only works."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime worker my_package.journeys:Quote --store postgresql://chat@localhost/chat
  agent-runtime worker my_package.journeys:Quote my_package.claims:Claim --store "$DATABASE_URL" --concurrency 50
  agent-runtime worker examples/quote.py --store postgresql://localhost/chat --model offline

Start as many as you like, on any number of machines; they share the work. The processes that take messages in are
`agent-runtime serve --accept-only`, or yours, with Runtime(..., works=False). On PostgreSQL an idle worker sleeps until
it is woken; on SQLite it looks every few seconds.
On SIGTERM and Ctrl-C it takes up nothing more, lets turns end for --grace seconds, and gives back what is unfinished,
which another worker continues at once.
Exit codes: 0 ended, 1 the store cannot be used, 2 something was wrongly asked for.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Run the turns of conversations that other processes accept messages for."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "targets", nargs="+", metavar="TARGET", help="path.py, path.py:Name, package.module or package.module:Name"
    )
    parser.add_argument("--store", metavar="URL", required=True, help="where conversations are kept")
    parser.add_argument("--model", metavar="MODEL", help="offline, provider/model, or an address; as in `chat`")
    parser.add_argument("--concurrency", type=int, default=20, metavar="N", help="conversations at once (default: 20)")
    parser.add_argument(
        "--lease",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="after which others take over from a worker that gives no sign of life (default: 30)",
    )
    parser.add_argument(
        "--grace", type=float, default=20.0, metavar="SECONDS", help="for turns to end when it is stopped (default: 20)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log everything, as text")


def run(args: Namespace) -> int:
    """Work until it is stopped; returns the exit code."""
    from agent_runtime_framework.cli.worker import work

    return work(args)
