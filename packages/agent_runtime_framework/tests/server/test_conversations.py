from __future__ import annotations

from typing import Any

import pytest
from front_desk import Desk, Model, desk, opened

from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.server import create_app
from agent_runtime_framework.store.protocol import ConversationInfo
from agent_runtime_framework.store.sqlite import SQLiteStore


@pytest.mark.asyncio
async def test_a_message_is_answered() -> None:
    async with opened(desk(Model("Hello!"))) as client:
        reply = await client.post("/conversations/c1/messages", json={"text": "hi"}, headers={"Idempotency-Key": "m1"})

    assert reply.status_code == 200
    assert reply.json() == {
        "conversation_id": "c1", "message_id": "m1", "status": "answered", "text": "Hello!", "turn": 1,
        "stopped_reason": "text_response", "pending": [],
    }  # fmt: skip


@pytest.mark.asyncio
async def test_the_same_key_changes_nothing_and_gives_the_same_answer() -> None:
    async with opened(desk(Model("Once.", "Twice."))) as client:
        replies = [
            await client.post("/conversations/c1/messages", json={"text": "hi"}, headers={"Idempotency-Key": "m1"})
            for _ in range(2)
        ]
        history = (await client.get("/conversations/c1/history")).json()

    assert replies[0].json() == replies[1].json()
    assert [each["content"] for each in history["messages"]] == ["hi", "Once."]


@pytest.mark.asyncio
async def test_a_message_is_accepted_without_waiting_and_asked_after_later() -> None:
    model = Model()
    model.may_reply.clear()
    async with opened(desk(model)) as client:
        accepted = await client.post("/conversations/c1/messages", json={"text": "hi", "wait": False})
        assert (accepted.status_code, accepted.json()["status"]) == (202, "running")

        where = accepted.url.join(accepted.headers["location"])
        assert (await client.get(where)).json()["status"] == "running"
        model.may_reply.set()
        answered = await client.get(where, params={"wait": "10"})

    assert answered.json()["text"] == "You said: hi"


@pytest.mark.asyncio
async def test_a_conversation_is_begun_listed_read_and_erased() -> None:
    async with opened(desk()) as client:
        begun = await client.post("/conversations", json={"agent": "guest"})
        again = await client.post("/conversations", json={"conversation_id": begun.json()["conversation_id"]})
        where = begun.url.join(begun.headers["location"])
        read = await client.get(where)
        listed = (await client.get("/conversations")).json()
        erased = await client.delete(where)
        gone = await client.get(where)

    assert (begun.status_code, again.status_code) == (201, 200)
    assert read.json() == begun.json() == again.json() == listed["conversations"][0]
    assert read.json()["agent"] == "guest"
    assert (erased.status_code, gone.status_code) == (204, 404)


@pytest.mark.asyncio
async def test_conversations_are_listed_in_pages() -> None:
    async with opened(desk()) as client:
        for each in range(5):
            await client.post("/conversations", json={"conversation_id": f"c{each}"})
        seen: list[str] = []
        offset: int | None = 0
        while offset is not None:
            page = (await client.get("/conversations", params={"limit": 2, "offset": offset})).json()
            seen += [each["conversation_id"] for each in page["conversations"]]
            offset = page["next_offset"]

    assert sorted(seen) == ["c0", "c1", "c2", "c3", "c4"]


@pytest.mark.asyncio
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize("include", [{}, {"include": "tools"}])
async def test_history_comes_in_pages_without_gaps(limit: int, include: dict[str, str]) -> None:
    model = Model({"name": "choose", "arguments": {"nights": 2}}, "Two?", "Well?", "Yes?")
    async with opened(desk(model)) as client:
        for text in ("two", "hm", "ah"):
            await client.post("/conversations/c1/messages", json={"text": text})
        found: list[Any] = []
        before: int | None = None
        while True:
            params: dict[str, Any] = {"limit": limit, **include, **({} if before is None else {"before": before})}
            page = (await client.get("/conversations/c1/history", params=params)).json()
            assert len(page["messages"]) <= limit
            found = [*page["messages"], *found]
            before = page["before"]
            if before is None:
                break

    said = ["two", "Two?", "hm", "Well?", "ah", "Yes?"]
    if include:
        assert [each["seq"] for each in found] == list(range(1, 9))
    else:
        assert [each["content"] for each in found] == said
        assert not any("tool_calls" in each for each in found)


@pytest.mark.asyncio
async def test_state_graph_and_turns_say_where_a_conversation_is() -> None:
    async with opened(desk(Model({"name": "choose", "arguments": {"nights": 2}}, "Two?"))) as client:
        await client.post("/conversations/c1/messages", json={"text": "two"})
        state = (await client.get("/conversations/c1/state")).json()
        graph = (await client.get("/conversations/c1/graph")).json()
        svg = await client.get("/conversations/c1/graph", params={"format": "svg"})
        mermaid = await client.get("/conversations/c1/graph", params={"format": "mermaid"})
        turns = (await client.get("/conversations/c1/turns")).json()["turns"]
        exported = (await client.get("/conversations/c1/export")).json()

    assert state == {
        "agent": "desk", "step": "confirm", "is_over": False, "state": {"step": "confirm", "nights": 2},
    }  # fmt: skip
    assert (graph["current"], graph["path"], graph["agent"]) == ("confirm", ["ask", "confirm"], "desk")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert svg.text.startswith("<svg")
    assert "stateDiagram-v2" in mermaid.text
    assert [(turn["no"], turn["step"]) for turn in turns] == [(1, "confirm")]
    assert "two" in str(exported)


