"""AG-UI: a run of the protocol is a turn of a conversation, told as it happens.

Rules:
    - The server's history is the truth. Of the messages a client sends, only the person's last one counts; its id names
      it, so that the same one again changes nothing and is told of again.
    - State, tools, context, system messages and results of tools that a client sends are ignored.
    - `resume` decides about calls that wait, for whoever may decide about them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.errors import AlreadyDecided, NotPending, StateError
from agent_runtime_framework.events import Event
from agent_runtime_framework.runtime import Reply
from agent_runtime_framework.server.approvals import explained
from agent_runtime_framework.server.operations import Answer, Call, Operation
from agent_runtime_framework.server.problems import Problem, unknown_conversation
from agent_runtime_framework.server.schemas import ConversationId
from agent_runtime_framework.server.showing import agent_of, is_over, shown_state
from agent_runtime_framework.server.streaming import EventStream
from agent_runtime_framework.server.turns import ENDS, HandedIn, hand_in, told_of

if TYPE_CHECKING:
    from ag_ui.core import BaseEvent

    from agent_runtime_framework.server.agui_run import Run

_MOST_MESSAGES = 1000
"""How many messages a snapshot holds."""


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)


class RunDecision(_Sent):
    """What a person decided about a call that waits."""

    interrupt_id: str = Field(min_length=1, max_length=255, description="The call.")
    status: Literal["resolved", "cancelled"] = Field(description="`cancelled` rejects the call.")
    payload: Any = Field(None, description='`{"approved": true}` lets it run; a `reason` may be given.')


class RunInput(_Sent):
    """What of AG-UI's `RunAgentInput` counts here; everything else is ignored."""

    thread_id: ConversationId
    run_id: str = Field(min_length=1, max_length=255)
    messages: list[dict[str, Any]] = Field(
        default_factory=list, description="The last one of the person counts; without any, only what is there is told."
    )
    resume: list[RunDecision] | None = Field(None, max_length=100, description="Decisions about calls that wait.")


async def run(call: Call) -> Response:
    """Say something, or decide something, and watch what comes of it."""
    protocol = _protocol()
    wanted: RunInput = call.body
    agent = call.request.path_params.get("agent")
    if agent is not None:
        agent_of(call.service.runtime, agent)
    call.conversation_id = wanted.thread_id
    asked = _last_of_person(wanted.messages)
    may_decide = not call.service.approvers or call.service.is_approver(call.principal)
    known = [each.interrupt_id for each in wanted.resume or ()]
    if wanted.resume:
        handed_in, is_new = await _decided(call, wanted.resume, may_decide=may_decide), False
    else:
        handed_in, is_new = await _handed_in(call, wanted, asked, agent)
    name = handed_in.reply.message_id if handed_in is not None and handed_in.reply.message_id else wanted.run_id
    translated = protocol.Run(wanted.thread_id, wanted.run_id, name, known, may_decide=may_decide)
    telling = _Telling(call, protocol, translated, agent, asked if is_new else None)
    shows_history = not is_new and not (wanted.resume and handed_in)
    pieces = telling.pieces(handed_in, shows_history=shows_history)
    return EventStream(call, pieces, last=_piece(protocol.failed("the server closes; run again", "server-closing")))


def _protocol() -> ModuleType:
    try:
        from agent_runtime_framework.server import agui_run
    except ImportError as error:
        detail = "AG-UI needs one more package; install it with: pip install 'agent_runtime_framework[server]'"
        raise Problem(501, "not-installed", detail) from error
    return agui_run


async def _handed_in(
    call: Call, wanted: RunInput, asked: JSONObject | None, agent: str | None
) -> tuple[HandedIn | None, bool]:
    """The person's last message, accepted, and whether it is told of for the first time, as far as the client knows."""
    if asked is None:
        await call.service.own(call.principal, call.conversation_id, agent)
        return None, False
    is_last = wanted.messages[-1] is asked
    if not is_last:
        # The client has an answer already, or part of one.
        await call.service.own(call.principal, call.conversation_id, agent)
        found = await call.service.runtime.store.outcome(call.conversation_id, asked["id"])
        if found is not None and found.is_final:
            return None, False
    return await hand_in(call, asked["content"], message_id=asked["id"], agent=agent), is_last


