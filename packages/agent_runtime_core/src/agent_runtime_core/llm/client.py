"""What the clients of all vendors share: options sorted, errors typed, retries, a limit, pools that are closed."""

from __future__ import annotations

import asyncio
import weakref
from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self, TypeAlias

from agent_runtime_core.errors import ProviderError
from agent_runtime_core.interfaces import JSONObject, LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_core.llm.failures import cut_off, provider_error
from agent_runtime_core.llm.real_requests import refuse_if_forbidden
from agent_runtime_core.llm.retry import Attempts, Pacing, RetryPolicy

DEFAULT_TIMEOUT = 120.0

_Messages: TypeAlias = Sequence[Mapping[str, Any]]
_Tools: TypeAlias = Sequence[Mapping[str, Any]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One request, sorted.

    Attributes:
        messages: As given.
        model: As the provider calls it.
        tools: Chat-completions functions, or the provider's own tools; empty for none.
        tool_choice: auto, none, required, a tool's name, or the provider's own form.
        allowed_tools: The names that may be called now; None for all of `tools`.
        response_format: See `structured.output_format`.
        options: Everything else, for the provider.
    """

    messages: Sequence[Mapping[str, Any]]
    model: str
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: Any = None
    allowed_tools: frozenset[str] | None = None
    response_format: Any = None
    options: JSONObject = field(default_factory=dict[str, Any])


class ProviderClient(LLMClient):
    """A vendor's SDK behind `LLMClient`; subclasses say how one request is sent.

    Besides the documented options, `generate` and `stream` take

    - `tool_choice`: auto, none, required, or the name of a tool;
    - `allowed_tools`: names out of `tools`. The list of tools stays the same from request to request, so that the
      provider's cache holds, and the model is told which of them it may use now;
    - `response_format`: a Pydantic model class, a JSON Schema, or the chat-completions form;
    - `timeout`: seconds without a byte;
    - whatever else the provider understands.

    `stream` also takes `allow_reset`: a reply that breaks off after pieces were handed out is then begun again, behind
    a chunk with `reset`; without it, that is an error.

    Attributes:
        default_model: The model of requests that name none.
    """

    provider: ClassVar[str]
    supports_reset: ClassVar[bool] = True
    supports_allowed_tools: ClassVar[bool] = True

    def __init__(
        self,
        *,
        default_model: str,
        retry: RetryPolicy | None = None,
        max_concurrency: int | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        """Prepare the client; nothing is connected yet.

        Args:
            default_model: The model of requests that name none.
            retry: How often to try; the configured policy if None.
            max_concurrency: How many requests may be under way at once; no limit if None.
            pacing: Where time and chance come from.
        """
        self.default_model = default_model
        self._attempts = Attempts(retry or RetryPolicy.configured(), pacing or Pacing(), max_concurrency)
        self._client: Any = self._connect()
        self._made: Any = self._client
        self._home: weakref.ref[asyncio.AbstractEventLoop] | None = None
        self._elsewhere: dict[asyncio.AbstractEventLoop, Any] = {}

    async def generate(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        stream: bool = False,
        tools: Sequence[Mapping[str, Any]] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        **kwargs: Any,
    ) -> LLMResponse:
        """Answer `messages`; see the class for the options. `stream` only changes how the reply is fetched.

        Raises:
            ProviderError: There is no answer; the subclass says why, the text what to do.
        """
        given = {"temperature": temperature, "max_tokens": max_tokens, **kwargs}
        if stream:
            return await self._attempts.call(lambda: self._collected(messages, model, tools, given))
        return await self._attempts.call(lambda: self._completed(messages, model, tools, given))

    def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        allow_reset: bool = False,
        **kwargs: Any,
    ) -> AsyncGenerator[LLMStreamChunk, None]:
        """Answer `messages` piece by piece; the last chunk has the calls, the finish reason, the usage, the message.

        Raises:
            ProviderError: There is no answer, or it broke off.
        """
        return self._attempts.stream(lambda: self._pieces(messages, model, tools, kwargs), may_reset=allow_reset)

    async def aclose(self) -> None:
        """Close the pooled connections of the running loop; the client cannot be used there afterwards."""
        await self._vendor().close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self.aclose()

    @abstractmethod
    def _connect(self) -> Any:
        """A new client of the vendor's, with its own pool."""

    @abstractmethod
    async def _complete(self, request: ModelRequest) -> LLMResponse:
        """Send once, and wait for the whole reply."""

    @abstractmethod
    async def _begin(self, request: ModelRequest) -> AsyncGenerator[LLMStreamChunk, None]:
        """Send once; the result hands out the reply piece by piece."""

    async def _model(self) -> str:
        """The model of a request that names none."""
        return self.default_model

    def _address(self, options: Mapping[str, Any]) -> str:
        """Where a request goes; empty if that is not known."""
        return str(getattr(self._client, "base_url", None) or "")

    def _vendor(self) -> Any:
        """The vendor's client for the running loop: a pool belongs to the loop that opened its connections."""
        loop = asyncio.get_running_loop()
        home = self._home() if self._home is not None else None
        if home is loop or self._client is not self._made:
            return self._client
        if home is None or home.is_closed():
            if self._home is not None:
                self._client = self._made = self._connect()
            self._home = weakref.ref(loop)
            return self._client
        if loop not in self._elsewhere:
            self._elsewhere = {other: made for other, made in self._elsewhere.items() if not other.is_closed()}
            self._elsewhere[loop] = self._connect()
        return self._elsewhere[loop]

    async def _request(
        self, messages: _Messages, model: str | None, tools: _Tools, options: JSONObject
    ) -> ModelRequest:
        if self._client is self._made:
            # A client that was put in the SDK's place is the caller's own affair.
            refuse_if_forbidden(type(self).__name__, model or self.default_model, self._address(options))
        rest = {name: value for name, value in options.items() if value is not None}
        allowed = rest.pop("allowed_tools", None)
        return ModelRequest(
            messages=messages,
            model=model or await self._model(),
            tools=tools or (),
            tool_choice=rest.pop("tool_choice", None),
            allowed_tools=None if allowed is None else frozenset(allowed),
            response_format=rest.pop("response_format", None),
            options=rest,
        )

    async def _completed(
        self, messages: _Messages, model: str | None, tools: _Tools, options: JSONObject
    ) -> LLMResponse:
        try:
            return await self._complete(await self._request(messages, model, tools, options))
        except ProviderError:
            raise
        except Exception as exc:
            raise self._typed(exc) from exc

    async def _pieces(
        self, messages: _Messages, model: str | None, tools: _Tools, options: JSONObject
    ) -> AsyncGenerator[LLMStreamChunk, None]:
        try:
            chunks = await self._begin(await self._request(messages, model, tools, options))
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        except ProviderError:
            raise
        except Exception as exc:
            raise self._typed(exc) from exc

    async def _collected(
        self, messages: _Messages, model: str | None, tools: _Tools, options: JSONObject
    ) -> LLMResponse:
        last = LLMStreamChunk()
        async for chunk in self._pieces(messages, model, tools, options):
            last = chunk
        if last.message is None:
            raise cut_off(self.provider)
        return LLMResponse(last.message, last.usage or {}, model or self.default_model, last.finish_reason or "")

    def _typed(self, exc: Exception) -> Exception:
        # What is not about the provider is raised as it was.
        return provider_error(self.provider, exc) or exc
