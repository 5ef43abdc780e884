"""What `agent-runtime models` prints."""

from __future__ import annotations

import asyncio

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.llm import get_llm_client
from agent_runtime_core.llm.available import Availability, available_models
from agent_runtime_framework.cli.failures import MISUSED, OK
from agent_runtime_framework.cli.model_choice import is_configured
from agent_runtime_framework.cli.screen import Screen, open_screen
from agent_runtime_framework.cli.spans import Line, Span, line


def show_models(*, probe: bool) -> int:
    """Print them; returns the exit code: 2 if what is configured cannot be used."""
    screen = open_screen()
    found = asyncio.run(available_models(probe=probe))
    screen.show(*(_row(each, screen) for each in found), hanging=14)
    if probe and not any(each.model and each.model.startswith("http") for each in found):
        screen.show(line("No model server answers on the usual ports of this machine.", "quiet"))
    return _say_default(screen)


def _row(each: Availability, screen: Screen) -> Line:
    mark = Span(screen.marks.done, "good") if each.is_ready else Span(screen.marks.open, "quiet")
    use = f"  --model {each.model}" if each.is_ready and each.model else ""
    return (
        mark,
        Span(f" {each.provider:<10}  "),
        Span(each.says, "text" if each.is_ready else "quiet"),
        Span(use, "accent"),
    )


def _say_default(screen: Screen) -> int:
    if not is_configured():
        screen.show(line("Nothing is configured, so `agent-runtime chat` uses the offline model.", "quiet"))
        return OK
    try:
        client = get_llm_client()
    except ConfigurationError as error:
        screen.show(line(f"What is configured cannot be used: {error}", "bad"))
        return MISUSED
    name = getattr(client, "default_model", None) or getattr(client, "model", None) or type(client).__name__
    screen.show((Span("Without --model, chat uses "), Span(str(name), "accent"), Span(".")))
    return OK
