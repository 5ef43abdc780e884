"""The console script `agent-runtime`.

A command is a module with `add_arguments(parser)` and `run(args) -> int`, and a line in `COMMANDS`. The module is
imported when its command is chosen, so that `--help` and `--version` load nothing.
"""

from __future__ import annotations

import argparse
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from agent_runtime_core._version import __version__
from agent_runtime_framework.cli.failures import FAILED, INTERRUPTED, OK, explain


class CommandModule(Protocol):
    """What a command's module has."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        ...

    def run(self, args: Namespace) -> int:
        """Do it; returns the exit code."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the table.

    Attributes:
        summary: What it does, for `--help`.
        module: Where it is.
    """

    summary: str
    module: str


COMMANDS = {
    "chat": Command("hold a conversation with an agent, here in the terminal", f"{__package__}.commands.chat"),
    "check": Command("find the mistakes in journeys, with file and line", f"{__package__}.commands.check"),
    "dev": Command("serve agents on this machine, with a page that shows what happens", f"{__package__}.commands.dev"),
    "explain": Command("say what was done in a conversation, turn by turn, and why", f"{__package__}.commands.explain"),
    "graph": Command("draw a journey, and where a conversation is in it", f"{__package__}.commands.graph"),
    "models": Command(
        "say which models are configured, which answer, and what is missing", f"{__package__}.commands.models"
    ),
    "new": Command("write a small project: a journey, its tests, a Dockerfile", f"{__package__}.commands.new"),
    "replay": Command(
        "hold stored conversations again, by changed code or another model", f"{__package__}.commands.replay"
    ),
    "serve": Command("serve agents over HTTP, each conversation to its owner", f"{__package__}.commands.serve"),
    "sessions": Command("list, show, export, prune and erase conversations", f"{__package__}.commands.sessions"),
    "stats": Command("say how journeys fare: completed, left where, at what cost", f"{__package__}.commands.stats"),
    "test": Command("run scenarios and tests, without a key or a network", f"{__package__}.commands.test"),
    "worker": Command("run the turns that other processes accept", f"{__package__}.commands.worker"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 wrongly asked for."""
    parser = _parser()
    args = parser.parse_args(argv)
    if not hasattr(args, "run"):
        parser.print_help()
        return OK
    try:
        return cast("Callable[[Namespace], int]", args.run)(args)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left; there is nobody to tell, and the interpreter must not try at exit.
        sys.stderr.close()
        return FAILED
    except Exception as error:  # noqa: BLE001  the outermost edge: all becomes a message and an exit code
        message, code = explain(error)
        sys.stderr.write(f"agent-runtime: {message}\n")
        return code


class _LazyParser(ArgumentParser):
    """A command's parser that imports the command when it has to read its options."""

    def __init__(self, *args: Any, module: str = "", **kwargs: Any) -> None:
        super().__init__(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)
        self._module = module

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  the stub has overloads
        if self._module:
            command = cast("CommandModule", import_module(self._module))
            self._module = ""
            command.add_arguments(self)
            self.set_defaults(run=command.run)
        return super().parse_known_args(args, namespace)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="agent-runtime", description="Conversations that must get somewhere.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"agent-runtime {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_LazyParser)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.summary, module=command.module, allow_abbrev=False)
    parser.epilog = "agent-runtime COMMAND --help says more."
    return parser


if __name__ == "__main__":
    sys.exit(main())
