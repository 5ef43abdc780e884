"""OpenAI's chat completions: agents are models, and a chat of any client is a conversation.

Rules:
    - Of what a client sends, only the person's last message is taken in; `openai_chats` says which conversation it is
      for. System messages, tools, temperature and the like are the journey's, and ignored.
    - Calls of tools happen here, and are never shown.
    - What was streamed cannot be taken back in this protocol: where text was withdrawn, the answer follows behind it.
    - Errors have OpenAI's shape.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Literal, cast

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.events import Event
from agent_runtime_framework.server.messages import KEY
from agent_runtime_framework.server.openai_chats import CONVERSATION_HEADER, chat_of, place
from agent_runtime_framework.server.openai_schemas import (
    APIError,
    ChatCompletion,
    ChatMessage,
    ChatRequest,
    Choice,
    Model,
    Models,
    Usage,
)
from agent_runtime_framework.server.operations import Answer, Call, ErrorShape, Operation, Parameter
from agent_runtime_framework.server.problems import Problem
from agent_runtime_framework.server.schemas import CONTENT_TYPES
from agent_runtime_framework.server.streaming import EventStream
from agent_runtime_framework.server.turns import ENDS, HandedIn, Preview, hand_in, tokens_of, told_of


def refused(problem: Problem) -> Response:
    """A problem as OpenAI says it."""
    status = 400 if problem.status in (415, 422) else problem.status
    return JSONResponse(error_of(problem), status, problem.headers)


def error_of(problem: Problem) -> JSONObject:
    """A problem's JSON."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(problem.status, "server_error" if problem.status >= 500 else "invalid_request_error")
    param = problem.errors[0]["pointer"].strip("/").replace("/", ".") if problem.errors else None
    detail = f"{problem.detail}: {problem.errors[0]['detail']}" if problem.errors else problem.detail
    code = "invalid_api_key" if problem.status == 401 else problem.kind.replace("-", "_")
    return {"error": {"message": detail, "type": kind, "param": param, "code": code}}


_ERRORS = ErrorShape(model=APIError, media_type="application/json", respond=refused)


async def list_models(call: Call) -> Response:
    """The agents, as models."""
    return _shown(Models(data=[Model(id=key) for key in call.service.runtime.agents]))


async def read_model(call: Call) -> Response:
    """An agent, as a model."""
    return _shown(Model(id=_agent(call, call.request.path_params["model"])))


async def complete(call: Call) -> Response:
    """Say what the person said last, and give the answer."""
    wanted: ChatRequest = call.body
    agent = _agent(call, wanted.model)
    chat = chat_of(_checked(wanted.messages))
    named = (wanted.metadata or {}).get("conversation_id")
    placed = place(call, chat, agent=agent, user=wanted.user, named=None if named is None else str(named))
    async with placed as message_id:
        handed_in = await hand_in(call, chat.last, message_id=message_id, agent=agent)
    answer = _Answer(call, handed_in, agent)
    if not wanted.stream:
        return await answer.whole()
    includes_usage = wanted.stream_options is not None and wanted.stream_options.include_usage
    closing = Problem(503, "closing", "the server closes; ask again", retry_after=5)
    stream = EventStream(call, answer.pieces(includes_usage=includes_usage), last=_piece(error_of(closing)))
    stream.headers[CONVERSATION_HEADER] = _header(call.conversation_id)
    return stream


class _Answer:
    """An answer on its way."""

    def __init__(self, call: Call, handed_in: HandedIn, agent: str) -> None:
        self._call = call
        self._handed_in = handed_in
        self._agent = agent
        name = f"{call.conversation_id}\n{handed_in.reply.message_id}"
        self._id = f"chatcmpl-{hashlib.sha256(name.encode()).hexdigest()[:29]}"
        self._created = int(time.time())

    async def whole(self) -> Response:
        """The answer, once there is one."""
        asking = asyncio.ensure_future(self._end())
        closing = asyncio.ensure_future(self._call.service.closing.wait())
        try:
            limit = self._call.service.limits.wait
            await asyncio.wait({asking, closing}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                detail = "the answer is not there yet; it will be, when the same chat is sent again"
                raise Problem(504, "not-answered-yet", detail, retry_after=5)
            text, end = asking.result()
        finally:
            # Who waits leaves; the turn goes on.
            asking.cancel()
            closing.cancel()
        choice = Choice(message=ChatMessage(content=text), finish_reason=_reason(end))
        completion = ChatCompletion(
            id=self._id, created=self._created, model=self._agent, choices=[choice], usage=_usage(end)
        )
        return _shown(completion, {CONVERSATION_HEADER: _header(self._call.conversation_id)})

    async def pieces(self, *, includes_usage: bool) -> AsyncIterator[str]:
        """The answer as it is written."""
        try:
            async with aclosing(cast("Any", self._chunks(includes_usage=includes_usage))) as chunks:
                async for each in chunks:
                    yield _piece(each)
        except Problem as problem:
            yield _piece(error_of(problem))
        except Exception:  # whatever it was, the client has to hear that nothing more comes; the log tells the rest
            yield _piece(error_of(Problem(500, "failure", "something went wrong here")))
            raise
        yield "data: [DONE]\n\n"

    async def _chunks(self, *, includes_usage: bool) -> AsyncIterator[JSONObject]:
        yield self._chunk({"role": "assistant", "content": ""})
        written = _Written()
        end: Event | None = None
        async with aclosing(cast("Any", told_of(self._call, self._handed_in))) as told:
            async for event in told:
                end = event
                if more := written.take(event):
                    yield self._chunk({"content": more})
        if more := written.settled(_answered(end, written.text)):
            yield self._chunk({"content": more})
        yield self._chunk({}, _reason(end))
        if includes_usage:
            yield {**self._chunk(None), "usage": _usage(end).model_dump()}

    def _chunk(self, delta: JSONObject | None, reason: str | None = None) -> JSONObject:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._agent,
            "choices": choices,
        }

    async def _end(self) -> tuple[str, Event | None]:
        said, end = "", None
        async with aclosing(cast("Any", told_of(self._call, self._handed_in))) as told:
            async for event in told:
                end = event
                if event.type == EventType.ASSISTANT_MESSAGE:
                    said = event.text
        return _answered(end, said), end


