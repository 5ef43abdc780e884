"""What model requests used: token counts added up, priced, and held against a limit.

A usage is the dict that `LLMResponse.usage` carries. `with_cost` puts the price into it, as `cost_usd`, so that
adding usages up adds up the costs, too, across models, turns and conversations.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias, cast

from agent_runtime_core._wrapping import ClientWrapper, closing, given
from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import JSONObject, LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_core.sums import add_usage as add_usage

logger = logging.getLogger(__name__)

Usage: TypeAlias = Mapping[str, Any]

COST_KEY = "cost_usd"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """A usage, read from whichever names the provider used.

    Attributes:
        input: All tokens sent, those from and into the provider's cache included.
        output: All tokens received, reasoning included.
        cache_read: The part of `input` that came from the cache.
        cache_write: The part of `input` that was written to the cache.
        reasoning: The part of `output` that was reasoning.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Sent and received."""
        return self.input + self.output

    @classmethod
    def of(cls, usage: Usage | None) -> TokenCounts:
        """The counts in a usage in OpenAI's or Anthropic's words; what is missing counts as 0."""
        usage = usage or {}
        cache_read = _first(usage, *_CACHE_READ)
        cache_write = _first(usage, *_CACHE_WRITE)
        sent = _first(usage, "prompt_tokens", "input_tokens")
        if "prompt_tokens" not in usage and "cache_read_input_tokens" in usage:
            # Anthropic's own count leaves the cache out.
            sent += cache_read + cache_write
        return cls(
            input=sent,
            output=_first(usage, "completion_tokens", "output_tokens"),
            cache_read=cache_read,
            cache_write=cache_write,
            reasoning=_first(usage, *_REASONING),
        )


_CACHE_READ = (
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "cache_read_input_tokens",
    "cached_tokens",
)
_CACHE_WRITE = (
    "prompt_tokens_details.cache_write_tokens",
    "prompt_tokens_details.cache_creation_tokens",
    "cache_creation_input_tokens",
)
_REASONING = (
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "reasoning_tokens",
)


def _first(usage: Usage, *paths: str) -> int:
    for path in paths:
        value: Any = usage
        for key in path.split("."):
            value = cast("Usage", value).get(key) if isinstance(value, Mapping) else None
        if _is_number(value):
            return int(value)
    return 0


def estimate_cost(usage: Usage | None, model: str, provider: str | None = None) -> float | None:
    """What the request cost in US dollars by the list price, or None if the model's price is not known.

    Args:
        usage: What it used.
        model: The model's name, or `provider/model`.
        provider: Who runs it, where the name does not say.

    Raises:
        ConfigurationError: The price table is not installed.
    """
    counts = TokenCounts.of(usage)
    prices = _price_table()
    amount = prices.Usage(
        input_tokens=counts.input,
        output_tokens=counts.output,
        cache_read_tokens=counts.cache_read or None,
        cache_write_tokens=counts.cache_write or None,
    )
    for model_ref, provider_id in _readings(model, provider):
        try:
            return float(prices.calc_price(amount, model_ref, provider_id=provider_id).total_price)
        except (LookupError, ValueError):
            # Not in the table under this reading, or with counts that contradict each other.
            continue
    return None


def _readings(model: str, provider: str | None) -> list[tuple[str, str | None]]:
    readings = [(model, provider)]
    head, slash, tail = model.partition("/")
    if slash:
        readings.append((tail, head))
    return readings


@cache
def _price_table() -> Any:
    try:
        import genai_prices
    except ImportError as error:
        raise ConfigurationError(
            "prices need the package genai-prices; install it with: pip install 'agent_runtime_core[prices]'"
        ) from error
    return genai_prices


def with_cost(usage: Usage | None, model: str, provider: str | None = None) -> JSONObject:
    """A copy of the usage with its price as `cost_usd`; without it where the price is not known."""
    priced = dict(usage or {})
    cost = None if COST_KEY in priced else estimate_cost(priced, model, provider)
    if cost is not None:
        priced[COST_KEY] = cost
    return priced


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLimit:
    """How much may be used; the same type serves for a turn and for a conversation.

    >>> UsageLimit(max_tokens=1000).exceeded_by({"prompt_tokens": 900, "completion_tokens": 200})
    '1,100 of 1,000 tokens are used'

    Attributes:
        max_tokens: Tokens sent and received together; None for no limit.
        max_cost: US dollars, as `with_cost` counts them; None for no limit.
    """

    max_tokens: int | None = None
    max_cost: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_tokens", "max_cost"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and value >= 0):
                raise ConfigurationError(f"{name} is {value!r}; expected a number from 0, or None for no limit")

    def exceeded_by(self, usage: Usage | None) -> str | None:
        """What is used up, in words, or None if another request may be sent.

        A limit counts as reached when it is met exactly: ask before each request.
        """
        tokens = TokenCounts.of(usage).total
        if self.max_tokens is not None and tokens >= self.max_tokens:
            return f"{tokens:,} of {self.max_tokens:,} tokens are used"
        cost = (usage or {}).get(COST_KEY) or 0
        if self.max_cost is not None and cost >= self.max_cost:
            return f"${cost:.4f} of ${self.max_cost:.4f} are spent"
        return None


class PricedClient(ClientWrapper):
    """A model client whose usages carry their price as `cost_usd`.

    Args:
        client: Who answers.
        provider: Who runs the model, where its name does not say.
    """

    def __init__(self, client: LLMClient, provider: str | None = None) -> None:
        super().__init__(client)
        self.provider = provider
        self._unpriced: set[str] = set()

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
        """The client's answer, priced."""
        options = given(model=model, stream=stream, temperature=temperature, max_tokens=max_tokens)
        response = await self.client.generate(messages, tools=tools, **options, **kwargs)
        usage = self._priced(response.usage, response.model or self._model(model))
        return replace(response, usage=usage)

    async def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[LLMStreamChunk]:
        """The client's pieces; the one with the usage is priced."""
        async with closing(self.client.stream(messages, tools=tools, **given(model=model), **kwargs)) as chunks:
            async for chunk in chunks:
                priced = None if chunk.usage is None else self._priced(chunk.usage, self._model(model))
                yield chunk if priced is None else replace(chunk, usage=priced)

    def _priced(self, usage: Usage, model: str) -> JSONObject:
        priced = with_cost(usage, model, self.provider)
        if COST_KEY not in priced and model not in self._unpriced:
            self._unpriced.add(model)
            logger.warning("no price is known for model %r; a limit on cost cannot count it", model)
        return priced
