from __future__ import annotations

from typing import Any

import pytest
from front_desk import Listener, desk, opened

FORM = "/conversations/c1/form"


@pytest.mark.asyncio
async def test_a_form_is_filled_in_at_once_without_a_model() -> None:
    app = desk()
    async with opened(app) as client:
        await client.post("/conversations", json={"conversation_id": "c1", "agent": "guest"})
        empty = (await client.get(FORM)).json()
        filled = (await client.post(FORM, json={"values": {"name": "Ada", "age": 36, "pin": "hunter2"}})).json()
        done = (await client.post(FORM, json={"confirm": True})).json()
        state = (await client.get("/conversations/c1/state")).json()
        listener = Listener(app, "/conversations/c1/events", query="after=0")
        await listener.until("run.succeeded", 2)
        await listener.leave()
        everything = [(await client.get(f"/conversations/c1/{path}")).text for path in ("history", "state", "turns")]

    assert (empty["open"], empty["missing"], empty["values"]) == ("name", ["name", "age", "pin"], {})
    assert empty["schema"]["properties"]["age"]["type"] == "integer"
    assert filled["form"]["values"] == {"name": "Ada", "age": 36, "pin": "•••"}
    assert (filled["form"]["missing"], filled["form"]["needs_confirmation"]) == ([], True)
    assert done["form"] is None
    assert (state["is_over"], state["state"]["forms"]["answers"]["pin"]) == (True, "•••")
    assert "hunter2" not in f"{everything}{listener.events}{filled}"
    assert "You said" not in filled["reply"]["text"]


@pytest.mark.asyncio
async def test_what_does_not_fit_is_said_field_by_field_and_the_rest_is_kept() -> None:
    async with opened(desk()) as client:
        await client.post("/conversations", json={"conversation_id": "c1", "agent": "guest"})
        tried = (await client.post(FORM, json={"values": {"name": "Ada", "age": "old"}, "confirm": True})).json()
        mended = (await client.post(FORM, json={"values": {"age": 36, "pin": "1234"}, "confirm": True})).json()

    assert tried["form"]["values"] == {"name": "Ada"}
    assert list(tried["form"]["reasons"]) == ["age"]
    assert tried["form"]["open"] == "age"
    assert mended["form"] is None


@pytest.mark.asyncio
async def test_the_same_key_fills_in_once() -> None:
    async with opened(desk()) as client:
        await client.post("/conversations", json={"conversation_id": "c1", "agent": "guest"})
        body: dict[str, Any] = {"values": {"name": "Ada", "age": 36, "pin": "1234"}, "confirm": True}
        replies = [(await client.post(FORM, json=body, headers={"Idempotency-Key": "f1"})).json() for _ in range(2)]
        turns = (await client.get("/conversations/c1/turns")).json()["turns"]

    assert replies[0] == replies[1]
    assert len(turns) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("agent", "body", "status"),
    [
        ("desk", {"values": {"name": "Ada"}}, 409),
        ("guest", {"values": {"shoe_size": 44}}, 422),
        ("guest", {}, 422),
    ],
)
async def test_what_cannot_be_filled_in_is_refused(agent: str, body: dict[str, Any], status: int) -> None:
    async with opened(desk()) as client:
        await client.post("/conversations", json={"conversation_id": "c1", "agent": agent})
        refused = await client.post(FORM, json=body)
        turns = (await client.get("/conversations/c1/turns")).json()["turns"]

    assert refused.status_code == status
    assert turns == []
