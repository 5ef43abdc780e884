"""What is asked about conversations: begin, list, read, look at the journey, take away, erase."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from starlette.responses import JSONResponse, PlainTextResponse, Response

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.graph import Graph
from agent_runtime_framework.server import schemas
from agent_runtime_framework.server.operations import Answer, Call, Operation, Parameter
from agent_runtime_framework.server.problems import Problem, unknown_conversation
from agent_runtime_framework.server.showing import (
    agent_of,
    described,
    graph_of,
    is_over,
    shown_conversation,
    shown_message,
    shown_state,
)
from agent_runtime_framework.store.protocol import StoredMessage


async def list_agents(call: Call) -> Response:
    """Who answers here."""
    agents = call.service.runtime.agents.values()
    return JSONResponse({"agents": [described(agent) for agent in agents]})


async def begin(call: Call) -> Response:
    """Begin a conversation; the same id again gives the same one."""
    wanted: schemas.NewConversation = call.body
    if wanted.agent is not None:
        agent_of(call.service.runtime, wanted.agent)
    conversation_id = wanted.conversation_id or uuid4().hex
    try:
        has_begun = await call.service.own(call.principal, conversation_id, wanted.agent)
    except Problem as problem:
        raise Problem(409, "name-taken", "that name cannot be used; choose another, or none") from problem
    info = await call.service.runtime.store.info(conversation_id)
    if info is None:
        raise unknown_conversation(conversation_id)
    location = f"conversations/{_quoted(conversation_id)}"
    return JSONResponse(shown_conversation(info), 201 if has_begun else 200, {"Location": location})


async def list_conversations(call: Call) -> Response:
    """A page of the principal's conversations."""
    limit, offset = number(call, "limit", 50, 1, 200), number(call, "offset", 0, 0, 10**9)
    store = call.service.runtime.store
    if call.service.auth is None:
        found = await store.conversations(limit=limit + 1, offset=offset)
    else:
        found = await store.conversations_of(call.principal or "", limit=limit + 1, offset=offset)
    page: list[JSONObject] = [shown_conversation(each) for each in found[:limit]]
    following = offset + limit if len(found) > limit else None
    return JSONResponse({"conversations": page, "next_offset": following})


async def read(call: Call) -> Response:
    """One conversation."""
    info = await call.service.runtime.store.info(call.conversation_id)
    if info is None:
        raise unknown_conversation(call.conversation_id)
    return JSONResponse(shown_conversation(info))


async def erase(call: Call) -> Response:
    """Forget a conversation, with everything of it."""
    await call.service.runtime.erase(call.conversation_id)
    return Response(status_code=204)


async def export(call: Call) -> Response:
    """Everything that is kept of a conversation."""
    found = await call.service.runtime.export(call.conversation_id)
    if found is None:
        raise unknown_conversation(call.conversation_id)
    return JSONResponse(found)


async def history(call: Call) -> Response:
    """A page of what was said."""
    store = call.service.runtime.store
    limit, before = number(call, "limit", 50, 1, 500), number(call, "before", 0, 0, 2**53)
    includes_tools = _one_of(call, "include", ("tools",)) == "tools"
    # Asked for first: what ends meanwhile is told twice, and not left out.
    ended = (await store.ended([call.conversation_id])).get(call.conversation_id, 0)
    info = await store.info(call.conversation_id)
    found, following = await _page(call, before or None, limit, includes_tools=includes_tools)
    return JSONResponse(
        {
            "messages": [shown_message(each, includes_tools=includes_tools) for each in found],
            "before": following,
            "is_busy": info is not None and info.running is not None,
            "ended": ended,
        }
    )


async def _page(
    call: Call, before: int | None, limit: int, *, includes_tools: bool
) -> tuple[list[StoredMessage], int | None]:
    """So many messages that are shown, and where the page before begins."""
    store = call.service.runtime.store
    found: list[StoredMessage] = []
    while True:
        block = await store.messages(call.conversation_id, before=before, limit=limit)
        shown = [each for each in block if includes_tools or _is_said(each.body)]
        found = [*shown, *found]
        if len(block) < limit:
            following = None if len(found) <= limit else found[-limit].seq
            return found[-limit:], following
        before = block[0].seq
        if len(found) >= limit:
            found = found[-limit:]
            return found, found[0].seq if found[0].seq > 1 else None


def _is_said(body: JSONObject) -> bool:
    return body.get("role") in ("user", "assistant") and bool(body.get("content"))


async def state(call: Call) -> Response:
    """The state of a journey, sensitive values masked."""
    runtime = call.service.runtime
    agent = await agent_asked_for(call)
    found = await runtime.state(call.conversation_id, agent.key)
    data, step = shown_state(found)
    return JSONResponse({"agent": agent.key, "step": step, "is_over": is_over(agent, found), "state": data})


async def graph(call: Call) -> Response:
    """The journey's graph, with the current step and the way there."""
    form = _one_of(call, "format", ("json", "svg", "mermaid"))
    agent = await agent_asked_for(call)
    runtime = call.service.runtime
    found = await runtime.state(call.conversation_id, agent.key)
    stored = await runtime.store.load(call.conversation_id, agent.key)
    try:
        drawn = await asyncio.to_thread(graph_of, agent, shown_state(found)[1], stored.messages)
    except ConfigurationError as error:
        raise Problem(409, "no-graph", f"the journey cannot be drawn: {error}") from error
    if not call.service.shows_prompts:
        drawn = _without_prompts(drawn)
    if form == "svg":
        return Response(drawn.svg(), media_type="image/svg+xml", headers={"Content-Security-Policy": _NO_SCRIPTS})
    if form == "mermaid":
        return PlainTextResponse(drawn.mermaid())
    return JSONResponse({**drawn.json(), "agent": agent.key})


