"""The switch that keeps tests from asking real models."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.fake_provider import FakeProvider, Reply
from agent_runtime_core.llm import FallbackClient, get_llm_client
from agent_runtime_core.llm.offline import OfflineClient
from agent_runtime_core.llm.real_requests import (
    RealRequestForbidden,
    allow_real_requests,
    are_real_requests_forbidden,
    forbid_real_requests,
    refuse_if_forbidden,
)

HELLO = [{"role": "user", "content": "hi"}]

CLIENTS: dict[str, dict[str, Any]] = {
    "OpenAIClient": {"provider": "openai", "api_key": "k", "model": "gpt-4o"},
    "AnthropicClient": {"provider": "anthropic", "api_key": "k", "model": "claude-sonnet-5-5"},
    "LiteLLMClient": {"provider": "litellm", "api_key": "k", "model": "mistral/large"},
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "generate"])
async def test_a_real_request_is_an_error_that_names_client_and_model(name: str, stream: bool) -> None:
    client = get_llm_client(**CLIENTS[name])

    async def ask() -> None:
        if stream:
            _ = [chunk async for chunk in client.stream(HELLO)]
        else:
            await client.generate(HELLO)

    with forbid_real_requests(), pytest.raises(RealRequestForbidden) as caught:
        await ask()
    assert name in str(caught.value)
    assert CLIENTS[name]["model"] in str(caught.value)


@pytest.mark.asyncio
async def test_a_fallback_does_not_hide_it() -> None:
    client = FallbackClient([get_llm_client(**CLIENTS["OpenAIClient"]), OfflineClient()])
    with forbid_real_requests(), pytest.raises(ConfigurationError, match=r"api\.openai\.com"):
        await client.generate(HELLO)


@pytest.mark.asyncio
async def test_servers_on_this_machine_answer_as_before() -> None:
    async with FakeProvider(Reply(text="hello")) as provider:
        client = get_llm_client("openai", api_key="k", base_url=provider.openai_url, model="m")
        with forbid_real_requests():
            assert (await client.generate(HELLO)).content == "hello"
        await client.aclose()  # pyright: ignore[reportAttributeAccessIssue]  a provider's client can be closed


@pytest.mark.parametrize("address", ["http://localhost:80/v1", "http://127.0.0.2/v1", "http://[::1]:1/v1", "<Mock>"])
def test_this_machine_and_doubles_are_not_real(address: str) -> None:
    with forbid_real_requests():
        refuse_if_forbidden("C", "m", address)


@pytest.mark.parametrize(
    "address", ["", "https://api.openai.com/v1", "http://127.0.0.1.example.org", "http://10.0.0.1"]
)
def test_everything_else_is(address: str) -> None:
    with forbid_real_requests(), pytest.raises(RealRequestForbidden):
        refuse_if_forbidden("C", "m", address)


def test_what_is_forbidden_may_be_allowed_for_a_while() -> None:
    with forbid_real_requests():
        with allow_real_requests():
            refuse_if_forbidden("C", "m", "https://api.openai.com/v1")
        assert are_real_requests_forbidden()
