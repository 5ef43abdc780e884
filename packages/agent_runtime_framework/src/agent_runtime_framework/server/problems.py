"""What goes wrong, as `application/problem+json` (RFC 9457): a type, a title, a status, and a sentence on this case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"

RESPOND = "agent_runtime.respond"
"""In the scope of a request whose problems have another shape: what makes an answer of one."""


class Problem(Exception):
    """Ends a request with an answer that says no.

    Args:
        status: HTTP status.
        kind: A short name for this sort of problem, which programs can rely on.
        detail: What happened here, and what to do.
        retry_after: Seconds after which the request may be sent again.
        errors: What is wrong with each part of the request: `pointer` and `detail`.
        headers: Further headers.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        retry_after: float | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, ceil(retry_after)))

    def response(self) -> Response:
        """The answer."""
        body: dict[str, Any] = {
            "type": f"urn:agent-runtime:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return JSONResponse(body, self.status, self.headers, MEDIA_TYPE)


def unknown_conversation(conversation_id: str) -> Problem:
    """The same words whether it does not exist or is another's."""
    return Problem(404, "unknown-conversation", f"there is no conversation {conversation_id!r}")


async def answer_problem(request: Request, error: Exception) -> Response:
    """The answer to a `Problem`."""
    assert isinstance(error, Problem)  # it is registered for these
    return _response(request, error)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """The answer to an unknown path or a wrong method."""
    assert isinstance(error, HTTPException)  # it is registered for these
    kind = {404: "unknown-path", 405: "wrong-method"}.get(error.status_code, "refused")
    return Problem(error.status_code, kind, error.detail, headers=error.headers).response()


async def answer_failure(request: Request, error: Exception) -> Response:
    """The answer where something broke; it says nothing of what."""
    return _response(request, Problem(500, "failure", "something went wrong here; the log of the server says what"))


def _response(request: Request, problem: Problem) -> Response:
    respond = request.scope.get(RESPOND)
    return problem.response() if respond is None else respond(problem)
