"""What is said to a conversation, what came of it, and how it is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from urllib.parse import quote
from uuid import uuid4

from starlette.responses import JSONResponse, Response

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.runtime import Reply
from agent_runtime_framework.server import schemas
from agent_runtime_framework.server.conversations import integer, number
from agent_runtime_framework.server.operations import Answer, Call, Operation, Parameter
from agent_runtime_framework.server.problems import Problem
from agent_runtime_framework.server.showing import agent_of

KEY_HEADER = "Idempotency-Key"


async def send(call: Call) -> Response:
    """Say something: 200 with the reply, or 202 when the message is safe."""
    message: schemas.NewMessage = call.body
    if message.length > call.service.limits.message:
        raise Problem(413, "too-long", f"a message has at most {call.service.limits.message} characters")
    if message.agent is not None:
        agent_of(call.service.runtime, message.agent)
    return answered(await say(call, message, wait=message.wait))


async def say(call: Call, message: schemas.NewMessage, *, wait: bool) -> Reply:
    """Hand a message in, and wait for the reply as long as a request may."""
    runtime = call.service.runtime
    message_id = message_id_of(call)
    await call.service.own(call.principal, call.conversation_id, message.agent)
    said = message.text if message.text is not None else message.content or []
    reply = await runtime.accept(
        call.conversation_id, said, message_id=message_id, agent=message.agent, policy=message.policy
    )
    is_news = wait and reply.status != "paused"
    return await awaited(call, reply, call.service.limits.wait) if is_news else reply


async def awaited(call: Call, reply: Reply, seconds: float) -> Reply:
    """The final outcome of a message, or what is known of it after so many seconds."""
    if reply.status not in UNFINISHED or seconds <= 0:
        return reply
    runtime = call.service.runtime
    # That a person has to decide is news, unless it was known.
    reaching = runtime.reply_to(reply.conversation_id, reply.message_id, through_pauses=reply.status == "paused")
    waiting = asyncio.ensure_future(reaching)
    closing = asyncio.ensure_future(call.service.closing.wait())
    try:
        await asyncio.wait({waiting, closing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else reply
    finally:
        # Who waits leaves; the turn goes on.
        waiting.cancel()
        closing.cancel()


def message_id_of(call: Call) -> str:
    """The sender's name for a message, or a new one.

    Raises:
        Problem: It cannot be one.
    """
    key = call.request.headers.get(KEY_HEADER)
    if key is None:
        return uuid4().hex
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise Problem(422, "does-not-fit", f"{KEY_HEADER} has 1 to 255 printable characters")
    return key


def answered(reply: Reply) -> Response:
    """The answer that a reply becomes."""
    return answered_with(reply, shown_reply(reply))


def answered_with(reply: Reply, body: JSONObject) -> Response:
    """200 with this body, or 202 and where to ask if the message waits for its turn or its end."""
    if reply.status not in ("waiting", "running"):
        return JSONResponse(body)
    return JSONResponse(body, 202, {"Location": f"messages/{quote(reply.message_id, safe='')}"})


def shown_reply(reply: Reply) -> JSONObject:
    """A reply as JSON."""
    return {
        "conversation_id": reply.conversation_id,
        "message_id": reply.message_id,
        "status": reply.status,
        "text": reply.text,
        "turn": reply.turn,
        "stopped_reason": reply.stopped_reason,
        "pending": [asdict(each) for each in reply.pending],
    }


UNFINISHED = ("waiting", "running", "paused")


async def outcome(call: Call) -> Response:
    """Where a message stands."""
    message_id = call.request.path_params["message_id"]
    found = await call.service.runtime.store.outcome(call.conversation_id, message_id)
    if found is None:
        raise Problem(404, "unknown-message", f"no message {message_id[:80]!r} was accepted in this conversation")
    reply = Reply(
        conversation_id=call.conversation_id,
        message_id=message_id,
        status=found.status,
        text=found.reply or "",
        turn=found.turn,
        stopped_reason=found.stopped_reason,
        pending=found.pending,
    )
    seconds = min(number(call, "wait", 0, 0, 3600), call.service.limits.wait)
    return JSONResponse(shown_reply(await awaited(call, reply, seconds)))


async def cancel(call: Call) -> Response:
    """Stop what a conversation is doing."""
    return JSONResponse({"cancelled": await call.service.runtime.cancel(call.conversation_id)})


KEY = Parameter(
    name=KEY_HEADER,
    summary="Your name for the message; the same one again changes nothing and gives the same answer.",
    schema={"type": "string", "minLength": 1, "maxLength": 255},
    place="header",
)
REPLIES = {
    200: Answer(summary="What came of it.", model=schemas.Reply),
    202: Answer(
        summary="It cannot be lost any more; ask for the reply later.",
        model=schemas.Reply,
        headers={"Location": "Where to ask, relative to this address."},
    ),
    409: Answer(summary="The conversation is busy; nothing was accepted."),
}

OPERATIONS = (
    Operation(
        method="POST",
        path="/conversations/{id}/messages",
        name="send_message",
        summary="Say something",
        endpoint=send,
        body=schemas.NewMessage,
        parameters=(KEY,),
        answers=REPLIES,
        begins=True,
        tag="messages",
    ),
    Operation(
        method="GET",
        path="/conversations/{id}/messages/{message_id}",
        name="read_outcome",
        summary="Where a message stands",
        endpoint=outcome,
        parameters=(Parameter(name="wait", summary="Seconds to wait for its end.", schema=integer(0, 3600, 0)),),
        answers={200: Answer(summary="Where it stands.", model=schemas.Reply)},
        tag="messages",
    ),
    Operation(
        method="POST",
        path="/conversations/{id}/cancel",
        name="cancel_turn",
        summary="Stop what the conversation is doing",
        endpoint=cancel,
        answers={200: Answer(summary="Whether there was something to stop.", model=schemas.Cancelled)},
        tag="messages",
    ),
)