async def _decided(call: Call, decisions: list[RunDecision], *, may_decide: bool) -> HandedIn | None:
    """Decide about calls that wait; what comes of it is the rest of their turn. None if that has ended before.

    Raises:
        Problem: This is somebody else's to decide, or no such call ever waited.
    """
    service, thread_id = call.service, call.conversation_id
    info = await service.runtime.store.info(thread_id)
    if info is None or not service.may_see(call.principal, info):
        raise unknown_conversation(thread_id)
    if not may_decide:
        raise Problem(403, "not-yours-to-decide", "somebody else decides about the calls of this conversation")
    verdicts = [(each.interrupt_id, *_verdict(each)) for each in decisions]
    turns = await service.runtime.turns(thread_id, last=1)
    waiting = {each.call_id for each in await service.runtime.pending(thread_id)}
    for call_id, is_approved, note in verdicts:
        with explained():
            await _decide(call, call_id, is_approved, note)
    decided = waiting.intersection(call_id for call_id, _, _ in verdicts)
    if not turns or not decided:
        return None
    reply = Reply(conversation_id=thread_id, message_id="", status="running", turn=turns[-1].no)
    return HandedIn(reply=reply, before=turns[-1].no - 1, decided=frozenset(decided))


async def _decide(call: Call, call_id: str, is_approved: bool, note: str) -> None:
    """Decide about a call; what was decided before stands, and the client is told how things are."""
    runtime, by = call.service.runtime, call.principal or "somebody"
    try:
        if is_approved:
            await runtime.approve(call.conversation_id, call_id, by=by, note=note)
        else:
            await runtime.reject(call.conversation_id, call_id, by=by, reason=note)
    except AlreadyDecided:
        return
    except NotPending as error:
        if error.ended_at is None:
            raise


def _verdict(decision: RunDecision) -> tuple[bool, str]:
    """What was decided, and what was said to it."""
    said = cast("object", decision.payload)
    payload = cast("JSONObject", said) if isinstance(said, dict) else {"approved": said}
    note = str(payload.get("reason") or payload.get("note") or "")[:2000]
    approved = payload.get("approved")
    if decision.status == "cancelled":
        return False, note
    if not isinstance(approved, bool):
        raise Problem(422, "does-not-fit", 'a decision has the payload {"approved": true} or {"approved": false}')
    return approved, note


class _Telling:
    """Tells a client of a run."""

    def __init__(self, call: Call, protocol: ModuleType, run: Run, agent: str | None, asked: JSONObject | None) -> None:
        self._call = call
        self._protocol = protocol
        self._run = run
        self._agent = agent
        self._asked = asked
        self._end: Event | None = None

    async def pieces(self, handed_in: HandedIn | None, *, shows_history: bool) -> AsyncIterator[str]:
        """The run's events, as they are sent."""
        try:
            async with aclosing(cast("Any", self._events(handed_in, shows_history=shows_history))) as events:
                async for each in events:
                    yield _piece(each)
        except Exception:  # whatever it was, the client has to hear that nothing more comes; the log tells the rest
            yield _piece(self._protocol.failed("something went wrong here", "failure"))
            raise

    async def _events(self, handed_in: HandedIn | None, *, shows_history: bool) -> AsyncIterator[BaseEvent]:
        view = await self._view()
        for each in self._run.begin(view):
            yield each
        if shows_history:
            yield await self._messages()
        if handed_in is not None:
            async with aclosing(cast("Any", self._turn(handed_in))) as turn:
                async for each in turn:
                    yield await self._filled_in(each)
        end = self._end
        for each in self._run.close(end):
            yield await self._filled_in(each)
        if self._run.has_withdrawn and end is not None and end.type in ENDS:
            yield await self._messages()
        for each in self._run.end(end, await self._view()):
            yield each

    async def _turn(self, handed_in: HandedIn) -> AsyncIterator[BaseEvent]:
        async with aclosing(cast("Any", told_of(self._call, handed_in))) as told:
            async for event in told:
                if event.type in ENDS or event.type == EventType.RUN_PAUSED:
                    self._end = event
                if event.type in ENDS:
                    # It is among the messages now.
                    self._asked = None
                for each in [*self._run.take(event), *self._noted(event)]:
                    yield each

    async def _filled_in(self, event: BaseEvent) -> BaseEvent:
        return await self._messages() if event is self._protocol.WITHDRAWN else event

    async def _messages(self) -> BaseEvent:
        stored = await self._call.service.runtime.store.messages(self._call.conversation_id, limit=_MOST_MESSAGES)
        return self._run.messages(stored, [] if self._asked is None else [self._asked])

    async def _view(self) -> JSONObject:
        """The journey's state as clients see it."""
        runtime = self._call.service.runtime
        agent = runtime.agents[await self._key()]
        return self._shown(agent, await runtime.state(self._call.conversation_id, agent.key))

    async def _key(self) -> str:
        if self._agent is None:
            info = await self._call.service.runtime.store.info(self._call.conversation_id)
            key = None if info is None else info.agent_key
            agents = self._call.service.runtime.agents
            self._agent = key if key in agents else next(iter(agents))
        return self._agent

    def _shown(self, agent: Any, state: Any) -> JSONObject:
        shown, step = shown_state(state)
        return {"agent": agent.key, "step": step, "is_over": is_over(agent, state), "state": shown}

    def _noted(self, event: Event) -> list[BaseEvent]:
        """The change that a checkpoint tells of."""
        if event.type != EventType.STATE_CHECKPOINT or self._agent is None:
            return []
        agent = self._call.service.runtime.agents[self._agent]
        try:
            state = agent.read_state(event.payload["state"], self._call.conversation_id)
        except StateError:
            return []
        return self._run.changed(self._shown(agent, state))