@pytest.mark.asyncio
@pytest.mark.parametrize("form", ["json", "svg", "mermaid"])
async def test_the_graph_tells_no_prompts_unless_it_shall(form: str) -> None:
    for shows in (False, True):
        async with opened(desk(shows_prompts=shows)) as client:
            await client.post("/conversations", json={"conversation_id": "c1"})
            drawn = (await client.get("/conversations/c1/graph", params={"format": form})).text
            assert ("xyzzy" in drawn) == (shows and form != "mermaid")


@pytest.mark.asyncio
async def test_a_running_turn_is_cancelled() -> None:
    model = Model()
    model.may_reply.clear()
    async with opened(desk(model)) as client:
        accepted = (await client.post("/conversations/c1/messages", json={"text": "hi", "wait": False})).json()
        await model.is_asked.wait()
        cancelled = (await client.post("/conversations/c1/cancel")).json()
        end = await client.get(f"/conversations/c1/messages/{accepted['message_id']}", params={"wait": 10})
        again = (await client.post("/conversations/c1/cancel")).json()

    assert (cancelled, again) == ({"cancelled": True}, {"cancelled": False})
    assert end.json()["status"] == "cancelled"


@pytest.mark.asyncio
async def test_agents_are_described() -> None:
    async with opened(desk()) as client:
        agents = (await client.get("/agents")).json()["agents"]

    assert agents == [
        {"key": "desk", "title": "Desk", "kind": "journey", "description": "The desk of a small hotel."},
        {"key": "guest", "title": "Guest", "kind": "form", "description": "Who stays with us."},
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("POST", "/conversations/c1/messages", {}, 422, "does-not-fit"),
        ("POST", "/conversations/c1/messages", {"text": "a", "content": [{"type": "text"}]}, 422, "does-not-fit"),
        ("POST", "/conversations/c1/messages", {"text": "a", "more": 1}, 422, "does-not-fit"),
        ("POST", "/conversations/c1/messages", {"content": [{"type": "answers"}]}, 422, "does-not-fit"),
        ("POST", "/conversations/c1/messages", {"text": "a", "agent": "nobody"}, 422, "unknown-agent"),
        ("POST", "/conversations/c1/messages", {"text": "a", "policy": "shout"}, 422, "does-not-fit"),
        ("POST", "/conversations", {"conversation_id": "a/b"}, 422, "does-not-fit"),
        ("GET", "/conversations?limit=many", None, 422, "does-not-fit"),
        ("GET", "/conversations/c1/events?after=yesterday", None, 404, "unknown-conversation"),
        ("GET", "/conversations/c1", None, 404, "unknown-conversation"),
        ("GET", "/nowhere", None, 404, "unknown-path"),
        ("PUT", "/conversations", None, 405, "wrong-method"),
    ],
)
async def test_what_does_not_work_is_a_problem(
    method: str, path: str, body: dict[str, Any] | None, status: int, kind: str
) -> None:
    async with opened(desk()) as client:
        answer = await client.request(method, path, json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["type"] == f"urn:agent-runtime:{kind}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.asyncio
async def test_a_body_that_is_not_said_to_be_json_is_refused() -> None:
    """Browsers send such a body to other sites without asking them first."""
    async with opened(desk()) as client:
        answer = await client.post(
            "/conversations/c1/messages", content='{"text": "hi"}', headers={"Content-Type": "text/plain"}
        )

    assert answer.status_code == 415


@pytest.mark.asyncio
async def test_a_busy_conversation_says_so() -> None:
    model = Model()
    model.may_reply.clear()
    async with opened(desk(model)) as client:
        await client.post("/conversations/c1/messages", json={"text": "hi", "wait": False})
        refused = await client.post("/conversations/c1/messages", json={"text": "hi", "policy": "reject"})
        model.may_reply.set()

    assert (refused.status_code, refused.headers["retry-after"]) == (409, "1")


@pytest.mark.asyncio
async def test_it_can_be_asked_whether_it_lives_and_takes_messages() -> None:
    app = desk()
    async with opened(app) as client:
        assert [(await client.get(path)).status_code for path in ("/health", "/ready")] == [200, 200]
        app.service.closing.set()
        assert [(await client.get(path)).status_code for path in ("/health", "/ready")] == [200, 503]


class _Broken(SQLiteStore):
    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        raise RuntimeError("the password is hunter2")


@pytest.mark.asyncio
async def test_what_breaks_says_nothing_of_itself() -> None:
    async with opened(create_app(Runtime(_Broken(":memory:"), [Desk], llm_client=Model()))) as client:
        answer = await client.get("/conversations")

    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
