"""The app inside others: any path, any framework, whether its lifespan is run or not."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from front_desk import Desk, Listener, Model, client_of, desk
from starlette.applications import Starlette
from starlette.routing import Mount

from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.server import create_app


@pytest.mark.asyncio
async def test_mounted_in_fastapi_it_opens_with_the_first_request() -> None:
    agents = desk()
    outer = FastAPI()
    outer.mount("/agents", agents)
    async with client_of(outer) as client:
        sent = await client.post("/agents/conversations/c1/messages", json={"text": "hi", "wait": False})
        end = await client.get(sent.url.join(sent.headers["location"]), params={"wait": 10})
        unknown = await client.get("/agents/conversations/c2")
    await agents.service.aclose()

    assert end.json()["text"] == "You said: hi"
    assert unknown.headers["content-type"] == "application/problem+json"


@pytest.mark.asyncio
async def test_its_lifespan_may_be_the_outer_ones() -> None:
    agents = desk()
    outer = FastAPI(lifespan=agents.lifespan)
    outer.mount("/agents", agents)
    assert not agents.service.runtime.is_open
    async with outer.router.lifespan_context(outer), client_of(outer) as client:
        assert agents.service.runtime.is_open
        listener_path = "/agents/conversations/c1/events"
        await client.post("/agents/conversations/c1/messages", json={"text": "hi"})
        listener = Listener(outer, listener_path, query="after=0")
        await listener.until("run.succeeded")
        await listener.leave()

    assert not agents.service.runtime.is_open


@pytest.mark.asyncio
async def test_a_runtime_that_is_open_already_stays_open() -> None:
    async with Runtime("memory://", [Desk], llm_client=Model()) as runtime:
        agents = create_app(runtime)

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncGenerator[None]:
            async with agents.lifespan():
                yield

        outer = Starlette(routes=[Mount("/deep/down", agents)], lifespan=lifespan)
        async with outer.router.lifespan_context(outer), client_of(outer) as client:
            assert (await client.get("/deep/down/agents")).status_code == 200

        assert (await runtime.send("c1", "hi")).text == "You said: hi"


@pytest.mark.asyncio
async def test_the_document_says_where_it_is_mounted() -> None:
    outer = FastAPI()
    outer.mount("/agents", desk())
    async with client_of(outer) as client:
        document = (await client.get("/agents/openapi.json")).json()

    assert document["servers"] == [{"url": "/agents"}]
