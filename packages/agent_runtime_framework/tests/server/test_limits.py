from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from front_desk import ADA, BOB, KEYS, Listener, Model, client_of, desk, opened

from agent_runtime_framework.server import Limits, Problem
from agent_runtime_framework.server.limits import Buckets


@pytest.mark.asyncio
@pytest.mark.parametrize("says_length", [True, False])
async def test_a_large_body_is_refused(says_length: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 10

    async with opened(desk(limits=Limits(body=100))) as client:
        content: Any = b" " * 200 if says_length else pieces()
        refused = await client.post(
            "/conversations/c1/messages", content=content, headers={"Content-Type": "application/json"}
        )

    assert refused.status_code == 413


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [{"text": "x" * 11}, {"content": [{"type": "text", "text": "x" * 6}] * 2}])
async def test_a_long_message_is_refused(body: dict[str, Any]) -> None:
    async with opened(desk(limits=Limits(message=10))) as client:
        refused = await client.post("/conversations/c1/messages", json=body)
        unknown = await client.get("/conversations/c1")

    assert (refused.status_code, unknown.status_code) == (413, 404)


def test_a_bucket_is_filled_again() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 3, lambda: now[0])
    for _ in range(3):
        buckets.take("ada")
    with pytest.raises(Problem) as refused:
        buckets.take("ada")
    buckets.take("bob")
    now[0] = 0.5
    buckets.take("ada")
    with pytest.raises(Problem):
        buckets.take("ada")

    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})


@pytest.mark.asyncio
async def test_each_principal_has_a_bucket() -> None:
    app = desk(auth=KEYS, limits=Limits(rate=0.001, burst=2))
    async with app.lifespan(), client_of(app, ADA) as ada, client_of(app, BOB) as bob:
        asked = [(await each.get("/agents")).status_code for each in (ada, ada, ada, bob)]
        health = await ada.get("/health")

    assert asked == [200, 200, 429, 200]
    assert health.status_code == 200


@pytest.mark.asyncio
async def test_a_request_waits_for_so_long_and_the_message_is_answered_all_the_same() -> None:
    model = Model()
    model.may_reply.clear()
    async with opened(desk(model, limits=Limits(wait=0.01))) as client:
        waited = await client.post("/conversations/c1/messages", json={"text": "hi"})
        assert (waited.status_code, waited.json()["status"]) == (202, "running")
        model.may_reply.set()
        where = waited.url.join(waited.headers["location"])
        while (end := (await client.get(where, params={"wait": 5})).json())["status"] == "running":
            pass

    assert end["text"] == "You said: hi"


@pytest.mark.asyncio
@pytest.mark.parametrize("limits", [Limits(streams=1), Limits(all_streams=1)])
async def test_open_streams_are_counted_and_given_back(limits: Limits) -> None:
    app = desk(limits=limits)
    async with opened(app) as client:
        await client.post("/conversations", json={"conversation_id": "c1"})
        first = Listener(app, "/conversations/c1/events")
        while not first.status:
            await first.more.wait()
        second = await client.get("/conversations/c1/events")
        await first.leave()
        assert app.service.streams.open == 0
        third = Listener(app, "/conversations/c1/events")
        while not third.status:
            await third.more.wait()
        await third.leave()

    assert (first.status, second.status_code, third.status) == (200, 429, 200)
    assert second.headers["retry-after"] == "5"
