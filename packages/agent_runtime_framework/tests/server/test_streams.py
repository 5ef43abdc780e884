from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from front_desk import Listener, Model, desk, opened

from agent_runtime_framework.server import Limits

EVENTS = "/conversations/c1/events"


def choosing() -> Model:
    return Model({"name": "choose", "arguments": {"nights": 2}}, "Two?")


@pytest.mark.asyncio
async def test_everything_that_happens_is_told() -> None:
    app = desk(choosing())
    async with opened(app) as client:
        await client.post("/conversations", json={"conversation_id": "c1"})
        listener = Listener(app, EVENTS)
        await client.post("/conversations/c1/messages", json={"text": "two"}, headers={"Idempotency-Key": "m1"})
        await listener.until("run.succeeded")
        await listener.leave()

    assert listener.types == [
        "run.started", "tool.call", "step.entered", "tool.result", "assistant.delta", "assistant.message",
        "run.succeeded",
    ]  # fmt: skip
    started = listener.events[0][2]
    assert (started["turn"], started["message_ids"]) == (1, ["m1"])
    assert started["heard"] == [{"role": "user", "content": "two"}]
    ids = [each[0] for each in listener.events]
    assert ids[0] == "1.1.0"
    assert ids[-1] == "1.end"
    assert len(set(ids)) == len(ids)


@pytest.mark.asyncio
async def test_whoever_comes_back_misses_nothing_and_hears_nothing_twice() -> None:
    app = desk(choosing())
    async with opened(app) as client:
        await client.post("/conversations/c1/messages", json={"text": "two"})
        whole = Listener(app, EVENTS, query="after=0")
        await whole.until("run.succeeded")
        await whole.leave()
        for at, (position, _, _) in enumerate(whole.events[:-1]):
            for how in ({"headers": {"Last-Event-ID": position}}, {"query": f"after={position}"}):
                rest = Listener(app, EVENTS, **how)  # type: ignore[arg-type]
                await rest.until("run.succeeded")
                await rest.leave()
                assert rest.events == whole.events[at + 1 :]


@pytest.mark.asyncio
async def test_a_restart_of_the_server_leaves_no_gap(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/chat.db"
    app = desk(choosing(), store=store)
    async with opened(app) as client:
        await client.post("/conversations/c1/messages", json={"text": "two"})
        listener = Listener(app, EVENTS, query="after=0")
        await listener.until("assistant.delta")
        await listener.leave()
    position = next(each[0] for each in listener.events if each[1] == "assistant.delta")
    app = desk(store=store)
    async with opened(app) as client:
        await client.post("/conversations/c1/messages", json={"text": "yes"})
        rest = Listener(app, EVENTS, headers={"Last-Event-ID": str(position)})
        await rest.until("run.succeeded", 2)
        await rest.leave()

    # The turn that was cut off is told again, whole, and says so; the one after it as it happened.
    assert rest.events[0][2]["retold"] is True
    assert rest.events[0][2]["heard"][0]["content"] == "two"
    assert [each[0] for each in rest.events if each[1] == "run.succeeded"] == ["1.end", "2.end"]
    assert rest.types[: rest.types.index("run.succeeded") + 1] == [
        "run.started", "tool.call", "tool.result", "step.entered", "assistant.message", "run.succeeded",
    ]  # fmt: skip
    assert all(each[0] is None for each in rest.events[: rest.types.index("run.succeeded")])


@pytest.mark.asyncio
async def test_whoever_comes_in_the_midst_of_a_turn_hears_all_of_it() -> None:
    model = choosing()
    app = desk(model)
    async with opened(app) as client:
        model.may_reply.clear()
        await client.post("/conversations/c1/messages", json={"text": "two", "wait": False})
        await model.is_asked.wait()
        listener = Listener(app, EVENTS)
        await listener.until("run.started")
        model.may_reply.set()
        await listener.until("run.succeeded")
        await listener.leave()

    assert listener.types[:2] == ["run.started", "tool.call"]


@pytest.mark.asyncio
async def test_two_readers_hear_the_same() -> None:
    app = desk(choosing())
    async with opened(app) as client:
        await client.post("/conversations", json={"conversation_id": "c1"})
        readers = [Listener(app, EVENTS) for _ in range(2)]
        await client.post("/conversations/c1/messages", json={"text": "two"})
        for each in readers:
            await each.until("run.succeeded")
            await each.leave()

    assert readers[0].events == readers[1].events != []


@pytest.mark.asyncio
async def test_a_reader_that_leaves_stops_nothing() -> None:
    model = choosing()
    model.may_reply.clear()
    app = desk(model)
    async with opened(app) as client:
        accepted = (await client.post("/conversations/c1/messages", json={"text": "two", "wait": False})).json()
        listener = Listener(app, EVENTS)
        await listener.until("run.started")
        await listener.leave()
        model.may_reply.set()
        end = await client.get(f"/conversations/c1/messages/{accepted['message_id']}", params={"wait": 10})

    assert end.json()["status"] == "answered"


@pytest.mark.asyncio
async def test_a_reader_that_takes_nothing_is_dropped_and_stalls_nothing() -> None:
    app = desk(choosing(), limits=Limits(send=0.05))
    async with opened(app) as client:
        await client.post("/conversations", json={"conversation_id": "c1"})
        listener = Listener(app, EVENTS)
        while not listener.comments:
            await listener.more.wait()

        stuck = Listener(app, EVENTS, takes=False)
        reply = await client.post("/conversations/c1/messages", json={"text": "two"})
        await stuck.task
        await listener.until("run.succeeded")
        await listener.leave()

    assert reply.json()["text"] == "Two?"
    assert app.service.streams.open == 0


@pytest.mark.asyncio
async def test_a_quiet_stream_is_kept_alive() -> None:
    app = desk(limits=Limits(heartbeat=0.01))
    async with opened(app) as client:
        await client.post("/conversations", json={"conversation_id": "c1"})
        listener = Listener(app, EVENTS)
        while listener.comments < 4:
            listener.more.clear()
            await listener.more.wait()
        await listener.leave()

    assert listener.events == []


@pytest.mark.asyncio
async def test_a_stream_says_that_the_server_closes() -> None:
    app = desk()
    async with opened(app) as client:
        await client.post("/conversations", json={"conversation_id": "c1"})
        listener = Listener(app, EVENTS)
        while not listener.comments:
            await listener.more.wait()
        app.service.closing.set()
        await listener.task

    assert listener.types == ["server.closing"]


@pytest.mark.asyncio
async def test_what_an_exception_says_is_for_the_log() -> None:
    class Broken(Model):
        async def generate(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("the password is hunter2")

    app = desk(Broken())
    async with opened(app) as client:
        reply = await client.post("/conversations/c1/messages", json={"text": "hi"})
        listener = Listener(app, EVENTS, query="after=0")
        await listener.until("run.failed")
        await listener.leave()

    assert reply.json()["status"] == "failed"
    assert reply.json()["text"]
    assert "hunter2" not in str(listener.events)
    assert listener.types[-2:] == ["assistant.message", "run.failed"]
    assert listener.events[-1][2]["error_type"] == "RuntimeError"
