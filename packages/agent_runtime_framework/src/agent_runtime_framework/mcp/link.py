"""A connection to an MCP server; the only module that knows the SDK.

Rules:
    - The SDK wants to be entered and left in one task, so a task of its own holds each connection open. It knows
      nothing of the conversation in which it happened to be made.
    - A connection that is lost ends; whoever wants to go on makes another one.
    - Nothing is offered to the server: no sampling, no roots, no questions to the person.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TextIO, cast

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import SubscriptionLost
from mcp_types import CONNECTION_CLOSED, Implementation, Tool, ToolListChangedNotification
from pydantic import ValidationError

from agent_runtime_core._version import __version__
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.mcp.address import (
    CallOutcome,
    Command,
    ConnectionLost,
    Endpoint,
    RefusedByServer,
)
from agent_runtime_framework.mcp.results import told
from agent_runtime_framework.tools.remote import RemoteTool, cut, plain_text, remote_tool

logger = logging.getLogger(__name__)

MAX_PAGES = 50
MAX_TOOLS = 500
MAX_WORDS = 500
"""How much is told of what a server says went wrong."""

_LISTEN_AGAIN = 5.0
"""Seconds after which a stream of changes that broke off is opened again."""

_LOOK_SECONDS = 1.0
"""How long a connection gets to end, where only an answer may have been lost."""

_SESSION_GONE = "Session terminated"
"""What the SDK makes of a server's answer that it knows no such session."""

_PATIENCE = httpx2.Timeout(30.0, read=300.0)
_INFO = Implementation(name="agent-runtime-framework", version=__version__)


