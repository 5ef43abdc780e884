"""What the operations of one app share, and the checks that stand before each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from agent_runtime_core.interfaces import conversation_key
from agent_runtime_framework.errors import (
    ConfigurationError,
    ConversationBusy,
    StateError,
    StoreError,
)
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.server.auth import Auth, principal_of
from agent_runtime_framework.server.limits import Buckets, Limits, Streams, read_body
from agent_runtime_framework.server.operations import Call, Operation
from agent_runtime_framework.server.problems import Problem, unknown_conversation
from agent_runtime_framework.store.protocol import ConversationInfo

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Service:
    """One app's runtime, with who may do how much of what.

    Args:
        runtime: The runtime.
        auth: Says who asks; None lets everybody in.
        limits: How much they may ask for.
        cors_origins: Pages of other origins that may send requests.
        shows_prompts: Tell what the model is told.
        approvers: Principals who decide about calls that wait, of every conversation; without any, its owner does.

    Attributes:
        closing: Set when the server is about to end.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        auth: Auth | None = None,
        limits: Limits | None = None,
        cors_origins: Sequence[str] = (),
        shows_prompts: bool = False,
        approvers: Collection[str] = (),
    ) -> None:
        self.runtime = runtime
        self.auth = auth
        self.limits = limits or Limits()
        self.cors_origins = tuple(cors_origins)
        self.shows_prompts = shows_prompts
        self.approvers = frozenset(approvers)
        self.streams = Streams(self.limits)
        self.closing = asyncio.Event()
        self._buckets = Buckets(self.limits.rate, self.limits.burst)
        self._opening = asyncio.Lock()
        self._has_opened = False

    async def open(self) -> None:
        """Open the runtime, unless it is open."""
        if self.runtime.is_open:
            return
        async with self._opening:
            if not self.runtime.is_open:
                self.runtime.keep_events()
                await self.runtime.__aenter__()
                self._has_opened = True

    async def aclose(self) -> None:
        """Close the runtime if it was opened here: turns end, or are given back."""
        self.closing.set()
        if self._has_opened:
            self._has_opened = False
            await self.runtime.aclose()

    async def answer(self, operation: Operation, request: Request) -> Response:
        """Do what a request asks for, if it may.

        Raises:
            Problem: It may not, or it cannot be done.
        """
        try:
            return await self._answer(operation, request)
        except ConversationBusy as busy:
            raise Problem(409, "busy", busy.reason, retry_after=1) from busy
        except StateError as error:
            raise Problem(409, "state-unreadable", "the stored state no longer fits the journey") from error
        except StoreError as error:
            raise Problem(503, "store-unavailable", "the store cannot be used at present", retry_after=2) from error

    async def _answer(self, operation: Operation, request: Request) -> Response:
        call = Call(request=request, service=self, operation=operation, principal=None)
        if operation.is_public:
            return await operation.endpoint(call)
        await self.open()
        self._refuse_foreign_pages(request)
        call.principal = await principal_of(request, self.auth)
        self._buckets.take(call.client)
        if operation.is_about_a_conversation:
            call.conversation_id = await self._conversation(call)
        if operation.body is not None:
            call.body = parse(operation.body, request, await read_body(request, self.limits))
        return await operation.endpoint(call)

    def may_see(self, principal: str | None, info: ConversationInfo) -> bool:
        """True if a conversation exists for a principal."""
        return self.auth is None or info.owner == principal

    async def own(self, principal: str | None, conversation_id: str, agent: str | None = None) -> bool:
        """Make sure that a conversation is there and is this principal's; True if it has begun now.

        Raises:
            Problem: It is another's.
        """
        key = agent or next(iter(self.runtime.agents))
        if await self.runtime.store.begin(conversation_id, owner=principal, agent_key=key):
            return True
        info = await self.runtime.store.info(conversation_id)
        if info is None or not self.may_see(principal, info):
            raise unknown_conversation(conversation_id)
        return False

    async def _conversation(self, call: Call) -> str:
        """The conversation a path names, if it exists for who asks."""
        text = call.request.path_params["id"]
        try:
            key = conversation_key(text)
        except ConfigurationError:
            raise unknown_conversation(text[:80]) from None
        info = await self.runtime.store.info(key)
        if info is None and call.operation.begins:
            return key
        if info is None or not (self.may_see(call.principal, info) or self._approves(call)):
            raise unknown_conversation(key)
        if call.operation.decides and self.approvers and not self.is_approver(call.principal):
            raise Problem(403, "not-yours-to-decide", "somebody else decides about the calls of this conversation")
        return key

    def is_approver(self, principal: str | None) -> bool:
        """True if a principal decides about the calls of every conversation."""
        return self.auth is None or principal in self.approvers

    def _approves(self, call: Call) -> bool:
        return call.operation.is_for_approvers and self.is_approver(call.principal)

    def _refuse_foreign_pages(self, request: Request) -> None:
        """A page of another site must not act in a browser's name."""
        if request.method in SAFE_METHODS or request.headers.get("sec-fetch-site") != "cross-site":
            return
        if request.headers.get("origin") not in self.cors_origins and "*" not in self.cors_origins:
            raise Problem(403, "foreign-page", "pages of other sites may not do this; allow theirs as a CORS origin")


def parse(model: type[BaseModel], request: Request, body: bytes) -> Any:
    """The body of a request as a model.

    Raises:
        Problem: It is no JSON, or does not fit; `errors` says where.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        raise Problem(415, "no-json", f"the body is {media_type or 'of no type'}; expected application/json")
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise Problem(422, "does-not-fit", "the body does not fit", errors=_places(error)) from None


def _places(error: ValidationError) -> list[dict[str, str]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [{"pointer": "".join(f"/{part}" for part in each["loc"]), "detail": each["msg"]} for each in found[:20]]
