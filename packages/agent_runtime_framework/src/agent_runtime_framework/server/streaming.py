"""Server-sent events: everything that happens in a conversation, for whoever listens, as long as they do.

Rules:
    - A reader that disconnects, or reads slowly, stops nothing; one that takes nothing for too long is dropped.
    - Whoever may not see the conversation any more, because it was erased and is another's now, hears nothing of it.
    - Whoever comes back with the id of the last event they had misses nothing.
    - A stream says when it ends because the server does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.runtime.feed import Told
from agent_runtime_framework.server.operations import Answer, Call, Operation, Parameter
from agent_runtime_framework.server.problems import Problem

HEADERS = {
    "Cache-Control": "no-store",
    # Proxies that hold back what they pass on: nginx asks for this one.
    "X-Accel-Buffering": "no",
}


class EventStream(Response):
    """Sends what an iterator gives, until it ends, the reader leaves, or the server closes.

    Args:
        call: The request; it counts as an open stream.
        pieces: Texts of `text/event-stream`.
        last: What is sent when the server closes.
    """

    media_type = "text/event-stream"

    def __init__(self, call: Call, pieces: AsyncIterator[str], *, last: str = "") -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._call = call
        self._pieces = pieces
        self._last = last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = self._call.service
        sending = asyncio.ensure_future(self._send_all(send))
        leaving = asyncio.ensure_future(_disconnected(receive))
        closing = asyncio.ensure_future(service.closing.wait())
        try:
            with service.streams.one(self._call.client):
                await asyncio.wait({sending, leaving, closing}, return_when=asyncio.FIRST_COMPLETED)
                if not sending.done():
                    sending.cancel()
                    await asyncio.wait({sending})
                if closing.done() and not leaving.done():
                    with suppress(TimeoutError, OSError):
                        await self._send(send, self._last.encode(), more=False)
        finally:
            for task in (sending, leaving, closing):
                task.cancel()
            await asyncio.gather(sending, leaving, closing, return_exceptions=True)
        if sending.done() and not sending.cancelled():
            error = sending.exception()
            if error is not None and not isinstance(error, (TimeoutError, OSError)):
                raise error

    async def _send_all(self, send: Send) -> None:
        async with asyncio.timeout(self._call.service.limits.send):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # Something at once, so that whoever waits for the first byte knows that it works.
        await self._send(send, b": here\n\n")
        async with aclosing(cast("Any", self._pieces)) as pieces:
            coming = asyncio.ensure_future(anext(pieces, None))
            try:
                while True:
                    done, _ = await asyncio.wait({coming}, timeout=self._call.service.limits.heartbeat)
                    piece = coming.result() if done else ": \n\n"
                    if piece is None:
                        break
                    if done:
                        coming = asyncio.ensure_future(anext(pieces, None))
                    await self._send(send, piece.encode())
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
        await self._send(send, b"", more=False)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._call.service.limits.send):
            await send({"type": "http.response.body", "body": body, "more_body": more})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def events(call: Call) -> Response:
    """Everything that happens in a conversation."""
    after = call.request.headers.get("last-event-id") or call.request.query_params.get("after") or None
    try:
        told = call.service.runtime.watch(call.conversation_id, after=after)
    except ConfigurationError as error:
        raise Problem(422, "does-not-fit", str(error)) from error
    return EventStream(call, _pieces(call, told), last=piece("server.closing", {}))


async def watched(call: Call, told: AsyncIterator[Told]) -> AsyncIterator[Told]:
    """What is told of a conversation, for as long as it exists for who asks."""
    async with aclosing(cast("Any", told)):
        async for each in told:
            if each.event.type == EventType.RUN_STARTED:
                info = await call.service.runtime.store.info(call.conversation_id)
                if info is None or not call.service.may_see(call.principal, info):
                    return
            yield each


async def _pieces(call: Call, told: AsyncIterator[Told]) -> AsyncIterator[str]:
    async with aclosing(cast("Any", watched(call, told))) as shown:
        async for each in shown:
            yield _as_piece(each, shows_errors=call.service.shows_prompts)


def _as_piece(told: Told, *, shows_errors: bool) -> str:
    event, payload = told.event, told.event.payload
    if event.type == EventType.RUN_FAILED and not shows_errors:
        # Texts of exceptions are for the log.
        payload = {**payload, "error": ""}
    data: JSONObject = {
        "payload": payload,
        "run_id": event.run_id,
        "conversation_id": event.conversation_id,
        "seq": event.seq,
    }
    return piece(str(event.type), data, None if told.position is None else str(told.position))


def piece(kind: str, data: JSONObject, position: str | None = None) -> str:
    """One event as it is sent."""
    named = "" if position is None else f"id: {position}\n"
    text = json.dumps({"type": kind, **data}, ensure_ascii=False, separators=(",", ":"), default=str)
    return f"{named}event: {kind}\ndata: {text}\n\n"


OPERATIONS = (
    Operation(
        method="GET",
        path="/conversations/{id}/events",
        name="watch_events",
        summary="Everything that happens in the conversation, as server-sent events",
        endpoint=events,
        parameters=(
            Parameter(
                name="Last-Event-ID",
                summary="Goes on behind this event; browsers send it by themselves.",
                schema={"type": "string", "pattern": "^[0-9]{1,15}(\\.[0-9]{1,15}\\.[0-9]{1,15}|\\.end)?$"},
                place="header",
            ),
            Parameter(
                name="after",
                summary="The same, or the number of a turn; 0 tells everything.",
                schema={"type": "string", "pattern": "^[0-9]{1,15}(\\.[0-9]{1,15}\\.[0-9]{1,15}|\\.end)?$"},
            ),
        ),
        answers={200: Answer(summary="A stream that does not end.", media_type="text/event-stream")},
        tag="messages",
    ),
)
