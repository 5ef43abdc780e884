"""`agent-runtime models`: which models can be used here, and what is missing for the others."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.description = (
        "Say which models are configured, which local servers answer, and what is missing. Asks the usual ports of "
        "127.0.0.1 and nothing else; keys are never shown."
    )
    parser.add_argument("--no-probe", action="store_true", help="use no network at all, not even 127.0.0.1")


def run(args: Namespace) -> int:
    """Print the list; returns the exit code."""
    from agent_runtime_framework.cli.model_list import show_models

    return show_models(probe=not args.no_probe)
