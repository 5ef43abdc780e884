"""The application: a table of operations becomes routes, checks, and a document that describes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.server import (
    agui,
    approvals,
    assets,
    conversations,
    forms,
    health,
    messages,
    openai_api,
    streaming,
)
from agent_runtime_framework.server.auth import Auth
from agent_runtime_framework.server.closing import told_to_end
from agent_runtime_framework.server.limits import Limits
from agent_runtime_framework.server.operations import Answer, Operation
from agent_runtime_framework.server.problems import RESPOND, Problem, answer_failure, answer_http_error, answer_problem
from agent_runtime_framework.server.service import Service

OPERATIONS: tuple[Operation, ...] = (
    *health.OPERATIONS,
    *conversations.OPERATIONS,
    *messages.OPERATIONS,
    *streaming.OPERATIONS,
    *forms.OPERATIONS,
    *approvals.OPERATIONS,
    *agui.OPERATIONS,
    *openai_api.OPERATIONS,
)
"""Everything the server answers."""


class AgentApp(Starlette):
    """A runtime as an ASGI application; made by `create_app`.

    Attributes:
        service: The runtime, with who may do how much of what.
        operations: Everything it answers.
    """

    def __init__(
        self, service: Service, operations: Sequence[Operation], routes: Iterable[BaseRoute], hosts: Sequence[str]
    ) -> None:
        self.service = service
        self.operations = tuple(operations)
        super().__init__(
            routes=[*(_route(service, each) for each in self.operations), *routes],
            middleware=_middleware(service.cors_origins, hosts),
            exception_handlers={
                Problem: answer_problem,
                HTTPException: answer_http_error,
                Exception: answer_failure,
            },
            lifespan=self.lifespan,
        )

    @asynccontextmanager
    async def lifespan(self, app: Any = None) -> AsyncGenerator[None]:
        """Opens the runtime and closes it: `FastAPI(lifespan=agents.lifespan)` where the app is mounted in another.

        A runtime that is open already stays open afterwards.
        """
        self.service.closing.clear()
        with told_to_end(self.service.closing.set):
            await self.service.open()
            try:
                yield
            finally:
                await self.service.aclose()


def create_app(
    runtime: Runtime,
    *,
    auth: Auth | None = None,
    limits: Limits | None = None,
    cors_origins: Sequence[str] = (),
    hosts: Sequence[str] = (),
    approvers: Collection[str] = (),
    shows_prompts: bool = False,
    operations: Sequence[Operation] = (),
    routes: Sequence[BaseRoute] = (),
    title: str = "Agent Runtime",
) -> AgentApp:
    """A runtime as an ASGI application, to be served, or mounted in another one at any path.

    Args:
        runtime: The runtime. It is opened with the app, or with the first request where the app's lifespan is not run.
        auth: Gives the principal of a request, or None to refuse it; `ApiKeys` does. Without it everybody sees
            everything.
        limits: How much a principal may ask for.
        cors_origins: Pages of other origins that may send requests.
        hosts: The `Host` headers that are answered; all, if it is empty.
        approvers: Principals who decide about calls that wait, in every conversation; without any, its owner does.
        shows_prompts: Tell what the model is told, and what exceptions say. For developers.
        operations: Further operations, checked like all others.
        routes: Further routes, without any checks.
        title: What the OpenAPI document calls it.
    """
    service = Service(
        runtime,
        auth=auth,
        limits=limits,
        cors_origins=cors_origins,
        shows_prompts=shows_prompts,
        approvers=approvers,
    )
    runtime.keep_events()
    table = [*OPERATIONS, *operations]
    table.append(
        Operation(
            method="GET",
            path="/openapi.json",
            name="openapi",
            summary="This document",
            endpoint=health.describing(table, title),
            answers={200: Answer(summary="OpenAPI 3.1.")},
            is_public=True,
            tag="server",
        )
    )
    return AgentApp(service, table, [*routes, *assets.routes()], hosts)


def _route(service: Service, operation: Operation) -> Route:
    async def answer(request: Request) -> Response:
        if operation.errors is not None:
            request.scope[RESPOND] = operation.errors.respond
        return await service.answer(operation, request)

    return Route(operation.path, answer, methods=[operation.method], name=operation.name)


def _middleware(cors_origins: Sequence[str], hosts: Sequence[str]) -> list[Middleware]:
    found: list[Middleware] = []
    if hosts:
        found.append(Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)))
    if cors_origins:
        found.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(cors_origins),
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=[
                    "Authorization",
                    "Content-Type",
                    "Idempotency-Key",
                    "Last-Event-ID",
                    "X-API-Key",
                    "X-Conversation-Id",
                ],
                expose_headers=["Location", "Retry-After", "X-Conversation-Id"],
                max_age=600,
            )
        )
    return found
