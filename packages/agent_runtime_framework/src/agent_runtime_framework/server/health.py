"""Whether the server lives, and whether it can be sent requests; and what it can be asked."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response

from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.server import schemas
from agent_runtime_framework.server.openapi import document
from agent_runtime_framework.server.operations import Answer, Call, Endpoint, Operation
from agent_runtime_framework.server.problems import Problem


async def health(call: Call) -> Response:
    """The process lives."""
    return JSONResponse({"status": "closing" if call.service.closing.is_set() else "ok"})


async def ready(call: Call) -> Response:
    """It takes messages in: the store answers, and the server is not about to end."""
    if call.service.closing.is_set():
        raise Problem(503, "closing", "the server is about to end", retry_after=5)
    try:
        await call.service.open()
        await call.service.runtime.store.ended([""])
    except StoreError as error:
        raise Problem(503, "store-unavailable", "the store cannot be used at present", retry_after=5) from error
    return JSONResponse({"status": "ok"})


def describing(operations: Sequence[Operation], title: str) -> Endpoint:
    """Gives the OpenAPI document of these operations."""

    async def describe(call: Call) -> Response:
        base = call.request.scope.get("root_path", "")
        has_auth = call.service.auth is not None
        return JSONResponse(document(operations, base=base, title=title, has_auth=has_auth))

    return describe


OPERATIONS = (
    Operation(
        method="GET",
        path="/health",
        name="health",
        summary="Whether the process lives",
        endpoint=health,
        answers={200: Answer(summary="It lives.", model=schemas.Health)},
        is_public=True,
        tag="server",
    ),
    Operation(
        method="GET",
        path="/ready",
        name="ready",
        summary="Whether it takes messages in",
        endpoint=ready,
        answers={
            200: Answer(summary="It does.", model=schemas.Health),
            503: Answer(summary="The store does not answer, or the server is about to end."),
        },
        is_public=True,
        tag="server",
    ),
)
