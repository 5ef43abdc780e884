"""`agent-runtime explain`."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime_framework.cli.main import main
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.store.delivery import Entry, Incoming, Lease
from agent_runtime_framework.store.sqlite import SQLiteStore
from agent_runtime_framework.testing import ScriptedLLM, call, say


class Errand(Journey):
    """An errand."""

    start = step("Begin.")
    end = step(say="Done.", final=True)

    @start.tool(to="end", effect="once")
    def go(self) -> str:
        """Go."""
        return "Gone."


@pytest.fixture
def url(tmp_path: Path) -> str:
    found = f"sqlite:///{tmp_path}/chat.db"

    async def talk() -> None:
        async with Runtime(found, [Errand.agent(ScriptedLLM(say("Shall I go?"), call("go"), call("go")))]) as chats:
            await chats.send("ada", "hi")
            await chats.send("ada", "go")
            await chats.send("bob", "go")

    asyncio.run(talk())
    return found


def test_explain_tells_every_turn_in_words(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "ada", "--store", url]) == 0
    text = capsys.readouterr().out
    assert "Turn 1 (errand, answered): start" in text
    assert "Turn 2 (errand, answered): start > end" in text
    assert "moved to end: the model called go, its code decided" in text


def test_explain_gives_the_same_as_json(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "ada", "--turn", "-1", "--json", "--store", url]) == 0
    (turn,) = json.loads(capsys.readouterr().out)["turns"]
    assert (turn["turn"], turn["called"], turn["over"]) == (2, ["go"], "completed")
    assert turn["moves"] == [{"from": "start", "to": "end", "by": "call", "tool": "go"}]


def test_turns_and_conversations_can_be_compared(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "ada", "--turn", "1", "--diff", "2", "--store", url]) == 1
    assert "calls: none -> go: ok" in capsys.readouterr().out
    assert main(["explain", "ada", "--diff", "bob", "--store", url]) == 1
    assert "Turn 2: only in the first" in capsys.readouterr().out
    assert main(["explain", "ada", "--diff", "ada", "--store", url]) == 0
    assert capsys.readouterr().out == "Nothing differs.\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["eve"], "no turns of a conversation 'eve'"),
        (["ada", "--turn", "7"], "there are 1 to 2"),
        (["ada", "--turn", "1", "--diff", "bob"], "to name another turn by its number"),
    ],
)
def test_what_is_not_there_is_said(url: str, args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *args, "--store", url]) == 2
    assert said in capsys.readouterr().err


def test_a_turn_that_has_not_ended_is_told_as_far_as_it_went(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def leave() -> None:
        store = SQLiteStore(tmp_path / "left.db")
        lease = Lease(owner="me", ttl=timedelta(seconds=30))
        message = Incoming(conversation_id="ada", message_id="m", default_agent="errand", body={})
        claim = (await store.accept(message, lease)).claim
        assert claim is not None
        outcome = {"text": "", "calls": [], "usage": None, "extra": None, "offered": ["go"], "insists": False}
        await store.record(claim, [Entry(no=0, kind="model", outcome=outcome)], lease.ttl)
        await store.aclose()

    asyncio.run(leave())
    assert main(["explain", "ada", "--store", f"sqlite:///{tmp_path}/left.db"]) == 0
    text = capsys.readouterr().out
    assert "Turn 1 (errand, running)" in text
    assert "not ended yet" in text


def test_stats_says_how_journeys_fare(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--store", url]) == 0
    text = capsys.readouterr().out
    assert "errand: 2 begun, 2 completed (100 %), 0 open" in text
    assert "turns to complete, median:" in text
    assert main(["stats", "--agent", "errand", "--json", "--store", url]) == 0
    assert json.loads(capsys.readouterr().out)["errand"]["median_turns_to_complete"] == 1.5
    assert main(["stats", "--agent", "nobody", "--store", url]) == 0
    assert capsys.readouterr().out == "There are no turns yet.\n"
