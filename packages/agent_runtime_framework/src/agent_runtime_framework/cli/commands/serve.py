"""`agent-runtime serve`: agents over HTTP."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime serve examples/quote.py --api-key 9f86d081884c7d659a2f=ada
  agent-runtime serve my_package.journeys:Quote my_package.claims:Claim --api-keys-file keys.txt --workers 4
  agent-runtime serve examples/quote.py --auth my_package.auth:principal_of --store postgresql://localhost/chat
  agent-runtime serve examples/quote.py --no-auth --model offline

The first agent answers where nobody else is named. A conversation belongs to the principal who began it, and exists for
nobody else. On SIGTERM and Ctrl-C, turns that run get a moment to end; what is unfinished goes on with the next start.
Exit codes: 0 ended, 1 it could not be served, 2 something was wrongly asked for.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Serve agents over HTTP, each conversation to its owner. Needs the extra `server`."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_common_arguments(parser)
    parser.add_argument("--reload", action="store_true", help="start again when a file changes")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="how many processes (default: 1)")
    parser.add_argument(
        "--accept-only", action="store_true", help="leave turns to `agent-runtime worker` on the same store"
    )
    auth = parser.add_argument_group("who may ask", "exactly one way has to be chosen")
    auth.add_argument(
        "--api-key",
        action="append",
        metavar="KEY=PRINCIPAL",
        help="a key and whom it belongs to; may be repeated (others on this machine can read it: prefer a file)",
    )
    auth.add_argument("--api-keys-file", metavar="FILE", help="one KEY=PRINCIPAL a line")
    auth.add_argument("--auth", metavar="MODULE:CALLABLE", help="gives the principal of a request, or None")
    auth.add_argument("--no-auth", action="store_true", help="let everybody in who reaches the port")
    parser.add_argument(
        "--approver",
        action="append",
        metavar="PRINCIPAL",
        help="decides about calls that wait, in every conversation; without any, each owner does",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument("--cors-origin", action="append", metavar="ORIGIN", help="a page that may send requests")
    limits.add_argument("--max-body", type=int, metavar="BYTES", help="of a request (default: 1048576)")
    limits.add_argument("--max-message", type=int, metavar="CHARS", help="of a message (default: 20000)")
    limits.add_argument(
        "--rate", type=float, metavar="N", help="requests a second of a principal (default: 10; 0: any)"
    )
    limits.add_argument("--max-streams", type=int, metavar="N", help="open streams of a principal (default: 50)")


def add_common_arguments(parser: ArgumentParser) -> None:
    """Declare what `serve` and `dev` have in common."""
    parser.add_argument(
        "targets", nargs="+", metavar="TARGET", help="path.py, path.py:Name, package.module or package.module:Name"
    )
    parser.add_argument("--model", metavar="MODEL", help="offline, provider/model, or an address; as in `chat`")
    parser.add_argument("--store", metavar="URL", help="where conversations are kept (default: as in `chat`)")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="default: 8000")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every request")


def run(args: Namespace) -> int:
    """Serve; returns the exit code."""
    from agent_runtime_framework.cli.serve import serve

    return serve(args)
