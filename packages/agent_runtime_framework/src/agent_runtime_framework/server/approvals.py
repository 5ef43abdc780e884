"""Calls that wait for a person, and what that person decides."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict

from starlette.responses import JSONResponse, Response

from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.errors import AlreadyDecided, NotPending
from agent_runtime_framework.server import schemas
from agent_runtime_framework.server.operations import Answer, Call, Operation
from agent_runtime_framework.server.problems import Problem


async def list_pending(call: Call) -> Response:
    """The calls of a conversation that wait for a person."""
    return _shown(await call.service.runtime.pending(call.conversation_id))


async def list_all_pending(call: Call) -> Response:
    """The calls that this principal may decide about."""
    found = await call.service.runtime.pending()
    return _shown([each for each in found if await _may_see(call, each)])


async def _may_see(call: Call, pending: PendingCall) -> bool:
    if call.service.is_approver(call.principal):
        return True
    info = await call.service.runtime.store.info(pending.conversation_id)
    return info is not None and call.service.may_see(call.principal, info)


async def approve(call: Call) -> Response:
    """Let a call run."""
    note: schemas.ApprovalNote = call.body
    with explained():
        await call.service.runtime.approve(call.conversation_id, _call_id(call), by=_name(call), note=note.note)
    return Response(status_code=204)


async def reject(call: Call) -> Response:
    """Keep a call from running."""
    why: schemas.RejectionReason = call.body
    with explained():
        await call.service.runtime.reject(call.conversation_id, _call_id(call), by=_name(call), reason=why.reason)
    return Response(status_code=204)


def _shown(found: list[PendingCall]) -> Response:
    return JSONResponse({"calls": [asdict(each) for each in found]})


def _call_id(call: Call) -> str:
    return call.request.path_params["call_id"]


def _name(call: Call) -> str:
    return call.principal or "somebody"


@contextmanager
def explained() -> Generator[None]:
    """Decisions that cannot be taken become problems."""
    try:
        yield
    except NotPending as error:
        if error.ended_at is None:
            raise Problem(404, "unknown-call", f"no call {error.call_id[:80]!r} ever waited here") from error
        raise Problem(409, "not-pending", "the call waits no longer: its turn has ended without it") from error
    except AlreadyDecided as error:
        raise Problem(409, "already-decided", f"the call was {error.decision} before; that stands") from error


_DECIDED = {
    204: Answer(summary="It is decided; the turn goes on.", media_type=""),
    409: Answer(summary="It was decided otherwise, or waits no longer."),
}

OPERATIONS = (
    Operation(
        method="GET",
        path="/pending",
        name="list_all_pending_calls",
        summary="Calls that wait for a person, in all conversations you may decide about",
        endpoint=list_all_pending,
        answers={200: Answer(summary="The calls, the oldest first.", model=schemas.PendingCalls)},
        tag="approvals",
    ),
    Operation(
        method="GET",
        path="/conversations/{id}/pending",
        name="list_pending_calls",
        summary="Calls of the conversation that wait for a person",
        endpoint=list_pending,
        answers={200: Answer(summary="The calls, the oldest first.", model=schemas.PendingCalls)},
        is_for_approvers=True,
        tag="approvals",
    ),
    Operation(
        method="POST",
        path="/conversations/{id}/calls/{call_id}/approve",
        name="approve_call",
        summary="Let a call run; its turn goes on",
        endpoint=approve,
        body=schemas.ApprovalNote,
        answers=_DECIDED,
        is_for_approvers=True,
        decides=True,
        tag="approvals",
    ),
    Operation(
        method="POST",
        path="/conversations/{id}/calls/{call_id}/reject",
        name="reject_call",
        summary="Do not let a call run; the model is told why, and the turn goes on",
        endpoint=reject,
        body=schemas.RejectionReason,
        answers=_DECIDED,
        is_for_approvers=True,
        decides=True,
        tag="approvals",
    ),
)
