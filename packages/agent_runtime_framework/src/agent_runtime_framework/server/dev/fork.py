"""A copy of a conversation as it was after one of its turns, to go on differently."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from agent_runtime_framework.server.problems import Problem
from agent_runtime_framework.store.protocol import Commit

if TYPE_CHECKING:
    from agent_runtime_core.interfaces import JSONObject
    from agent_runtime_framework.runtime import Runtime
    from agent_runtime_framework.server.dev.recorder import Recorder
    from agent_runtime_framework.store.delivery import TurnInfo

_PAGE = 500


async def fork(runtime: Runtime, recorder: Recorder, conversation_id: str, turn: int) -> str:
    """Copy what was said up to a turn, with the state after it; returns the copy's id.

    Raises:
        Problem: The state after that turn is not known.
    """
    store = runtime.store
    turns = [each for each in await store.turns(conversation_id, last=10_000) if each.no <= turn]
    name = _name(conversation_id, turn)
    agent_key = turns[-1].agent_key if turns else next(iter(runtime.agents))
    await store.begin(name, owner=None, agent_key=agent_key)
    if not turns:
        return name
    info = await store.info(conversation_id)
    is_last = info is not None and info.running is None and info.revision == turns[-1].no
    state = (
        (await store.load(conversation_id, agent_key, context=0)).state
        if is_last
        else _state_after(recorder, turns, conversation_id)
    )
    messages = await _messages(runtime, conversation_id, turn)
    commit = Commit(
        conversation_id=name,
        agent_key=agent_key,
        revision=0,
        messages=messages,
        state=state,
        step=turns[-1].step,
    )
    await store.commit(commit)
    return name


def _state_after(recorder: Recorder, turns: list[TurnInfo], conversation_id: str) -> str | None:
    agent_key = turns[-1].agent_key
    for turn in reversed(turns):
        trace = recorder.turn(turn.run_id)
        if trace is None or not trace.has_ended:
            detail = f"turn {turn.no} of {conversation_id[:80]!r} was taken before this page watched; try a later one"
            raise Problem(409, "not-watched", detail)
        if turn.agent_key == agent_key and trace.state is not None:
            return trace.state
    return None


async def _messages(runtime: Runtime, conversation_id: str, turn: int) -> list[JSONObject]:
    found: list[JSONObject] = []
    before: int | None = None
    while page := await runtime.store.messages(conversation_id, before=before, limit=_PAGE):
        found = [each.body for each in page if each.turn <= turn] + found
        before = page[0].seq
    return found


def _name(conversation_id: str, turn: int) -> str:
    origin = conversation_id.split(" @", 1)[0][:200]
    return f"{origin} @{turn} {uuid4().hex[:4]}"
