"""The server: HTTP/1.1 on loopback, keep-alive, one scripted answer per request."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self

from agent_runtime_core.fake_provider import anthropic_wire, openai_wire
from agent_runtime_core.fake_provider.script import Fault, RecordedRequest, Reply, Responder
from agent_runtime_core.interfaces import JSONObject

_JSON = {"content-type": "application/json"}
_SSE = {"content-type": "text/event-stream", "cache-control": "no-cache"}


class FakeProvider:
    """A scripted model provider; see the package's docstring.

    Attributes:
        requests: What came in, oldest first.
        models: What `/v1/models` lists.
    """

    def __init__(
        self, *script: Reply | Fault, respond: Responder | None = None, models: Iterable[str] = ("fake-model",)
    ) -> None:
        """Answer from the script, then from `respond`; with neither, every request gets a 500 that says so."""
        self.requests: list[RecordedRequest] = []
        self.models = list(models)
        self._script = deque(script)
        self._respond = respond
        self._server: asyncio.Server | None = None
        self._port = 0
        self._connections = 0
        self._answers = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self._released = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        """The address; what `AnthropicClient(base_url=...)` wants."""
        if not self._port:
            raise RuntimeError("the FakeProvider is not running; use it in `async with` or `with`")
        return f"http://127.0.0.1:{self._port}"

    anthropic_url = url

    @property
    def openai_url(self) -> str:
        """The address with `/v1`; what `OpenAIClient(base_url=...)` wants."""
        return f"{self.url}/v1"

    @property
    def connections(self) -> int:
        """How many connections were opened so far."""
        return self._connections

    @property
    def open_connections(self) -> int:
        """How many are open now."""
        return len(self._writers)

    def script(self, *answers: Reply | Fault) -> None:
        """Add answers to the end of the script."""
        self._script.extend(answers)

    def release(self) -> None:
        """Let held replies begin."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._released.set)
        else:
            self._released.set()

    async def received(self, count: int = 1) -> None:
        """Wait until that many requests came in; only in the loop the server runs in."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= count)

    async def disconnected(self) -> None:
        """Wait until no connection is open; only in the loop the server runs in."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._writers)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._server is not None:
            self._server.close()
        for handler in list(self._handlers):
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="FakeProvider")
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            async with self:
                ready.set()
                await self._stop.wait()
        finally:
            ready.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self._connections
        self._connections += 1
        self._writers.add(writer)
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        try:
            while (request := await _read(reader, number)) is not None:
                if not await self._answer(request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the server is closing: both end this connection and nothing else
        finally:
            self._handlers.discard(handler)
            self._writers.discard(writer)
            writer.close()
            async with self._changed:
                self._changed.notify_all()

    async def _answer(self, request: RecordedRequest, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False ends the connection."""
        self.requests.append(request)
        async with self._changed:
            self._changed.notify_all()
        if request.method == "GET":
            return await _send_json(writer, 200, openai_wire.models(self.models))
        answer = self._next(request)
        if isinstance(answer, Fault):
            return await self._fail(answer, request, writer)
        if answer.held:
            await self._released.wait()
        self._answers += 1
        wire = _wire(request)
        model = str(request.body.get("model", "fake-model"))
        if request.is_stream:
            return await _send_stream(writer, answer, wire.events(answer, self._answers, model, request.body))
        return await _send_body(writer, answer, wire.body(answer, self._answers, model))

    def _next(self, request: RecordedRequest) -> Reply | Fault:
        if self._script:
            return self._script.popleft()
        if self._respond is not None:
            return self._respond(request)
        return Fault(message=f"the script of the FakeProvider ended before request {len(self.requests)}")

    async def _fail(self, fault: Fault, request: RecordedRequest, writer: asyncio.StreamWriter) -> bool:
        match fault.kind:
            case "status":
                headers = dict(fault.headers)
                if fault.retry_after is not None:
                    headers["retry-after"] = f"{fault.retry_after:g}"
                return await _send_json(writer, fault.status, _wire(request).error(fault), headers)
            case "empty":
                return await _send(writer, 200, b"", _SSE if request.is_stream else _JSON)
            case "html":
                return await _send(
                    writer, 200, b"<html><body>Please log in</body></html>", {"content-type": "text/html"}
                )
            case "hang":
                await asyncio.Event().wait()
            case "reset":
                writer.transport.abort()
        return False


class _Wire:
    body = staticmethod(openai_wire.body)
    events = staticmethod(openai_wire.events)
    error = staticmethod(openai_wire.error)


class _AnthropicWire(_Wire):
    body = staticmethod(anthropic_wire.body)
    events = staticmethod(anthropic_wire.events)
    error = staticmethod(anthropic_wire.error)


def _wire(request: RecordedRequest) -> type[_Wire]:
    return _AnthropicWire if request.path.split("?")[0].endswith("/messages") else _Wire


async def _read(reader: asyncio.StreamReader, connection: int) -> RecordedRequest | None:
    line = await reader.readline()
    if not line.strip():
        return None
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (header := (await reader.readline()).decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers[name.strip().lower()] = value.strip()
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    body: JSONObject = json.loads(raw) if raw else {}
    return RecordedRequest(method, path, headers, body, connection)


async def _send_json(
    writer: asyncio.StreamWriter, status: int, body: JSONObject, headers: Mapping[str, str] | None = None
) -> bool:
    return await _send(writer, status, json.dumps(body, ensure_ascii=False).encode(), {**_JSON, **(headers or {})})


async def _send(writer: asyncio.StreamWriter, status: int, body: bytes, headers: Mapping[str, str]) -> bool:
    writer.write(_head(status, {**headers, "content-length": str(len(body))}) + body)
    await writer.drain()
    return True


async def _send_body(writer: asyncio.StreamWriter, reply: Reply, body: JSONObject) -> bool:
    text = json.dumps(body, ensure_ascii=False).encode()
    if reply.garbled_at is not None:
        text = text[:-1] + b",,"
    if reply.cut_at is None:
        return await _send(writer, 200, text, _JSON)
    kept = text[: reply.cut_at]
    length = len(kept) if reply.cut == "clean" else len(text)
    writer.write(_head(200, {**_JSON, "content-length": str(length)}) + kept)
    await writer.drain()
    return reply.cut == "clean"


async def _send_stream(writer: asyncio.StreamWriter, reply: Reply, events: Iterator[bytes]) -> bool:
    writer.write(_head(200, {**_SSE, "transfer-encoding": "chunked"}))
    left = reply.cut_at
    for index, event in enumerate(events):
        sent = event.replace(b"{", b"{{", 1) if index == reply.garbled_at else event
        if left is not None:
            sent = sent[:left]
            left -= len(sent)
        if sent:
            writer.write(f"{len(sent):x}\r\n".encode() + sent + b"\r\n")
            await writer.drain()
        if left == 0:
            if reply.cut == "abrupt":
                return False
            break
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