def _piece(event: BaseEvent) -> str:
    return f"data: {event.model_dump_json(by_alias=True)}\n\n"


def _last_of_person(messages: list[JSONObject]) -> JSONObject | None:
    """The person's last message: its id and its content; None if they said nothing.

    Raises:
        Problem: It is none.
    """
    for each in reversed(messages):
        if each.get("role") == "user":
            message_id = each.get("id")
            if not isinstance(message_id, str) or not 1 <= len(message_id) <= 255 or not message_id.isprintable():
                raise Problem(422, "does-not-fit", "a message's id has 1 to 255 printable characters")
            each["content"] = _content(each.get("content"))
            return each
    return None


def _content(content: Any) -> str | list[JSONObject]:
    if isinstance(content, str) and content:
        return content
    if isinstance(content, list) and 0 < len(cast("list[Any]", content)) <= 50:
        return [_block(part) for part in cast("list[Any]", content)]
    raise Problem(422, "does-not-fit", "a message of a person has a text, or 1 to 50 parts")


def _block(part: Any) -> JSONObject:
    """A part of a message, as models take it."""
    known = cast("JSONObject", part) if isinstance(part, dict) else {}
    source = known.get("source")
    where = cast("JSONObject", source) if isinstance(source, dict) else {}
    match known.get("type"), where.get("type"):
        case "text", _ if isinstance(known.get("text"), str):
            return {"type": "text", "text": known["text"]}
        case "image", "url":
            return {"type": "image_url", "image_url": {"url": str(where.get("value"))}}
        case "image", "data":
            url = f"data:{where.get('mimeType')};base64,{where.get('value')}"
            return {"type": "image_url", "image_url": {"url": url}}
        case _:
            raise Problem(
                422, "does-not-fit", f"a part is {known.get('type')!r:.40}; expected text, or an image with its source"
            )


_ANSWERS = {
    200: Answer(summary="The run's events.", media_type="text/event-stream"),
    403: Answer(summary="Somebody else decides about the calls of this conversation."),
    404: Answer(summary="The conversation, or a call that is decided about, is unknown, or another's."),
    409: Answer(summary="The conversation is busy."),
    501: Answer(summary="The package that it needs is not installed."),
}

OPERATIONS = (
    Operation(
        method="POST",
        path="/agui",
        name="run_agui",
        summary="Run as AG-UI; the agent that was spoken to last answers",
        endpoint=run,
        body=RunInput,
        answers=_ANSWERS,
        tag="AG-UI",
    ),
    Operation(
        method="POST",
        path="/agui/{agent}",
        name="run_agui_agent",
        summary="Run as AG-UI; the agent of this key answers",
        endpoint=run,
        body=RunInput,
        answers=_ANSWERS,
        tag="AG-UI",
    ),
)
