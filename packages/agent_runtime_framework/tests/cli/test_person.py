from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_runtime_framework.cli.model_choice import choose_model
from agent_runtime_framework.cli.session import MemorySession
from agent_runtime_framework.cli.targets import load_agent
from agent_runtime_framework.cli.transcript import Transcript
from agent_runtime_framework.memory import MemoryManager

MakeScreen = Callable[..., Any]


@pytest.fixture
def agent(examples: Path) -> Any:
    return load_agent(str(examples / "onboarding.py"))


async def _turn(agent: Any, screen: Any) -> MemorySession:
    model = choose_model("me", agent, screen)
    session = MemorySession(agent, MemoryManager(), "c", model.client)
    await session.open()
    await session.say("hello", Transcript(screen, is_detailed=True))
    return session


@pytest.mark.asyncio
async def test_a_text_is_the_reply(agent: Any, make_screen: MakeScreen) -> None:
    screen = make_screen(["Welcome!"])
    session = await _turn(agent, screen)
    assert [each.content for each in await session.messages()] == ["hello", "Welcome!"]
    assert "save_name(name: string)" in screen.text
    assert "prompt    Welcome to Acme!" in screen.text


@pytest.mark.asyncio
@pytest.mark.parametrize("answers", [["1", "Ada", ""], ["save_name", "Ada", ""], ['save_name {"name": "Ada"}', ""]])
async def test_a_call_runs_and_moves_the_journey(agent: Any, make_screen: MakeScreen, answers: list[str]) -> None:
    screen = make_screen([*answers, "And your email?"])
    session = await _turn(agent, screen)
    assert (await session.state()).name == "Ada"
    assert session.progress.here == "collect_email"
    assert '✓ save_name(name="Ada")' in screen.text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["2", "ada@example.org", ""], "Unknown tool 'save_email'. Offered now: save_name"),
        (['/call drop_tables {"all": true}', ""], "Unknown tool 'drop_tables'"),
        (["1", "", ""], "name"),
        (['save_name {"name": 5}', ""], "did not run"),
        (["save_name {broken", ""], "did not run"),
    ],
)
async def test_what_the_engine_refuses_is_shown_with_the_reason(
    agent: Any, make_screen: MakeScreen, answers: list[str], reason: str
) -> None:
    screen = make_screen([*answers, "Sorry."])
    session = await _turn(agent, screen)
    refused = screen.text.split("refused: ")[1].splitlines()[0]
    assert reason in refused
    assert session.progress.here == "welcome"


@pytest.mark.asyncio
async def test_several_calls_make_one_reply(agent: Any, make_screen: MakeScreen) -> None:
    screen = make_screen(['1 {"name": "Ada"}', '2 {"email": "ada@example.org"}', "", "Done."])
    session = await _turn(agent, screen)
    reply = (await session.messages())[1]
    assert [json.loads(call["function"]["arguments"]) for call in reply.tool_calls] == [
        {"name": "Ada"},
        {"email": "ada@example.org"},
    ]
    # The second was not among the tools that this request offered.
    assert session.progress.here == "collect_email"


@pytest.mark.asyncio
@pytest.mark.parametrize("leaving", [EOFError(), KeyboardInterrupt()])
async def test_leaving_cancels_the_turn_and_keeps_the_conversation(
    agent: Any, make_screen: MakeScreen, leaving: BaseException
) -> None:
    with pytest.raises(asyncio.CancelledError):
        await _turn(agent, make_screen([leaving]))
    assert (await agent.state_of("c")) == agent.get_initial_state()