class Link:
    """One connection.

    Args:
        name: What the server is called.
        address: Where it is.
        changed: Called when it says that its tools are others now.
        most: How many characters of a result are kept.
    """

    def __init__(self, name: str, address: Command | Endpoint, changed: Callable[[], object], most: int) -> None:
        self._name = name
        self._address = address
        self._changed = changed
        self._most = most
        self._client: Client | None = None
        self._over = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_flight = 0
        self._are_several = False
        self._cause: BaseException | None = None
        self._last_words: deque[str] = deque(maxlen=5)
        self._holding = asyncio.create_task(self._hold(), name=f"mcp {name}", context=contextvars.Context())

    @property
    def is_alive(self) -> bool:
        """True if calls can be made."""
        return self._client is not None and not self._over.is_set()

    async def opened(self, seconds: float) -> Self:
        """The connection, once it can be used.

        Raises:
            ConnectionLost: That did not come about, or not in time.
        """
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._ready)
        except TimeoutError:
            await self.aclose()
            raise ConnectionLost(f"it did not answer within {seconds:g} seconds{self._said()}") from None
        except BaseException:
            await self.aclose()
            raise
        return self

    async def tools(self) -> dict[str, RemoteTool]:
        """All tools of the server.

        Raises:
            ConnectionLost: The connection is no more.
            RefusedByServer: The server does not say.
        """
        found: dict[str, RemoteTool] = {}
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._asked(lambda client, at=cursor: client.list_tools(cursor=at))
            found.update((tool.name, _read(tool)) for tool in page.tools if tool.name not in found)
            cursor = page.next_cursor
            if cursor is None or len(found) >= MAX_TOOLS:
                break
        return found

    async def call(self, tool: str, arguments: JSONObject, meta: JSONObject | None) -> CallOutcome:
        """Call a tool; cancelling this cancels it there.

        Raises:
            ConnectionLost: The connection is no more.
            RefusedByServer: The server did not take the call, or answered with what is no answer.
        """
        result = await self._asked(lambda client: client.call_tool(tool, arguments, meta=cast("Any", meta)))
        return CallOutcome(text=told(result.content, result.structured_content, self._most), is_error=result.is_error)

    async def aclose(self) -> None:
        """End the connection, and the server if it was started for it."""
        self._over.set()
        # Whoever waits here may be cancelled; the process is ended all the same.
        await asyncio.wait([self._holding])

    async def _asked(self, ask: Callable[[Client], Any]) -> Any:
        client = self._client
        if client is None or self._over.is_set():
            raise ConnectionLost("the connection was closed", is_unsent=True)
        # True from the moment there are two until there is none.
        self._are_several = self._in_flight > 0
        self._in_flight += 1
        try:
            return await ask(client)
        except MCPError as error:
            if isinstance(self._address, Endpoint) and error.message == _SESSION_GONE:
                self._over.set()
                raise ConnectionLost("the server has forgotten the session", is_unsent=True) from error
            if error.code != CONNECTION_CLOSED:
                raise RefusedByServer(_words(error.message)) from error
            # Over HTTP, one answer may be lost and the connection be as good as before.
            await asyncio.wait([self._holding], timeout=_LOOK_SECONDS)
            # Of several, nobody can tell whose request it was that found nobody.
            is_unsent = not self._are_several and _was_never_reached(self._cause)
            raise ConnectionLost(f"the connection was lost{self._said()}", is_unsent=is_unsent) from error
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, OSError) as error:
            self._over.set()
            raise ConnectionLost(f"the connection was lost{self._said()}") from error
        except (RuntimeError, ValidationError) as error:  # so the SDK says that a result is none
            raise RefusedByServer(_words(str(error))) from error
        finally:
            self._in_flight -= 1

    async def _hold(self) -> None:
        try:
            async with (
                self._transport() as transport,
                Client(transport, message_handler=self._heard, client_info=_INFO, cache=None) as client,
            ):
                self._client = client
                listening = asyncio.create_task(self._listen(client), name=f"mcp {self._name} listening")
                self._ready.set_result(None)
                try:
                    await self._over.wait()
                finally:
                    listening.cancel()
                    await asyncio.wait([listening])
        except Exception as error:  # whatever ends a connection is told to who wants to use it
            self._cause = error
            logger.debug("the connection to %s ended", self._name, exc_info=True)
        finally:
            self._client = None
            self._over.set()
            if not self._ready.done():
                lost = ConnectionLost(f"{_reason(self._cause)}{self._said()}", is_unsent=True)
                self._ready.set_exception(lost)
                self._ready.exception()  # nobody may be waiting any more

    @asynccontextmanager
    async def _transport(self) -> AsyncGenerator[Any]:
        if isinstance(self._address, Endpoint):
            headers = self._address.headers() if callable(self._address.headers) else self._address.headers
            async with httpx2.AsyncClient(headers=dict(headers or {}), timeout=_PATIENCE) as http:
                yield self._watched(streamable_http_client(self._address.url, http_client=http))
            return
        parameters = StdioServerParameters(
            command=self._address.command,
            args=list(self._address.arguments),
            env=dict(self._address.environment or {}),
            cwd=self._address.folder,
        )
        async with _listening(self._hear_errors) as errors:
            yield self._watched(stdio_client(parameters, errlog=errors))

    @asynccontextmanager
    async def _watched(self, transport: Any) -> AsyncGenerator[Any]:
        async with transport as (read, write):
            yield _Watched(read, self._over.set), write

    async def _listen(self, client: Client) -> None:
        """Be told when the tools are others; servers of the older protocol say so without being asked."""
        try:
            while True:
                with suppress(SubscriptionLost):
                    async with client.listen(tools_list_changed=True) as changes:
                        async for _ in changes:
                            self._changed()
                await asyncio.sleep(_LISTEN_AGAIN)
                self._changed()  # meanwhile, nobody heard it
        except (RuntimeError, MCPError, OSError):  # it does not say
            logger.debug("%s does not tell of changes", self._name, exc_info=True)

    async def _heard(self, message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._changed()

    def _hear_errors(self, line: str) -> None:
        self._last_words.append(line)
        logger.debug("%s: %s", self._name, line)

    def _said(self) -> str:
        words = next((line for line in reversed(self._last_words) if line.strip()), "")
        return f"; its last words: {_words(words)}" if words else ""


class _Watched:
    """What a server sends; tells when nothing more will come."""

    def __init__(self, inner: Any, ended: Callable[[], object]) -> None:
        self._inner = inner
        self._ended = ended

    @property
    def last_context(self) -> Any:
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> Any:
        try:
            return await self._inner.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._ended()
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def _listening(heard: Callable[[str], None]) -> AsyncGenerator[TextIO]:
    """A file for a process to write its errors to; each line is heard."""
    reading, writing = os.pipe()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64_000)
    with open(reading, "rb", buffering=0) as source, open(writing, "w", encoding="utf-8") as sink:  # noqa: PTH123, ASYNC230  descriptors
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
        listening = asyncio.create_task(_read_lines(reader, heard))
        try:
            yield sink
        finally:
            transport.close()
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening


async def _read_lines(reader: asyncio.StreamReader, heard: Callable[[str], None]) -> None:
    while chunk := await reader.read(4096):
        for line in chunk.decode("utf-8", "replace").splitlines():
            if line.strip():
                heard(plain_text(line))


def _read(tool: Tool) -> RemoteTool:
    return remote_tool(tool.name, tool.description or tool.title, tool.input_schema)


def _words(text: str) -> str:
    return cut(plain_text(text), MAX_WORDS)


def _was_never_reached(cause: BaseException | None) -> bool:
    return any(isinstance(each, httpx2.ConnectError) for each in _leaves(cause))


def _reason(cause: BaseException | None) -> str:
    leaf = next(iter(_leaves(cause)), None)
    if leaf is None:
        return "the connection was closed"
    return _words(f"{type(leaf).__name__}: {leaf}" if str(leaf) else type(leaf).__name__)


def _leaves(cause: BaseException | None) -> list[BaseException]:
    if isinstance(cause, BaseExceptionGroup):
        return [leaf for each in cast("BaseExceptionGroup[BaseException]", cause).exceptions for leaf in _leaves(each)]
    return [] if cause is None else [cause]
