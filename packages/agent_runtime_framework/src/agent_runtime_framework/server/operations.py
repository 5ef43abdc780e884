"""One table of everything the server answers: routes, checks and the OpenAPI document are made from it.

Rules:
    - An operation with `{id}` in its path is about a conversation; another principal's does not exist for it. It is
      checked before the operation runs, for all of them in one place.
    - What is not public is asked who it is, and counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from agent_runtime_framework.server.problems import Problem

if TYPE_CHECKING:
    from agent_runtime_framework.server.service import Service

Endpoint: TypeAlias = "Callable[[Call], Awaitable[Response]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A possible answer of an operation.

    Attributes:
        summary: When it is given.
        model: The JSON body; None if it has none of ours.
        media_type: What it is.
        headers: Its headers, with what they say.
        streams: True if it may come as server-sent events too.
    """

    summary: str
    model: type[BaseModel] | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    streams: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter or a header.

    Attributes:
        name: Its name.
        summary: What it does.
        schema: JSON Schema of its value.
        place: Where it stands.
    """

    name: str
    summary: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    place: str = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShape:
    """How an operation says no, where a protocol has its own way.

    Attributes:
        model: Its JSON.
        media_type: What it is.
        respond: Makes the answer to a problem.
    """

    model: type[BaseModel]
    media_type: str
    respond: Callable[[Problem], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing the server does.

    Attributes:
        method: HTTP method.
        path: Its path; `{id}` is a conversation.
        name: Its name in the OpenAPI document.
        summary: What it gives, in a line.
        endpoint: Does it.
        answers: What it may answer, by status; problems are added.
        body: The JSON it takes.
        parameters: Its query parameters and headers.
        is_public: True if everybody may ask, as often as they like.
        begins: True if the conversation begins where there is none of that name.
        is_for_approvers: True if those who decide about calls may ask it of every conversation.
        decides: True if only they may ask it, where there are any.
        errors: How it says no; by default with `application/problem+json`.
        tag: Its group in the document.
    """

    method: str
    path: str
    name: str
    summary: str
    endpoint: Endpoint
    answers: Mapping[int, Answer]
    body: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    is_public: bool = False
    begins: bool = False
    is_for_approvers: bool = False
    decides: bool = False
    errors: ErrorShape | None = None
    tag: str = "conversations"

    @property
    def is_about_a_conversation(self) -> bool:
        """True if it names one."""
        return "{id}" in self.path


@dataclass(slots=True, kw_only=True)
class Call:
    """A request for an operation, checked.

    Attributes:
        request: The request.
        service: What the app has.
        operation: What is asked for.
        principal: Who asks; None where nobody is asked who they are.
        conversation_id: The conversation it is about; empty if it is about none.
        body: The JSON that was sent, as the operation's model; None without one.
    """

    request: Request
    service: Service
    operation: Operation
    principal: str | None
    conversation_id: str = ""
    body: Any = None

    @property
    def client(self) -> str:
        """Who is counted: the principal or, where nobody is asked who they are, the address."""
        if self.principal is not None:
            return self.principal
        return self.request.client.host if self.request.client else ""
