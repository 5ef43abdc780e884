from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from corner_shop import Held, Ledger, Shop, echo

from agent_runtime_core.interfaces import EventType
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.events import Event
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.runtime.feed import Position, Told, TurnFeed
from agent_runtime_framework.store.delivery import Outcome


def shop(llm: Any, store: str = "memory://") -> Runtime:
    return Runtime(store, agents=[Shop.agent(llm, provide=[Ledger()])])


class Reader:
    """Watches a conversation, and keeps what it is told."""

    def __init__(self, chats: Runtime, after: str | None = None) -> None:
        self.told: list[Told] = []
        self._more = asyncio.Event()
        self.task = asyncio.ensure_future(self._read(chats, after))

    async def _read(self, chats: Runtime, after: str | None) -> None:
        async for each in chats.watch("ada", after=after):
            self.told.append(each)
            self._more.set()

    async def any(self) -> Told:
        """Wait until something was told."""
        while not self.told:
            self._more.clear()
            await self._more.wait()
        return self.told[-1]

    async def until(self, turn: int) -> list[str]:
        """Wait for the end of a turn; the types of all that was told."""
        while not any(each.position == Position(turn) for each in self.told):
            self._more.clear()
            async with asyncio.timeout(10):
                await self._more.wait()
        return [str(each.event.type) for each in self.told]


@asynccontextmanager
async def reading(chats: Runtime, after: str | None = None) -> AsyncGenerator[Reader]:
    reader = Reader(chats, after)
    # Let it begin.
    await asyncio.sleep(0)
    try:
        yield reader
    finally:
        reader.task.cancel()
        await asyncio.gather(reader.task, return_exceptions=True)


WHOLE = ["run.started", "assistant.delta", "assistant.message", "run.succeeded"]


@pytest.mark.asyncio
async def test_a_conversation_is_watched_across_its_turns() -> None:
    async with shop(Held(echo)) as chats, reading(chats) as reader:
        await chats.send("ada", "a", message_id="m1")
        await chats.send("bob", "not me")
        await chats.send("ada", "b")

        assert await reader.until(2) == WHOLE * 2
        assert [each.event.payload.get("heard") for each in reader.told if "heard" in each.event.payload] == [
            [{"role": "user", "content": "a"}],
            [{"role": "user", "content": "b"}],
        ]


@pytest.mark.asyncio
async def test_nothing_is_kept_of_conversations_that_nobody_watches_unless_it_shall_be() -> None:
    async with shop(Held(echo)) as chats:
        await chats.send("ada", "a")
        chats.keep_events()
        await chats.send("ada", "b")
        async with reading(chats, "0") as reader:
            assert await reader.until(2) == ["run.started", "assistant.message", "run.succeeded", *WHOLE]

        assert reader.told[0].event.payload["retold"]
        assert "retold" not in reader.told[3].event.payload


@pytest.mark.asyncio
async def test_a_turn_that_another_process_runs_comes_whole(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    async with shop(Held(echo), url) as here, shop(Held(echo), url) as elsewhere, reading(here) as reader:
        await here.send("ada", "a")
        await elsewhere.send("ada", "b")
        await reader.until(2)
        await here.send("ada", "c")

        assert await reader.until(3) == [*WHOLE, "run.started", "assistant.message", "run.succeeded", *WHOLE]
        assert all(each.event.run_id for each in reader.told)


@pytest.mark.asyncio
async def test_a_turn_that_is_cancelled_ends_as_that() -> None:
    model = Held(echo)
    model.may_reply.clear()
    async with shop(model) as chats, reading(chats) as reader:
        await chats.accept("ada", "a")
        await model.is_asked.wait()
        await chats.cancel("ada")

        assert await reader.until(1) == ["run.started", "run.cancelled"]


@pytest.mark.asyncio
async def test_a_turn_that_is_given_back_has_not_ended(tmp_path: Path) -> None:
    """The process ends in the midst of it; whoever goes on with it tells the rest, and it is one turn."""
    url = f"sqlite:///{tmp_path}/chat.db"
    model = Held(echo)
    model.may_reply.clear()
    async with shop(model, url) as chats, reading(chats) as reader:
        chats.host._grace = 0.0  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]
        await chats.accept("ada", "a")
        await model.is_asked.wait()
        last = str((await reader.any()).position)
    assert [each.event.type for each in reader.told] == ["run.started"]

    async with shop(Held(echo), url) as chats, reading(chats, last) as reader:
        await reader.until(1)

    assert reader.told[0].event.type == EventType.RUN_STARTED
    assert str(reader.told[-1].position) == "1.end"


@pytest.mark.parametrize("text", ["0", "7", "7.end", "7.1.0", "12.3.456"])
def test_a_position_is_read_as_it_was_written(text: str) -> None:
    assert str(Position.parse(text)) == (text if "." in text else f"{text}.end")


@pytest.mark.parametrize("text", ["", "x", "1.2", "1.2.3.4", "-1", "1.x.2", "٣", "9" * 16, "1.1." + "9" * 16])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Position.parse(text)


def test_positions_are_ordered_as_things_happened() -> None:
    texts = ["0", "1.1.0", "1.1.7", "1.1.10", "1.2.0", "1.end", "2.1.0"]

    assert sorted(map(Position.parse, texts)) == [Position.parse(each) for each in texts]


def preview(events: list[Event]) -> str:
    text = ""
    for event in events:
        if event.type == EventType.ASSISTANT_DELTA:
            text += event.text
        elif event.type == EventType.ASSISTANT_RESET:
            text = event.text
    return text


def test_old_deltas_are_forgotten_and_nobody_misses_them() -> None:
    feed = TurnFeed(turn=1, attempt=1)
    kinds = [EventType.TOOL_CALL, *[EventType.ASSISTANT_DELTA] * 40, EventType.ASSISTANT_RESET]
    events = [Event(kinds[at % len(kinds)], {"delta": f"{at} ", "text": "again "}, seq=at) for at in range(200)]
    for at, event in enumerate(events):
        feed.add(event, 20)
        kept = [each for _, each in feed.told]
        assert sum(each.type == EventType.ASSISTANT_DELTA for each in kept) <= 21
        for had in range(0, at + 1, 7):
            rest = [each for _, each in feed.after(Position(1, 1, events[had].seq))]
            assert preview([*events[: had + 1], *rest]) == preview(events[: at + 1])
    feed.end(Outcome(status="answered", reply="x", turn=1))

    assert sum(each.type == EventType.TOOL_CALL for _, each in feed.told) == 5
    assert feed.is_whole
