"""`agent-runtime chat`: a conversation in the terminal."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace

_EXAMPLES = """\
examples:
  agent-runtime chat examples/onboarding.py
  agent-runtime chat examples/quote.py --conversation ada      come back to it under that name
  agent-runtime chat my_package.agents:QuoteAgent --model anthropic/claude-sonnet-5-5
  agent-runtime chat examples/cart.py --model http://127.0.0.1:8080/v1
  agent-runtime chat examples/booking.py --model me            you play the model
  printf 'hi\\nAda\\n' | agent-runtime chat examples/onboarding.py

The conversation is kept after every turn. At a terminal the last one without a name goes on, unless it was over; lines
from a pipe begin a new one, which is kept only if --conversation or --store is given.
Exit codes: 0 ended, 1 a turn failed, 2 something was wrongly asked for, 130 interrupted.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Hold a conversation with an agent."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("target", help="path.py, path.py:Name, package.module or package.module:Name")
    parser.add_argument(
        "--model", metavar="MODEL", help="offline, me, provider/model, or the address of an OpenAI-compatible server"
    )
    parser.add_argument("--conversation", metavar="NAME", help="begin a conversation of that name, or come back to it")
    parser.add_argument("--store", metavar="URL", help="where it is kept (default: sqlite:///.agent-runtime/chat.db)")
    parser.add_argument("--restart", action="store_true", help="forget what is stored of the conversation, begin anew")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="write the log, with tracebacks, to standard error"
    )


def run(args: Namespace) -> int:
    """Hold the conversation; returns the exit code."""
    from agent_runtime_framework.cli.opening import hold_conversation

    return hold_conversation(args)
