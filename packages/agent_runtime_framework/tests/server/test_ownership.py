"""A conversation exists for its owner alone. Every operation that names one is tried, from the table itself."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest
from front_desk import ADA, BOB, CHIEF, KEYS, Model, client_of, desk

from agent_runtime_framework.server.app import OPERATIONS
from agent_runtime_framework.server.operations import Operation

ABOUT_ONE = [each for each in OPERATIONS if each.is_about_a_conversation]
BODIES: dict[str, Any] = {"send_message": {"text": "hi"}, "fill_in_form": {"values": {"name": "Eve"}}}


async def ask(client: httpx.AsyncClient, operation: Operation) -> httpx.Response:
    return await client.request(operation.method, path_of(operation), json=BODIES.get(operation.name))


def path_of(operation: Operation, conversation_id: str = "c1") -> str:
    known = {"id": conversation_id, "message_id": "m1", "call_id": "c", "agent": "desk"}
    return operation.path.format_map(defaultdict(lambda: "x", known))


def test_there_is_something_to_try() -> None:
    assert len(ABOUT_ONE) >= 15


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", ABOUT_ONE, ids=lambda each: each.name)
async def test_anothers_conversation_does_not_exist(operation: Operation) -> None:
    app = desk(Model({"name": "choose", "arguments": {"nights": 2}}, "Two?"), auth=KEYS)
    async with app.lifespan(), client_of(app, ADA) as ada, client_of(app, BOB) as bob:
        said = await ada.post("/conversations/c1/messages", json={"text": "two"}, headers={"Idempotency-Key": "m1"})
        assert said.status_code == 200

        refused = await ask(bob, operation)
        unknown = await bob.request(operation.method, path_of(operation, "c2"), json=None)
        history = (await ada.get("/conversations/c1/history")).json()

    assert refused.status_code == 404
    assert refused.json()["type"] == "urn:agent-runtime:unknown-conversation"
    assert "two" not in refused.text.lower().replace("c2", "")
    if not operation.begins:
        assert unknown.json() == {**refused.json(), "detail": refused.json()["detail"].replace("c1", "c2")}
    assert len(history["messages"]) == 2


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if not each.is_public], ids=lambda each: each.name)
async def test_nobody_is_answered_without_a_key(operation: Operation) -> None:
    app = desk(auth=KEYS)
    async with app.lifespan(), client_of(app) as nobody, client_of(app, "no-such-key-0123456789") as somebody:
        answers = [await ask(nobody, operation), await ask(somebody, operation)]

    assert [each.status_code for each in answers] == [401, 401]
    assert answers[0].headers["www-authenticate"] == "Bearer"


NAMED_IN_BODY: dict[str, Any] = {
    "run_agui": {"threadId": "c1", "runId": "r", "messages": [{"id": "m2", "role": "user", "content": "hi"}]},
    "run_agui_agent": {"threadId": "c1", "runId": "r", "messages": []},
    "complete_chat": {
        "model": "desk", "messages": [{"role": "user", "content": "hi"}], "metadata": {"conversation_id": "c1"},
    },
}  # fmt: skip
ABOUT_NONE = {
    "list_agents", "begin_conversation", "list_conversations", "list_all_pending_calls", "list_models", "read_model",
}  # fmt: skip


def test_every_operation_has_a_place_here() -> None:
    found = {each.name for each in OPERATIONS if not each.is_public} - {each.name for each in ABOUT_ONE}

    assert found == ABOUT_NONE | set(NAMED_IN_BODY)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", NAMED_IN_BODY)
async def test_anothers_conversation_that_is_named_in_a_body_does_not_exist_either(name: str) -> None:
    app = desk(Model({"name": "choose", "arguments": {"nights": 2}}, "Two?"), auth=KEYS)
    operation = next(each for each in OPERATIONS if each.name == name)
    async with app.lifespan(), client_of(app, ADA) as ada, client_of(app, BOB) as bob:
        await ada.post("/conversations/c1/messages", json={"text": "two"})
        refused = await bob.request(operation.method, operation.path.format(agent="desk"), json=NAMED_IN_BODY[name])
        history = (await ada.get("/conversations/c1/history")).json()

    assert refused.status_code == 404
    assert "two" not in refused.text.lower()
    assert len(history["messages"]) == 2


@pytest.mark.asyncio
async def test_everybody_lists_their_own_conversations() -> None:
    app = desk(auth=KEYS)
    async with app.lifespan(), client_of(app, ADA) as ada, client_of(app, BOB) as bob:
        await ada.post("/conversations", json={"conversation_id": "of-ada"})
        await bob.post("/conversations/of-bob/messages", json={"text": "hi"})
        taken = await bob.post("/conversations", json={"conversation_id": "of-ada"})
        found = [(await each.get("/conversations")).json()["conversations"] for each in (ada, bob)]

    assert [[each["conversation_id"] for each in page] for page in found] == [["of-ada"], ["of-bob"]]
    assert taken.status_code == 409


@pytest.mark.asyncio
async def test_ownership_outlives_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        app = desk(auth=KEYS, store=f"sqlite:///{tmp_path}/chat.db")
        async with app.lifespan(), client_of(app, ADA) as ada, client_of(app, BOB) as bob:
            mine = await ada.post("/conversations/c1/messages", json={"text": "hi"})
            others = await bob.post("/conversations/c1/messages", json={"text": "hi"})
            assert (mine.status_code, others.status_code) == (200, 404)


@pytest.mark.asyncio
async def test_what_was_begun_for_nobody_is_nobodys(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/chat.db"
    app = desk(store=store)
    async with app.lifespan(), client_of(app) as anybody:
        await anybody.post("/conversations/c1/messages", json={"text": "hi"})
    app = desk(auth=KEYS, store=store)
    async with app.lifespan(), client_of(app, ADA) as ada:
        assert (await ada.get("/conversations/c1")).status_code == 404


@pytest.mark.asyncio
async def test_an_erased_name_may_become_anothers_and_its_events_are_theirs() -> None:
    from front_desk import Listener

    app = desk(auth=KEYS)
    async with app.lifespan(), client_of(app, ADA) as ada, client_of(app, BOB) as bob:
        await ada.post("/conversations", json={"conversation_id": "c1"})
        listener = Listener(app, "/conversations/c1/events", headers={"Authorization": f"Bearer {ADA}"})
        while not listener.comments:
            await listener.more.wait()
        await ada.delete("/conversations/c1")
        assert (await bob.post("/conversations/c1/messages", json={"text": "secret"})).status_code == 200
        await listener.task

    assert listener.events == []


@pytest.mark.asyncio
async def test_approvers_decide_in_every_conversation_and_do_nothing_else() -> None:
    model = Model({"name": "choose", "arguments": {"nights": 2}}, "Two?", {"name": "book"}, "Enjoy.")
    app = desk(model, auth=KEYS, approvers=["chief"])
    async with app.lifespan(), client_of(app, ADA) as ada, client_of(app, BOB) as bob, client_of(app, CHIEF) as chief:
        await ada.post("/conversations/c1/messages", json={"text": "two"})
        waiting = await ada.post("/conversations/c1/messages", json={"text": "yes"}, headers={"Idempotency-Key": "m2"})
        assert (waiting.status_code, waiting.json()["status"]) == (200, "paused")

        (call,) = (await chief.get("/pending")).json()["calls"]
        assert (await bob.get("/pending")).json() == {"calls": []}
        assert [each["tool"] for each in (await ada.get("/conversations/c1/pending")).json()["calls"]] == ["book"]
        where = f"/conversations/c1/calls/{call['call_id']}/approve"
        tried = [(await each.post(where, json={})).status_code for each in (bob, ada, chief)]
        read = await chief.get("/conversations/c1/history")
        end = (await ada.get("/conversations/c1/messages/m2", params={"wait": 10})).json()
        late = await chief.post(where.replace("approve", "reject"), json={"reason": "no"})

    assert tried == [404, 403, 204]
    assert read.status_code == 404
    assert (end["status"], end["text"]) == ("answered", "Booked.")
    assert late.status_code == 409


@pytest.mark.asyncio
async def test_without_approvers_the_owner_decides() -> None:
    model = Model({"name": "choose", "arguments": {"nights": 2}}, "Two?", {"name": "book"}, "A pity.")
    app = desk(model, auth=KEYS)
    async with app.lifespan(), client_of(app, ADA) as ada:
        await ada.post("/conversations/c1/messages", json={"text": "two"})
        await ada.post("/conversations/c1/messages", json={"text": "yes"}, headers={"Idempotency-Key": "m2"})
        (call,) = (await ada.get("/pending")).json()["calls"]
        where = f"/conversations/c1/calls/{call['call_id']}/reject"
        assert (await ada.post(where, json={"reason": "too dear"})).status_code == 204
        end = (await ada.get("/conversations/c1/messages/m2", params={"wait": 10})).json()
        unknown = await ada.post("/conversations/c1/calls/nix/approve")

    assert (end["status"], end["text"]) == ("answered", "A pity.")
    assert unknown.json()["type"] == "urn:agent-runtime:unknown-call"
