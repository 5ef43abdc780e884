"""A provider on loopback, clients of all vendors on it, and waits that take no time."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
import pytest_asyncio

from agent_runtime_core.fake_provider import FakeProvider
from agent_runtime_core.llm.anthropic import AnthropicClient
from agent_runtime_core.llm.client import ProviderClient
from agent_runtime_core.llm.openai import OpenAIClient
from agent_runtime_core.llm.retry import Pacing

MakeClient: TypeAlias = Callable[..., ProviderClient]


@dataclass
class Waits:
    """A clock that only moves when something sleeps on it."""

    seconds: list[float] = field(default_factory=list)
    time: float = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.time += seconds

    @property
    def pacing(self) -> Pacing:
        return Pacing(now=lambda: self.time, sleep=self.sleep, chance=lambda: 1.0)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as provider:
        yield provider


@pytest_asyncio.fixture
async def openai_client(fake: FakeProvider, waits: Waits) -> AsyncIterator[MakeClient]:
    made: list[OpenAIClient] = []

    def make(**options: Any) -> OpenAIClient:
        settings: dict[str, Any] = {
            "api_key": "key",
            "default_model": "m",
            "base_url": fake.openai_url,
            "pacing": waits.pacing,
            **options,
        }
        made.append(OpenAIClient(**settings))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest_asyncio.fixture
async def anthropic_client(fake: FakeProvider, waits: Waits) -> AsyncIterator[MakeClient]:
    made: list[AnthropicClient] = []

    def make(**options: Any) -> AnthropicClient:
        settings: dict[str, Any] = {
            "api_key": "key",
            "default_model": "claude-m",
            "base_url": fake.anthropic_url,
            "pacing": waits.pacing,
            **options,
        }
        made.append(AnthropicClient(**settings))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture(params=["openai", "anthropic"])
def make_client(request: pytest.FixtureRequest, openai_client: MakeClient, anthropic_client: MakeClient) -> MakeClient:
    """Makes a client of each vendor in turn."""
    return openai_client if request.param == "openai" else anthropic_client
