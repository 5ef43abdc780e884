"""Conversations that a person has taken over: what is said goes into the history, and no model is asked.

Rules:
    - What the person in the conversation says, what the person who took over says, and the handing back come through
      the same inbox, so that the history has them in the order in which they came.
    - The journey's state stays as it was; only handing back may move it to another step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.agents.base import AgentContext, AgentMessage
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.turns import OpenConversation
from agent_runtime_framework.events import Emitter
from agent_runtime_framework.store.delivery import Claim

HANDED_OFF = "handed_off"
"""Why a turn ended in which a person answers, or takes over."""

_BACK = "handed_back"


def said_message(text: str, by: str) -> JSONObject:
    """What a person who has taken over says, as it is kept."""
    return {"role": "assistant", "content": text, "metadata": {"by": by}}


def back_message(by: str, note: str, step: str | None) -> JSONObject:
    """That the conversation is handed back, as the model reads it."""
    who = by or "a colleague"
    told = f"Until here, {who} has answered the person in your place. You go on from here."
    return {
        "role": "system",
        "content": f"{told} What {who} leaves you: {note}" if note else told,
        "metadata": {"by": by, "note": note, _BACK: True, "step": step},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOn:
    """What becomes of messages that no model answers.

    Attributes:
        messages: What is kept of them.
        reply: What is answered; empty if nothing.
        state: The journey's state, if it is moved.
        handoff: "back" if the conversation is the agent's again.
        by: Who said it, or handed it back; None if it was the person in the conversation.
        note: What they leave the model.
    """

    messages: list[JSONObject]
    reply: str = ""
    state: str | None = None
    handoff: Literal["back"] | None = None
    by: str | None = None
    note: str = ""


def is_passed_on(claim: Claim) -> bool:
    """True if nobody is asked in this turn: a person has the conversation, says something, or hands it back."""
    first = claim.bodies[0] if claim.bodies else {}
    return not claim.entries and (claim.handoff is not None or first.get("role") == "assistant" or _is_back(first))


async def pass_on(claim: Claim, agent: JourneyAgent[Any, Any, Any], conversation: OpenConversation) -> PassedOn:
    """What is kept of a turn's messages."""
    first = claim.bodies[0]
    about: JSONObject = first.get("metadata") or {}
    if first["role"] == "assistant":
        return PassedOn(messages=list(claim.bodies), reply=first["content"], by=about.get("by", ""))
    said = [AgentMessage.from_dict(body) for body in claim.bodies]
    ctx = AgentContext(UUID(claim.run_id), claim.conversation_id, said)
    if not _is_back(first):
        return PassedOn(messages=await agent.overheard(ctx, conversation))
    step = about.get("step")
    state = None if step is None else await agent.moved(ctx, conversation, step)
    return PassedOn(
        messages=[{"role": first["role"], "content": first["content"]}],
        state=state,
        handoff="back",
        by=about.get("by", ""),
        note=about.get("note", ""),
    )


def tell(passed: PassedOn, emitter: Emitter, agent_key: str) -> None:
    """Tell who watches of a turn that was kept."""
    if not emitter:
        return
    emitter.emit(EventType.RUN_STARTED, {"agent": agent_key, "step": None})
    if passed.handoff is not None:
        emitter.emit(EventType.HANDED_BACK, {"by": passed.by or "", "note": passed.note})
    if passed.reply:
        emitter.emit(EventType.ASSISTANT_MESSAGE, {"content": passed.reply, "by": passed.by or ""})
    end: JSONObject = {"response": passed.reply, "stopped_reason": HANDED_OFF, "usage": {}}
    emitter.emit(EventType.RUN_SUCCEEDED, end)


def _is_back(body: JSONObject) -> bool:
    about: JSONObject = body.get("metadata") or {}
    return bool(about.get(_BACK))