class _Written:
    """What a client has read, who can only be sent more."""

    def __init__(self) -> None:
        self.text = ""
        self._preview = Preview()

    def take(self, event: Event) -> str:
        """What to send of an event."""
        if event.type == EventType.ASSISTANT_DELTA:
            return self._add(self._preview.more(event.text))
        if event.type in (EventType.ASSISTANT_RESET, EventType.ASSISTANT_MESSAGE):
            return self.settled(event.text.strip())
        if event.type == EventType.TOOL_CALL:
            self._preview.part()
        if event.type == EventType.RUN_STARTED:
            # A turn that is continued elsewhere tells all of it again.
            self._preview.begin_again()
        return ""

    def settled(self, text: str) -> str:
        """What to send so that this is what stands there last."""
        rest = self._preview.becomes(text)
        if rest is not None:
            return self._add(rest)
        self._preview.begin_again()
        return self._add(self._preview.more(text))

    def _add(self, more: str) -> str:
        begins = self._preview.text == more
        if more and self.text and begins:
            more = f"\n\n{more}"
        self.text += more
        return more


def _answered(end: Event | None, said: str) -> str:
    """What the person is answered.

    Raises:
        Problem: Nothing, because the turn was stopped.
    """
    if end is None or end.type == EventType.RUN_CANCELLED:
        raise Problem(410, "cancelled", "the turn was stopped, and there is no answer; say it again")
    if end.type in ENDS:
        return str(end.payload.get("response") or said).strip()
    return str(end.payload.get("note") or said).strip()


def _reason(end: Event | None) -> Literal["stop", "length"]:
    limited = end is not None and end.payload.get("stopped_reason") == "max_iterations"
    return "length" if limited else "stop"


def _usage(end: Event | None) -> Usage:
    sent, got = (None if end is None else tokens_of(end.payload.get("usage"))) or (0, 0)
    return Usage(prompt_tokens=sent, completion_tokens=got, total_tokens=sent + got)


def _agent(call: Call, model: str) -> str:
    agents = call.service.runtime.agents
    if model not in agents:
        raise Problem(404, "model-not-found", f"there is no model {model[:80]!r}; there are: {', '.join(agents)}")
    return model


def _checked(messages: list[JSONObject]) -> list[JSONObject]:
    """Messages of which the last can be taken in.

    Raises:
        Problem: It cannot.
    """
    content = messages[-1].get("content")
    if isinstance(content, list):
        blocks = cast("list[Any]", content)
        is_right = 0 < len(blocks) <= 50 and all(
            isinstance(each, dict) and cast("JSONObject", each).get("type") in CONTENT_TYPES for each in blocks
        )
    else:
        is_right = isinstance(content, str) and bool(content.strip())
    if not is_right:
        detail = f"the last message has to have a text, or parts of the types: {', '.join(CONTENT_TYPES)}"
        raise Problem(422, "does-not-fit", detail)
    if isinstance(content, str) and content.startswith("### Task:") and "<chat_history>" in content:
        # Open WebUI asks whoever answers for titles, tags and suggestions, as if a person did.
        raise Problem(422, "not-for-a-journey", "titles, tags and suggestions are for another model; switch them off")
    return messages


def _header(conversation_id: str) -> str:
    return conversation_id if conversation_id.isascii() else ""


def _shown(model: BaseModel, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(model.model_dump(), headers=headers)


def _piece(data: JSONObject) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


_NAMING = Parameter(
    name=CONVERSATION_HEADER, summary="The conversation; without it, a chat is known by what it sent.", place="header"
)

OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/models",
        name="list_models",
        summary="The agents, as OpenAI lists models",
        endpoint=list_models,
        answers={200: Answer(summary="The agents, the default one first.", model=Models)},
        errors=_ERRORS,
        tag="OpenAI",
    ),
    Operation(
        method="GET",
        path="/v1/models/{model}",
        name="read_model",
        summary="An agent, as OpenAI describes a model",
        endpoint=read_model,
        answers={200: Answer(summary="The agent.", model=Model)},
        errors=_ERRORS,
        tag="OpenAI",
    ),
    Operation(
        method="POST",
        path="/v1/chat/completions",
        name="complete_chat",
        summary="Say something as OpenAI's clients do",
        endpoint=complete,
        body=ChatRequest,
        parameters=(_NAMING, KEY),
        answers={
            200: Answer(
                summary="The answer; with `stream`, server-sent events.",
                model=ChatCompletion,
                headers={CONVERSATION_HEADER: "The conversation."},
                streams=True,
            ),
            404: Answer(summary="There is no such model, or the conversation is another's."),
            409: Answer(summary="The conversation is busy."),
            410: Answer(summary="The turn was stopped; there is no answer."),
            504: Answer(summary="The answer is not there yet; the same chat again gives it."),
        },
        errors=_ERRORS,
        tag="OpenAI",
    ),
)
