"""`/save-test`: the conversation just held becomes a test that passes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_framework.agents.short_form import ClassAgent
from agent_runtime_framework.cli.spans import line
from agent_runtime_framework.cli.targets import load_agent
from agent_runtime_framework.testing.conversation.visible import visible_state
from agent_runtime_framework.testing.scenarios.recording import save_scenario

if TYPE_CHECKING:
    from agent_runtime_framework.cli.chat import Chat
    from agent_runtime_framework.cli.session import Session

AGAIN = "again"
"""What is typed to agree that tools with effects run once more."""


async def save_test(chat: Chat, rest: str) -> None:
    """Write the conversation as a scenario file, and run it; what was typed may name the file."""
    session = chat.session
    words = rest.split()
    agrees = AGAIN in words
    named = next((word for word in words if word != AGAIN), "")
    if (names := await _with_effects(session)) and not agrees:
        chat.screen.note(
            line(f"To see it pass, {', '.join(names)} would run again, and is declared to have effects.", "warn"),
            line(f"If that is all right: /save-test {f'{named} ' if named else ''}{AGAIN}", "quiet"),
        )
        return
    path = _path(named, session)
    messages = [each.to_dict() for each in await session.messages()]
    state = visible_state(await session.state())
    try:
        # A conversation of its own, in a loop of its own.
        is_offline = await asyncio.to_thread(
            save_scenario, path, session.target, lambda: load_agent(session.target), messages, state
        )
    except ConfigurationError as error:
        chat.screen.note(line(f"Not saved: {error}", "bad"))
        return
    how = "held by the offline model" if is_offline else "with the model's answers as they were"
    chat.screen.show(line(f"Saved as {path}, {how}; it passes.", "good"))
    chat.screen.note(line(f"  agent-runtime test {path}", "accent"))


async def _with_effects(session: Session) -> list[str]:
    """The tools that ran and are declared to do harm when they run again."""
    agent = session.agent
    if not isinstance(agent, ClassAgent):
        return []
    steps = agent.journey.definition.steps.values()
    declared = {tool.name for step in steps for tool in step.tools if tool.effect in ("once", "idempotent")}
    called = [each["function"]["name"] for message in await session.messages() for each in message.tool_calls]
    return [name for name in dict.fromkeys(called) if name in declared]


def _path(named: str, session: Session) -> Path:
    if named:
        path = Path(named)
        return path if path.name.endswith((".yaml", ".yml")) else path.with_name(f"{path.name}.scenario.yaml")
    directory = Path("tests") if Path("tests").is_dir() else Path()
    return directory / f"{re.sub(r'[^0-9A-Za-z_-]', '_', session.conversation_id)}.scenario.yaml"
