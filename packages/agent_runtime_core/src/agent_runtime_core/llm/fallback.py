"""Several clients as one: when the first cannot answer, the next one is asked."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from agent_runtime_core.errors import ConfigurationError, ContentFiltered, InvalidRequest, ProviderError
from agent_runtime_core.interfaces import JSONObject, LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_core.llm.chat_stream import close_stream
from agent_runtime_core.llm.tooling import tool_name

logger = logging.getLogger(__name__)


class FallbackClient(LLMClient):
    """The first of several clients that answers.

    Each client makes its own attempts first; give those in front a short `RetryPolicy`. A client that failed is passed
    over for a while, unless all did. A request that is wrong, or that a content policy stopped, goes no further: it
    would be as wrong elsewhere.

    `model` is meant for the first client; the others answer with their own default. A stream that broke off after
    pieces were handed out is only taken up by the next client with `allow_reset`, as in `ProviderClient`.
    """

    supports_reset = True
    supports_allowed_tools = True

    def __init__(
        self, clients: Sequence[LLMClient], *, cooldown: float = 30.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Ask `clients` in their order.

        Args:
            clients: At least one.
            cooldown: For how many seconds a client that failed is passed over.
            now: A clock that never goes back.

        Raises:
            ConfigurationError: There is no client.
        """
        if not clients:
            raise ConfigurationError("FallbackClient was given no clients; expected at least one")
        self._clients = list(clients)
        self._cooldown = cooldown
        self._now = now
        self._resting_until = [0.0] * len(self._clients)
        self.default_model: str = getattr(self._clients[0], "default_model", "")

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
        """Answer `messages` with the first client that can.

        Raises:
            ProviderError: None could; the error is the last client's, the others' are in its notes.
        """
        failed: list[ProviderError] = []
        for index, client in self._in_turn():
            offered, options = _as_understood(client, tools, kwargs)
            try:
                return await client.generate(
                    messages,
                    model=model if index == 0 else None,
                    stream=stream,
                    tools=offered,
                    temperature=temperature,
                    max_tokens=max_tokens,
                    **options,
                )
            except ProviderError as error:
                self._passed_over(index, error, failed)
        raise _summed_up(failed)

    async def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        allow_reset: bool = False,
        **kwargs: Any,
    ) -> AsyncGenerator[LLMStreamChunk, None]:
        """Answer `messages` piece by piece, with the first client that can.

        Raises:
            ProviderError: None could, or the reply broke off.
        """
        failed: list[ProviderError] = []
        for index, client in self._in_turn():
            offered, options = _as_understood(client, tools, kwargs)
            if allow_reset and getattr(client, "supports_reset", False):
                options["allow_reset"] = True
            chunks = client.stream(messages, model=model if index == 0 else None, tools=offered, **options)
            shown = False
            try:
                async for chunk in chunks:
                    shown = not chunk.reset
                    yield chunk
                return
            except ProviderError as error:
                if shown and not allow_reset:
                    raise
                self._passed_over(index, error, failed)
            finally:
                await close_stream(chunks)
            if shown:
                yield LLMStreamChunk(reset=True)
        raise _summed_up(failed)

    async def aclose(self) -> None:
        """Close all clients that can be closed."""
        for client in self._clients:
            close = getattr(client, "aclose", None)
            if close is not None:
                await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self.aclose()

    def _in_turn(self) -> Iterator[tuple[int, LLMClient]]:
        """The rested clients; then, as a last resort, the others."""
        now = self._now()
        rested = [index for index, until in enumerate(self._resting_until) if until <= now]
        others = [index for index, until in enumerate(self._resting_until) if until > now]
        return ((index, self._clients[index]) for index in rested + others)

    def _passed_over(self, index: int, error: ProviderError, failed: list[ProviderError]) -> None:
        if isinstance(error, (InvalidRequest, ContentFiltered)):
            raise error
        self._resting_until[index] = self._now() + max(self._cooldown, error.retry_after or 0.0)
        failed.append(error)
        logger.warning(
            "client %d of %d did not answer (%s); asking the next",
            index + 1,
            len(self._clients),
            type(error).__name__,
            extra={"provider": error.provider, "status": error.status},
        )


def _as_understood(
    client: LLMClient, tools: Sequence[Mapping[str, Any]] | None, options: Mapping[str, Any]
) -> tuple[Sequence[Mapping[str, Any]] | None, JSONObject]:
    """The tools and options for a client; one that does not know `allowed_tools` is shown no others."""
    given = dict(options)
    if getattr(client, "supports_allowed_tools", False):
        return tools, given
    allowed = given.pop("allowed_tools", None)
    if tools is None or allowed is None:
        return tools, given
    return [tool for tool in tools if tool_name(tool) in allowed], given


def _summed_up(failed: Sequence[ProviderError]) -> ProviderError:
    error = failed[-1]
    for other in failed[:-1]:
        error.add_note(f"before that: {other}")
    return error
