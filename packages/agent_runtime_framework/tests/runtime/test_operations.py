"""A runtime erases, exports and prunes while it works."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from corner_shop import Held, Ledger, Shop, echo, first_calls

from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.store.sqlite import SQLiteStore


def shop(llm: Any, ledger: Ledger | None = None) -> Any:
    return Shop.agent(llm, provide=[ledger or Ledger()])


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.asyncio
async def test_a_conversation_that_is_erased_is_begun_anew_without_a_memory(tmp_path: Path) -> None:
    llm = Held(echo)
    clock = Clock()
    store = SQLiteStore(tmp_path / "chat.db", clock=clock)
    async with Runtime(store, [shop(llm)]) as chats:
        await chats.send("ada", "my secret")
        assert await chats.erase("ada")
        clock.now += timedelta(seconds=1)
        await chats.send("ada", "hello")
        await chats.send("ada", "again")

        assert "my secret" not in str(llm.requests[-1])
        assert len(await chats.history("ada")) == 4
        assert not await chats.erase("nobody")
    await store.aclose()


@pytest.mark.asyncio
async def test_a_conversation_erased_elsewhere_is_not_remembered_here(tmp_path: Path) -> None:
    llm = Held(echo)
    clock = Clock()
    here, elsewhere = (SQLiteStore(tmp_path / "chat.db", clock=clock) for _ in range(2))
    async with Runtime(here, [shop(llm)]) as chats, Runtime(elsewhere, [shop(llm)]) as others:
        await chats.send("ada", "my secret")
        await others.erase("ada")
        clock.now += timedelta(seconds=1)
        await others.send("ada", "hello")
        await others.send("ada", "hello again")
        await chats.send("ada", "and here")

        assert "my secret" not in str(llm.requests[-1])
        assert len(await chats.history("ada")) == 6
    await here.aclose()
    await elsewhere.aclose()


@pytest.mark.asyncio
async def test_what_is_erased_while_its_turn_runs_stays_gone(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.may_go_on.clear()
    async with Runtime(f"sqlite:///{tmp_path}/chat.db", [shop(Held(first_calls("charge")), ledger)]) as chats:
        asking = asyncio.ensure_future(chats.send("ada", "hi"))
        await ledger.has_begun.wait()
        await chats.erase("ada")

        assert (await asking).status == "cancelled"
        assert await chats.export("ada") is None


@pytest.mark.asyncio
async def test_what_was_exported_says_everything(tmp_path: Path) -> None:
    async with Runtime(f"sqlite:///{tmp_path}/chat.db", [shop(Held(first_calls("charge")))]) as chats:
        await chats.send("ada", "hi", message_id="m1")
        document = await chats.export("ada")

        assert document is not None
        assert [each["role"] for each in (row["body"] for row in document["messages"])][:2] == ["user", "assistant"]
        assert document["states"][0]["state"]["count"] == 10
        assert document["turns"][0]["effects"][0]["changed"] == {"count": 10}
        assert document["inbox"][0]["message_id"] == "m1"


@pytest.mark.asyncio
async def test_the_sweep_prunes_what_is_older_than_is_kept(tmp_path: Path) -> None:
    clock = Clock()
    store = SQLiteStore(tmp_path / "chat.db", clock=clock)
    async with Runtime(store, [shop(Held(echo))]) as chats:
        await chats.send("old", "hi")
        clock.now += timedelta(days=60)
        await chats.send("new", "hi")
    clock.now += timedelta(days=31)
    async with Runtime(store, [shop(Held(echo))], retention=timedelta(days=90)) as chats:
        assert [each.conversation_id for each in await chats.conversations()] == ["new"]
        assert await chats.prune(timedelta(days=30)) == ["new"]
    await store.aclose()


@pytest.mark.asyncio
async def test_whoever_asked_for_it_is_told_what_broke_a_turn() -> None:
    told: list[str] = []

    def break_down(messages: object) -> Any:
        raise OSError("the line is dead")

    on_failure = lambda claim, error: told.append(f"{claim.conversation_id}: {error}")  # noqa: E731
    async with Runtime("memory://", [shop(Held(break_down))], on_failure=on_failure) as chats:
        assert (await chats.send("ada", "hi")).status == "failed"

    assert told == ["ada: the line is dead"]


@pytest.mark.asyncio
async def test_a_stream_tells_everything_of_a_turn_that_takes_its_time(tmp_path: Path) -> None:
    class Slow(SQLiteStore):
        """Takes its time between what is durable and who knows it."""

        async def finish(self, *args: Any, **kwargs: Any) -> Any:
            following = await super().finish(*args, **kwargs)
            # Longer than the first look at the message's outcome.
            for _ in range(200):
                await asyncio.sleep(0.0005)
            return following

    store = Slow(tmp_path / "chat.db")
    async with Runtime(store, [shop(Held(echo))]) as chats:
        told = [event.type.value async for event in chats.stream("ada", "hi")]

    assert told[-2:] == ["assistant.message", "run.succeeded"]
    await store.aclose()
