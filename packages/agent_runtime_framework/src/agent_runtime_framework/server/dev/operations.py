"""What the developer page asks for beyond the API: traces of turns, forks, tests, and a part as the model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, PlainTextResponse, Response

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.messages import text_of
from agent_runtime_framework.server.dev.bench import Bench
from agent_runtime_framework.server.dev.dry import results_of
from agent_runtime_framework.server.dev.fork import fork
from agent_runtime_framework.server.dev.saving import scenario_of
from agent_runtime_framework.server.operations import Answer, Call, Endpoint, Operation
from agent_runtime_framework.server.problems import Problem
from agent_runtime_framework.server.schemas import Taken
from agent_runtime_framework.server.showing import agent_of, graph_of
from agent_runtime_framework.store.delivery import TurnInfo


class PlayedCall(Taken):
    """A tool call that is played."""

    name: str
    arguments: str | dict[str, Any] = Field(default_factory=dict)


class PlayedReply(Taken):
    """What somebody who plays the model answers."""

    text: str = ""
    calls: list[PlayedCall] = Field(default_factory=list[PlayedCall])


class Played(Taken):
    """Whether a person plays the model."""

    played: bool


class TriedPrompt(Taken):
    """A prompt in place of the journey's own."""

    step: str
    text: str


class Fork(Taken):
    """Where to go on, and how."""

    turn: int = Field(ge=0, description="The last turn that is kept.")
    again: int | None = Field(None, ge=1, description="The turn whose message is said again.")
    effects: bool = Field(False, description="Run tools that have effects; otherwise they are only told of.")
    prompt: TriedPrompt | None = None


class Anything(BaseModel):
    """Whatever the page draws; it is no API for others."""


def operations(bench: Bench) -> tuple[Operation, ...]:
    """The operations, on this bench."""
    behind = _Behind(bench)
    return (
        _operation("GET", "/agents/{key}/graph", behind.graph),
        _operation("GET", "/conversations/{id}/turns", behind.turns),
        _operation("POST", "/conversations/{id}/fork", behind.forked, Fork),
        _operation("GET", "/conversations/{id}/test", behind.as_test),
        _operation("GET", "/model", behind.asks),
        _operation("POST", "/model", behind.play, Played),
        _operation("POST", "/model/{ask_id}", behind.reply, PlayedReply),
    )


def _operation(method: str, path: str, endpoint: Endpoint, body: type[BaseModel] | None = None) -> Operation:
    return Operation(
        method=method,
        path=f"/dev{path}",
        name=f"dev{path.replace('/', '_').translate(_NO_BRACES)}_{method.lower()}",
        summary="For the developer page",
        endpoint=endpoint,
        body=body,
        answers={200: Answer(summary="For the page.", model=Anything)},
        tag="dev",
    )


_NO_BRACES = str.maketrans("", "", "{}")


class _Behind:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    async def turns(self, call: Call) -> Response:
        found = await call.service.runtime.turns(call.conversation_id, last=200)
        heard = await _heard(call)
        return JSONResponse({"turns": [_shown(self.bench, turn, heard.get(turn.no, "")) for turn in found]})

    async def forked(self, call: Call) -> Response:
        wanted: Fork = call.body
        conversation_id = await fork(call.service.runtime, self.bench.recorder, call.conversation_id, wanted.turn)
        if not wanted.effects:
            self.bench.dry[conversation_id] = results_of(await _all_messages(call))
        if wanted.prompt is not None:
            self.bench.stage.prompts[conversation_id, wanted.prompt.step] = wanted.prompt.text
        if wanted.again is not None:
            said = (await _heard(call)).get(wanted.again)
            if said:
                await call.service.runtime.accept(conversation_id, said)
        return JSONResponse({"conversation_id": conversation_id}, 201)

    async def as_test(self, call: Call) -> Response:
        runtime = call.service.runtime
        turns = await runtime.turns(call.conversation_id, last=1)
        loader = self.bench.loaders.get(turns[0].agent_key) if turns else None
        if loader is None:
            raise Problem(409, "no-test", "nothing was said yet, or its agent is not one of those that were named")
        return JSONResponse({"text": await scenario_of(runtime, loader.target, loader.load, call.conversation_id)})

    async def asks(self, call: Call) -> Response:
        waiting = [
            {
                "id": ask_id,
                "conversation_id": each.conversation_id,
                "step": each.step,
                "tools": each.tools,
                "requires_call": each.requires_call,
            }
            for ask_id, each in self.bench.stage.waiting.items()
            if not each.reply.done()
        ]
        return JSONResponse({"played": self.bench.stage.is_played, "asks": waiting})

    async def play(self, call: Call) -> Response:
        wanted: Played = call.body
        self.bench.stage.play(wanted.played)
        return JSONResponse({"played": wanted.played})

    async def reply(self, call: Call) -> Response:
        wanted: PlayedReply = call.body
        calls: list[JSONObject] = [each.model_dump() for each in wanted.calls]
        if not self.bench.stage.answer(call.request.path_params["ask_id"], wanted.text, calls):
            raise Problem(404, "nothing-asked", "nothing of that name waits for a reply any more")
        return Response(status_code=204)

    async def graph(self, call: Call) -> Response:
        agent = agent_of(call.service.runtime, call.request.path_params["key"])
        return PlainTextResponse(graph_of(agent, None, ()).svg(), media_type="image/svg+xml")


async def _all_messages(call: Call) -> list[JSONObject]:
    return (await call.service.runtime.store.load(call.conversation_id, "")).messages


async def _heard(call: Call) -> dict[int, str]:
    """What the person said, by turn."""
    found: dict[int, str] = {}
    for each in await call.service.runtime.store.messages(call.conversation_id, limit=1000):
        if each.body.get("role") == "user" and each.turn not in found:
            found[each.turn] = text_of(each.body.get("content"))
    return found


def _shown(bench: Bench, turn: TurnInfo, heard: str) -> JSONObject:
    receipt = turn.receipt or {}
    trace = bench.recorder.turn(turn.run_id)
    shown: JSONObject = {
        "no": turn.no,
        "status": turn.status,
        "step_before": receipt.get("step_before"),
        "step_after": turn.step,
        "stopped_reason": receipt.get("stopped_reason"),
        "ms": receipt.get("ms"),
        "heard": heard,
        "reply": turn.reply,
        "receipt": receipt,
        "requests": [],
        "events": [],
    }
    if trace is not None:
        shown.update(trace.as_json())
        shown["usage"] = _used(shown["requests"])
    return shown


def _used(requests: list[JSONObject]) -> JSONObject:
    return {"total_tokens": sum(int(each["usage"].get("total_tokens") or 0) for each in requests)}
