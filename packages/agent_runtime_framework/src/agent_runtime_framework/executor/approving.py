"""Calls that need a person's agreement: asked for, waited for, and told to the model."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from agent_runtime_core.interfaces import EventType
from agent_runtime_framework.approvals import NOBODY_TO_ASK, ApprovalNeeded, Approve, Decision, PendingCall
from agent_runtime_framework.events import Emitter
from agent_runtime_framework.executor.calls import Answer, refusal
from agent_runtime_framework.toolcalls import ToolCall
from agent_runtime_framework.tools.offer import Offer

if TYPE_CHECKING:
    from agent_runtime_framework.executor.journal import Journal

logger = logging.getLogger(__name__)

DecideAtOnce: TypeAlias = Callable[[ToolCall, ApprovalNeeded], Awaitable[Decision | None]]
"""Somebody who may decide while the turn runs."""


def at_once(approve: Approve, conversation_id: str) -> DecideAtOnce:
    """Lets a callable decide while the turn runs."""

    async def decide_now(call: ToolCall, needed: ApprovalNeeded) -> Decision | None:
        pending = PendingCall(
            conversation_id=conversation_id,
            call_id=call.id,
            tool=call.name,
            arguments=needed.arguments,
            reason=needed.reason,
        )
        verdict = approve(pending)
        if inspect.isawaitable(verdict):
            verdict = await verdict
        if verdict is None:
            return None
        note = verdict if isinstance(verdict, str) else ""
        return Decision(call_id=call.id, tool=call.name, is_approved=verdict is True, note=note)

    return decide_now


def approval_needed(call: ToolCall, sent: Offer | None, now: Offer | None) -> ApprovalNeeded | None:
    """Why a person has to agree to a call; None if nobody has to, or if it is refused anyway."""
    offer = now if now is not None else sent
    if offer is None or not offer.approvals:
        return None
    rule = offer.approvals.get(call.name)
    return None if rule is None or refusal(call, sent, now) is not None else rule(call)


async def decide(
    call: ToolCall, needed: ApprovalNeeded, at_once: DecideAtOnce | None, journal: Journal | None
) -> Decision | None:
    """What was decided about a call; None if the turn has to wait for it."""
    known = None if journal is None else journal.decision(call)
    if known is not None:
        return known
    decision = None if at_once is None else await at_once(call, needed)
    if decision is not None:
        if journal is not None:
            journal.decided(decision)
        return decision
    if journal is not None:
        return None
    logger.warning("tool %r needs a person's agreement; run it under a Runtime, or pass approve=", call.name)
    return Decision(call_id=call.id, tool=call.name, is_approved=False, note=NOBODY_TO_ASK)


def rejected(call: ToolCall, needed: ApprovalNeeded, decision: Decision, emitter: Emitter) -> Answer:
    """The answer to a call that shall not run."""
    if decision.note == NOBODY_TO_ASK:
        text = f"Error: {call.name} did not run: {NOBODY_TO_ASK}."
    else:
        reason = f": {decision.note.rstrip('.')}" if decision.note else ""
        text = f"Error: {call.name} did not run; rejected by a person{reason}."
    if emitter:
        payload = {"name": call.name, "arguments": needed.arguments, "tool_call_id": call.id, "reason": text}
        emitter.emit(EventType.TOOL_REFUSED, payload)
    return Answer(text, ok=False)


def tell_decision(decision: Decision, emitter: Emitter) -> None:
    """Tell who watches what was decided."""
    if emitter:
        told = decision.to_dict()
        del told["call_id"], told["tool"]
        emitter.emit(EventType.APPROVAL_DECIDED, {"name": decision.tool, "tool_call_id": decision.call_id, **told})
