"""Journeys for the tests of the server, a model that waits until it is told, and a client for an app."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
import uvicorn
from pydantic import BaseModel, SecretStr

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey import FormJourney, Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.server import AgentApp, ApiKeys, create_app

ADA, BOB, CHIEF = "key-of-ada-0123456789", "key-of-bob-0123456789", "key-of-chief-0123456789"
KEYS = ApiKeys({ADA: "ada", BOB: "bob", CHIEF: "chief"})


class Desk(Journey):
    """The desk of a small hotel.

    It never sleeps.
    """

    nights: int = 0

    ask = step("Ask how many nights they want to stay. The secret word is xyzzy.")
    confirm = step("Offer them.")
    booked = step(say="Booked.", final=True)

    @ask.tool(to="confirm", effect="state")
    async def choose(self, nights: int) -> str:
        """Record how many nights."""
        self.nights = nights
        return f"{nights} nights."

    @confirm.tool(to="booked", effect="once", requires_approval=True)
    async def book(self) -> str:
        """Book the room."""
        return "Booked."


class Guest(BaseModel):
    """Who stays with us."""

    name: str
    age: int
    pin: SecretStr


Arrival = FormJourney(Guest)


class Model:
    """A model that says what it is told to, in pieces, as soon as it may."""

    def __init__(self, *replies: str | JSONObject) -> None:
        self.may_reply = asyncio.Event()
        self.may_reply.set()
        self.is_asked = asyncio.Event()
        self._replies = list(replies)

    async def generate(
        self, messages: list[JSONObject], *, tools: list[JSONObject] | None = None, **kwargs: Any
    ) -> Any:
        self.is_asked.set()
        await self.may_reply.wait()
        reply = self._replies.pop(0) if self._replies else f"You said: {messages[-1]['content']}"
        if isinstance(reply, str):
            return _Response({"role": "assistant", "content": reply})
        call = {"id": "c", "function": {"name": reply["name"], "arguments": json.dumps(reply.get("arguments", {}))}}
        return _Response({"role": "assistant", "content": None, "tool_calls": [call]})


class _Response:
    def __init__(self, message: JSONObject) -> None:
        self.message = message
        self.usage: JSONObject = {"total_tokens": 1}


def desk(model: Any | None = None, *, store: str = "memory://", **options: Any) -> AgentApp:
    """An app with a journey and a form."""
    return create_app(Runtime(store, [Desk, Arrival], llm_client=model or Model()), **options)


def client_of(app: Any, key: str | None = None, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """A client for an app in this process."""
    presented = {} if key is None else {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://desk", headers={**presented, **(headers or {})})


@asynccontextmanager
async def opened(app: AgentApp, key: str | None = None) -> AsyncGenerator[httpx.AsyncClient]:
    """An app that is open, and a client for it."""
    async with app.lifespan(), client_of(app, key) as client:
        yield client


class Served:
    """An app behind a real server on this machine, in a thread of its own.

    Attributes:
        url: Where it is.
        server: The server.
    """

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=10)
        self.server = uvicorn.Server(config)
        self.url = ""
        self._thread = threading.Thread(target=self.server.run)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self.server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *error: object) -> None:
        self.server.should_exit = True
        self._thread.join()


class Listener:
    """Reads a stream of events, as a server would send it, from an app in this process; or takes nothing of it.

    Attributes:
        events: What came: id, type and payload.
        status: The status of the answer.
    """

    def __init__(
        self, app: Any, path: str, *, query: str = "", headers: dict[str, str] | None = None, takes: bool = True
    ) -> None:
        self._takes = takes
        self.events: list[tuple[str | None, str, JSONObject]] = []
        self.status = 0
        self.comments = 0
        self.more = asyncio.Event()
        self._left = asyncio.Event()
        self._buffer = ""
        self.scope: dict[str, Any] = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
            "method": "GET", "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": ("desk", 80),
            "headers": [(k.lower().encode(), v.encode()) for k, v in {"host": "desk", **(headers or {})}.items()],
        }  # fmt: skip
        self.task = asyncio.ensure_future(app(self.scope, self.receive, self._send))

    async def receive(self) -> dict[str, Any]:
        if self.scope.pop("is_new", True):
            self.scope["is_new"] = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if not self._takes:
            await asyncio.Event().wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self._buffer += message.get("body", b"").decode()
        while "\n\n" in self._buffer:
            piece, _, self._buffer = self._buffer.partition("\n\n")
            self._take(piece)
        self.more.set()

    def _take(self, piece: str) -> None:
        fields = {name: value for name, _, value in (line.partition(": ") for line in piece.split("\n"))}
        if "data" not in fields:
            self.comments += 1
            return
        data = json.loads(fields["data"])
        self.events.append((fields.get("id"), data["type"], data.get("payload", {})))

    async def until(self, kind: str, times: int = 1) -> None:
        """Wait until an event of this kind has come so often."""
        while sum(each[1] == kind for each in self.events) < times:
            self.more.clear()
            async with asyncio.timeout(10):
                await self.more.wait()

    @property
    def types(self) -> list[str]:
        return [each[1] for each in self.events]

    async def leave(self) -> None:
        """Disconnect."""
        self._left.set()
        await self.task
