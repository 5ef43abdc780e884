"""A conversation as a scenario file: the text of a test that holds it again."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.server.problems import Problem
from agent_runtime_framework.testing.conversation.visible import visible_state
from agent_runtime_framework.testing.scenarios.recording import save_scenario

if TYPE_CHECKING:
    from agent_runtime_framework.agents.making import Agent
    from agent_runtime_framework.runtime import Runtime


async def scenario_of(runtime: Runtime, target: str, load: Callable[[], Agent], conversation_id: str) -> str:
    """The text of a scenario file that passes.

    Args:
        runtime: Holds the conversation.
        target: Its agent, as the command line names it.
        load: Makes that agent afresh.
        conversation_id: The conversation.

    Raises:
        Problem: No such test can be made.
    """
    messages: list[Mapping[str, Any]] = [*(await runtime.store.load(conversation_id, "")).messages]
    state = visible_state(await runtime.state(conversation_id))

    def saved() -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "conversation.scenario.yaml"
            save_scenario(path, target, load, messages, state)
            return path.read_text(encoding="utf-8")

    try:
        return await asyncio.to_thread(saved)
    except ConfigurationError as error:
        raise Problem(409, "no-test", str(error)) from error
