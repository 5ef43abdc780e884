"""What is behind the developer page, without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from front_desk import Desk, Model, client_of

from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.server import Limits, create_app
from agent_runtime_framework.server.dev import Bench, Loader, operations

RAN: list[str] = []


class Till(Journey):
    """A till."""

    total: int = 0

    sell = step("Sell.")

    @sell.tool(effect="state")
    async def add(self, amount: int) -> str:
        """Add to the total."""
        self.total += amount
        return f"{self.total} in all."

    @sell.tool(effect="once")
    async def charge(self) -> str:
        """Charge the total."""
        RAN.append("charge")
        return "Charged."


ADD, CHARGE = {"name": "add", "arguments": {"amount": 5}}, {"name": "charge"}


@asynccontextmanager
async def page(
    bench: Bench, *replies: str | dict[str, Any], store: str = "memory://", journey: type[Journey] = Till
) -> AsyncGenerator[httpx.AsyncClient]:
    runtime = bench.runtime(store, [journey], llm_client=Model(*replies))
    app = create_app(runtime, limits=Limits(rate=None), operations=operations(bench), routes=bench.routes())
    async with app.lifespan(), client_of(app) as client:
        yield client


async def say(client: httpx.AsyncClient, text: str, conversation: str = "c1") -> str:
    reply = await client.post(f"/conversations/{conversation}/messages", json={"text": text})
    assert reply.status_code == 200, reply.text
    return reply.json()["text"]


async def turns(client: httpx.AsyncClient, conversation: str = "c1") -> list[dict[str, Any]]:
    return (await client.get(f"/dev/conversations/{conversation}/turns")).json()["turns"]


async def fork(client: httpx.AsyncClient, turn: int, **options: Any) -> str:
    made = await client.post("/dev/conversations/c1/fork", json={"turn": turn, **options})
    assert made.status_code == 201, made.text
    return made.json()["conversation_id"]


async def asked(client: httpx.AsyncClient) -> dict[str, Any]:
    """What waits for somebody who plays the model; the page looks again and again, too."""
    while not (asks := (await client.get("/dev/model")).json()["asks"]):  # noqa: ASYNC110  nobody tells a page
        await asyncio.sleep(0)
    return asks[0]


async def ended(client: httpx.AsyncClient, conversation: str) -> dict[str, Any]:
    """The last turn, once it has ended."""
    while not (shown := await turns(client, conversation)) or shown[-1]["status"] == "running":  # noqa: ASYNC110  as above
        await asyncio.sleep(0)
    return shown[-1]


@pytest.mark.asyncio
async def test_a_turn_is_shown_with_its_requests_and_what_happened() -> None:
    async with page(Bench(), ADD, "Five.") as client:
        await say(client, "five")
        (turn,) = await turns(client)

    assert (turn["heard"], turn["reply"], turn["status"]) == ("five", "Five.", "answered")
    first, second = turn["requests"]
    assert first["step"] == "sell"
    assert "Sell." in first["prompt"]
    assert [tool["name"] for tool in first["tools"]] == ["add", "charge"]
    assert first["reply"]["calls"][0]["name"] == "add"
    assert second["reply"]["text"] == "Five."
    assert turn["usage"] == {"total_tokens": 2}
    assert [each["type"] for each in turn["events"] if each["type"].startswith("tool")] == ["tool.call", "tool.result"]


@pytest.mark.asyncio
async def test_a_fork_has_what_was_said_and_the_state_after_its_turn() -> None:
    async with page(Bench(), ADD, "Five.", ADD, "Ten.", ADD, "Ten again.") as client:
        await say(client, "five")
        await say(client, "five more")

        name = await fork(client, 1)
        history = (await client.get(f"/conversations/{name}/history")).json()["messages"]
        state = (await client.get(f"/conversations/{name}/state")).json()["state"]
        assert [each["content"] for each in history if each.get("content")] == ["five", "Five."]
        assert state["total"] == 5

        await say(client, "five more", name)
        assert (await client.get(f"/conversations/{name}/state")).json()["state"]["total"] == 10
        assert (await client.get("/conversations/c1/state")).json()["state"]["total"] == 10


@pytest.mark.asyncio
async def test_in_a_fork_tools_with_effects_answer_what_they_answered_before() -> None:
    RAN.clear()
    async with page(Bench(), CHARGE, "Done.", CHARGE, "Done again.", CHARGE, "Really done.") as client:
        await say(client, "charge it")
        assert RAN == ["charge"]

        name = await fork(client, 0)
        await say(client, "charge it", name)
        (turn,) = await turns(client, name)
        assert RAN == ["charge"]
        assert "Charged." in str(turn["events"])

        await say(client, "charge it", await fork(client, 0, effects=True))
    assert RAN == ["charge", "charge"]


@pytest.mark.asyncio
async def test_what_was_not_called_before_is_told_as_a_dry_run() -> None:
    RAN.clear()
    async with page(Bench(), "Hello.", CHARGE, "Done.") as client:
        await say(client, "hi")
        name = await fork(client, 1)
        await say(client, "charge it", name)
        assert "dry run: charge was not run" in str((await turns(client, name))[-1]["events"])
    assert RAN == []


@pytest.mark.asyncio
async def test_a_turn_is_said_again_with_another_prompt() -> None:
    async with page(Bench(), "Hello.", "Ahoy.") as client:
        await say(client, "hi")

        name = await fork(client, 0, again=1, prompt={"step": "sell", "text": "Speak like a pirate."})
        turn = await ended(client, name)

    assert turn["heard"] == "hi"
    assert turn["requests"][0]["prompt"] == "Speak like a pirate."


@pytest.mark.asyncio
async def test_a_turn_before_the_page_watched_cannot_be_restarted_from_unless_it_is_the_last(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/chat.db"
    async with page(Bench(), ADD, "Five.", ADD, "Ten.", store=store) as client:
        await say(client, "five")
        await say(client, "five more")

    async with page(Bench(), store=store) as client:
        refused = await client.post("/dev/conversations/c1/fork", json={"turn": 1})
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:agent-runtime:not-watched")
        name = await fork(client, 2)
        assert (await client.get(f"/conversations/{name}/state")).json()["state"]["total"] == 10


@pytest.mark.asyncio
async def test_what_was_seen_outlives_the_process_and_a_broken_line(tmp_path: Path) -> None:
    store, path = f"sqlite:///{tmp_path}/chat.db", tmp_path / "turns.jsonl"
    async with page(Bench(path), ADD, "Five.", ADD, "Ten.", store=store) as client:
        await say(client, "five")
        await say(client, "five more")
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("a") as file:
        file.write('{"run_id": "cut o')

    async with page(Bench(path), store=store) as client:
        assert [len(each["requests"]) for each in await turns(client)] == [2, 2]
        name = await fork(client, 1)
        assert (await client.get(f"/conversations/{name}/state")).json()["state"]["total"] == 5


@pytest.mark.asyncio
async def test_somebody_plays_the_model() -> None:
    async with page(Bench(), "The machine.") as client:
        await client.post("/dev/model", json={"played": True})
        talking = asyncio.ensure_future(say(client, "hi"))
        ask = await asked(client)
        assert (ask["conversation_id"], ask["step"]) == ("c1", "sell")

        answered = await client.post(f"/dev/model/{ask['id']}", json={"calls": [ADD]})
        assert answered.status_code == 204
        await client.post(f"/dev/model/{(await asked(client))['id']}", json={"text": "Five it is."})
        assert await talking == "Five it is."

        late = await client.post(f"/dev/model/{ask['id']}", json={"text": "hm"})
        assert late.status_code == 404
        await client.post("/dev/model", json={"played": False})
        assert await say(client, "and you?") == "The machine."


@pytest.mark.asyncio
async def test_whoever_stops_playing_leaves_no_turn_hanging() -> None:
    async with page(Bench()) as client:
        await client.post("/dev/model", json={"played": True})
        talking = asyncio.ensure_future(say(client, "hi"))
        await asked(client)
        await client.post("/dev/model", json={"played": False})
        assert "nobody plays" in await talking


@pytest.mark.asyncio
async def test_a_conversation_that_is_no_agents_of_a_file_becomes_no_test() -> None:
    async with page(Bench(), "Hello.") as client:
        await say(client, "hi")
        assert (await client.get("/dev/conversations/c1/test")).status_code == 409


@pytest.mark.asyncio
async def test_a_conversation_becomes_a_scenario() -> None:
    from agent_runtime_core.llm import get_llm_client

    loader = Loader("front_desk:Desk", Desk.agent)
    bench = Bench(loaders={Desk.agent().key: loader})
    runtime = bench.runtime("memory://", [Desk], llm_client=get_llm_client("offline"))
    app = create_app(runtime, limits=Limits(rate=None), operations=operations(bench))
    async with app.lifespan(), client_of(app) as client:
        await say(client, "three nights please")
        text = (await client.get("/dev/conversations/c1/test")).json()["text"]

    assert "user: three nights please" in text
    assert "nights: 3" in text


@pytest.mark.asyncio
async def test_the_page_and_its_files_are_served_and_nothing_else_of_the_package() -> None:
    async with page(Bench()) as client:
        shown = await client.get("/dev")
        assert "script-src 'self'" in shown.headers["content-security-policy"]
        for name in ("dev/page.js", "widget.js", "api.js", "dev/page.css"):
            assert (await client.get(f"/static/{name}")).status_code == 200
        assert (await client.get("/static/../app.py")).status_code == 404
        assert (await client.get("/chat")).headers["content-security-policy"].startswith("default-src 'none'")
        drawn = await client.get("/dev/agents/till/graph")
        assert drawn.headers["content-type"].startswith("image/svg+xml")
