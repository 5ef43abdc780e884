from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_runtime_framework import JourneyConfig, MemoryManager
from agent_runtime_framework.cli.session import MemorySession
from agent_runtime_framework.cli.targets import load_agent
from agent_runtime_framework.cli.transcript import Transcript
from agent_runtime_framework.testing import ScriptedLLM, call, say

MakeScreen = Callable[..., Any]


async def _shown(examples: Path, screen: Any, *script: Any, config: JourneyConfig | None = None) -> str:
    agent: Any = load_agent(str(examples / "onboarding.py"))
    agent.config = config or agent.config
    session = MemorySession(agent, MemoryManager(), "c", ScriptedLLM(*script))
    await session.open()
    await session.say("hello", Transcript(screen))
    return screen.text


@pytest.mark.asyncio
async def test_text_calls_and_the_reply_come_in_order(examples: Path, make_screen: MakeScreen) -> None:
    script = [[say("One moment."), call("save_name", name="Ada")], say("And your email?")]
    assert await _shown(examples, make_screen(), *script) == (
        'One moment.\n  ✓ save_name(name="Ada")\nAnd your email?\n'
    )


@pytest.mark.asyncio
async def test_the_result_of_a_call_is_shown_where_it_failed(examples: Path, make_screen: MakeScreen) -> None:
    script = [call("save_name", name="Ada"), call("save_email", email="nonsense"), say("Sorry?")]
    shown = await _shown(examples, make_screen(), *script)
    assert "  ✗ save_email(email=\"nonsense\")\n    → 'nonsense' is not an email address.\nSorry?\n" in shown


@pytest.mark.asyncio
async def test_a_refused_call_shows_the_reason(examples: Path, make_screen: MakeScreen) -> None:
    shown = await _shown(examples, make_screen(), call("choose_plan", plan="pro"), say("Your name?"))
    assert "✗ choose_plan(plan=\"pro\")\n    → refused: Error: Unknown tool 'choose_plan'" in shown


@pytest.mark.asyncio
async def test_an_answer_that_was_not_streamed_is_shown(examples: Path, make_screen: MakeScreen) -> None:
    config = JourneyConfig(max_tool_iterations=1, limit_reply="Let us stop here.")
    shown = await _shown(examples, make_screen(), call("save_name", name="Ada"), config=config)
    assert shown.endswith("Let us stop here.\n")


@pytest.mark.asyncio
async def test_call_text_is_never_shown(examples: Path, make_screen: MakeScreen) -> None:
    script = [say('<tool_call>{"name": "save_name", "arguments": {"name": "Ada"}}</tool_call>'), say("Thanks.")]
    assert await _shown(examples, make_screen(), *script) == '  ✓ save_name(name="Ada")\nThanks.\n'