async def turns(call: Call) -> Response:
    """The last turns, with their receipts."""
    found = await call.service.runtime.turns(call.conversation_id, last=number(call, "limit", 50, 1, 500))
    return JSONResponse({"turns": [asdict(each) for each in found]})


_NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'"


def _without_prompts(graph: Graph) -> Graph:
    return replace(graph, nodes=tuple(replace(node, instruction="") for node in graph.nodes), unread=())


async def agent_asked_for(call: Call) -> Any:
    """The agent the query names, or whoever was spoken to last.

    Raises:
        Problem: There is none of that name.
    """
    wanted = call.request.query_params.get("agent")
    runtime = call.service.runtime
    if wanted is not None:
        return agent_of(runtime, wanted)
    info = await runtime.store.info(call.conversation_id)
    key = None if info is None else info.agent_key
    return runtime.agents[key if key in runtime.agents else next(iter(runtime.agents))]


def number(call: Call, name: str, default: int, least: int, most: int) -> int:
    """A number of the query.

    Raises:
        Problem: It is none, or out of bounds.
    """
    text = call.request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 17 and least <= int(text) <= most):
        detail = f"{name} is {text[:40]!r}; expected a number from {least} to {most}"
        raise Problem(422, "does-not-fit", detail, errors=[{"pointer": f"?{name}", "detail": detail}])
    return int(text)


def _one_of(call: Call, name: str, allowed: Sequence[str]) -> str | None:
    text = call.request.query_params.get(name)
    if text is not None and text not in allowed:
        detail = f"{name} is {text[:40]!r}; expected one of: {', '.join(allowed)}"
        raise Problem(422, "does-not-fit", detail, errors=[{"pointer": f"?{name}", "detail": detail}])
    return text


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def integer(least: int, most: int, default: int | None = None) -> JSONObject:
    """JSON Schema of a number."""
    schema: JSONObject = {"type": "integer", "minimum": least, "maximum": most}
    return schema if default is None else {**schema, "default": default}


_AGENT = Parameter(name="agent", summary="Whose; by default that of whoever was spoken to last.")

OPERATIONS = (
    Operation(
        method="GET",
        path="/agents",
        name="list_agents",
        summary="Who answers here",
        endpoint=list_agents,
        answers={200: Answer(summary="The agents, the default one first.", model=schemas.Agents)},
        tag="agents",
    ),
    Operation(
        method="POST",
        path="/conversations",
        name="begin_conversation",
        summary="Begin a conversation",
        endpoint=begin,
        body=schemas.NewConversation,
        answers={
            201: Answer(
                summary="It has begun.", model=schemas.Conversation, headers={"Location": "Where it is, relative."}
            ),
            200: Answer(summary="It is there already, and yours.", model=schemas.Conversation),
            409: Answer(summary="The name is taken."),
        },
    ),
    Operation(
        method="GET",
        path="/conversations",
        name="list_conversations",
        summary="Your conversations, most recently used first",
        endpoint=list_conversations,
        parameters=(
            Parameter(name="limit", summary="How many.", schema=integer(1, 200, 50)),
            Parameter(name="offset", summary="How many to pass over.", schema=integer(0, 10**9, 0)),
        ),
        answers={200: Answer(summary="A page.", model=schemas.Conversations)},
    ),
    Operation(
        method="GET",
        path="/conversations/{id}",
        name="read_conversation",
        summary="One conversation",
        endpoint=read,
        answers={200: Answer(summary="The conversation.", model=schemas.Conversation)},
    ),
    Operation(
        method="DELETE",
        path="/conversations/{id}",
        name="erase_conversation",
        summary="Forget a conversation, with everything of it",
        endpoint=erase,
        answers={204: Answer(summary="It is gone.", media_type="")},
    ),
    Operation(
        method="GET",
        path="/conversations/{id}/history",
        name="read_history",
        summary="What was said, a page at a time, newest page first",
        endpoint=history,
        parameters=(
            Parameter(name="before", summary="As the page after it said.", schema=integer(0, 2**53)),
            Parameter(name="limit", summary="How many messages.", schema=integer(1, 500, 50)),
            Parameter(
                name="include",
                summary="With calls and results of tools.",
                schema={"type": "string", "enum": ["tools"]},
            ),
        ),
        answers={200: Answer(summary="A page.", model=schemas.History)},
    ),
    Operation(
        method="GET",
        path="/conversations/{id}/state",
        name="read_state",
        summary="The journey's state, sensitive values masked",
        endpoint=state,
        parameters=(_AGENT,),
        answers={200: Answer(summary="The state.", model=schemas.State)},
    ),
    Operation(
        method="GET",
        path="/conversations/{id}/graph",
        name="draw_graph",
        summary="The journey's graph, the current step, and the way there",
        endpoint=graph,
        parameters=(
            _AGENT,
            Parameter(
                name="format",
                summary="As data, a picture, or a diagram.",
                schema={"type": "string", "enum": ["json", "svg", "mermaid"], "default": "json"},
            ),
        ),
        answers={200: Answer(summary="The graph.")},
    ),
    Operation(
        method="GET",
        path="/conversations/{id}/turns",
        name="list_turns",
        summary="The last turns, each with what was done in it",
        endpoint=turns,
        parameters=(Parameter(name="limit", summary="How many.", schema=integer(1, 500, 50)),),
        answers={200: Answer(summary="The turns, oldest first.", model=schemas.Turns)},
    ),
    Operation(
        method="GET",
        path="/conversations/{id}/export",
        name="export_conversation",
        summary="Everything that is kept of a conversation",
        endpoint=export,
        answers={200: Answer(summary="All of it, as JSON.")},
    ),
)
