"""From a name, an address or the configuration to a client."""

import subprocess
import sys
from typing import Any

import pytest

from agent_runtime_core import configure
from agent_runtime_core.errors import ConfigurationError, OpenAIConfigurationError
from agent_runtime_core.fake_provider import FakeProvider, Reply
from agent_runtime_core.llm import get_llm_client, get_llm_client_for_model
from agent_runtime_core.llm.anthropic import AnthropicClient
from agent_runtime_core.llm.offline import OfflineClient
from agent_runtime_core.llm.openai import OpenAIClient


def chosen(client: Any) -> tuple[type, str]:
    return client.__class__, client.default_model


def test_nothing_configured_is_an_error_that_lists_the_ways() -> None:
    with pytest.raises(OpenAIConfigurationError) as raised:
        get_llm_client()

    for way in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "AGENT_RUNTIME_DEFAULT_MODEL",
        "configure(",
        "http://",
        "offline",
    ):
        assert way in str(raised.value)


@pytest.mark.parametrize("arguments", [{}, {"model": "my-model"}])
def test_nothing_is_made_for_a_model_nobody_serves(arguments: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        get_llm_client(**arguments)


def test_key_is_configuration_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    assert isinstance(get_llm_client(), AnthropicClient)
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    assert chosen(get_llm_client()) == (OpenAIClient, "gpt-4o")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"provider": "openai"}, (OpenAIClient, "gpt-4o")),
        ({"provider": "openai", "model": "gpt-4.1"}, (OpenAIClient, "gpt-4.1")),
        ({"provider": "openai", "model": "my-model"}, (OpenAIClient, "my-model")),
        ({"provider": "openai", "model": "openai/gpt-4.1"}, (OpenAIClient, "gpt-4.1")),
        ({"provider": "openai", "model": "anthropic/claude-x"}, (OpenAIClient, "anthropic/claude-x")),
        ({"model": "gpt-4o-mini"}, (OpenAIClient, "gpt-4o-mini")),
        ({"model": "claude-haiku-5-5"}, (AnthropicClient, "claude-haiku-5-5")),
        ({"model": "anthropic/claude-haiku-5-5"}, (AnthropicClient, "claude-haiku-5-5")),
        ({"model": "openai/some/model"}, (OpenAIClient, "some/model")),
        ({"model": "my-model"}, (OpenAIClient, "my-model")),
        ({"model": "my-model", "default_model": "other"}, (OpenAIClient, "other")),
    ],
    ids=str,
)
def test_provider_and_model_are_found(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, str], expected: tuple[type, str]
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    monkeypatch.setenv("OPENAI_API_KEY", "key")

    assert chosen(get_llm_client(**arguments)) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"model_provider": "anthropic"}, (AnthropicClient, "claude-sonnet-5-5")),
        ({"default_model": "claude-haiku-5-5"}, (AnthropicClient, "claude-haiku-5-5")),
        ({"default_model": "anthropic/claude-haiku-5-5"}, (AnthropicClient, "claude-haiku-5-5")),
        ({"model_provider": "openai", "default_model": "claude-haiku-5-5"}, (OpenAIClient, "claude-haiku-5-5")),
        ({"default_model": "http://127.0.0.1:8080/v1#qwen"}, (OpenAIClient, "qwen")),
        ({"openai_base_url": "http://127.0.0.1:8080/v1"}, (OpenAIClient, "gpt-4o")),
    ],
    ids=str,
)
def test_configuration_decides_when_nothing_is_asked_for(settings: dict[str, str], expected: tuple[type, str]) -> None:
    configure(anthropic_api_key="key", **settings)
    if "base_url" not in str(settings) and "http" not in str(settings) and expected[0] is OpenAIClient:
        configure(openai_api_key="key", **settings)

    assert chosen(get_llm_client()) == expected


def test_environment_decides_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_DEFAULT_MODEL", "offline")

    assert isinstance(get_llm_client(), OfflineClient)


@pytest.mark.parametrize("arguments", [{"provider": "offline"}, {"model": "offline"}, {"model": "offline/any"}])
def test_offline_needs_nothing(arguments: dict[str, str]) -> None:
    assert isinstance(get_llm_client(**arguments), OfflineClient)


@pytest.mark.asyncio
async def test_address_is_a_model(fake: FakeProvider) -> None:
    fake.models = ["served"]
    fake.script(Reply("hi"))

    client = get_llm_client(model=fake.openai_url)
    assert isinstance(client, OpenAIClient)
    async with client:
        assert (await client.generate([{"role": "user", "content": "hello"}])).content == "hi"

    assert fake.requests[-1].body["model"] == "served"
    assert fake.requests[-1].headers["authorization"] == "Bearer not-needed"


def test_unknown_provider_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"^Unknown LLM provider: acme; known: anthropic, litellm, offline, openai"):
        get_llm_client("acme")


def test_client_for_a_model_has_it_as_its_default() -> None:
    assert chosen(get_llm_client_for_model("gpt-4.1", api_key="key")) == (OpenAIClient, "gpt-4.1")
    with pytest.raises(ValueError, match="no provider is known for the model 'mystery'"):
        get_llm_client_for_model("mystery")


def test_options_go_to_the_client() -> None:
    client = get_llm_client("openai", api_key="key", base_url="http://127.0.0.1:9/v1", max_concurrency=3)

    assert isinstance(client, OpenAIClient)
    assert str(client._client.base_url) == "http://127.0.0.1:9/v1/"  # pyright: ignore[reportPrivateUsage]


SDKS = ("openai", "anthropic", "litellm")


@pytest.mark.parametrize(
    ("ask", "loaded"),
    [
        ("get_llm_client('openai', api_key='k')", ["openai"]),
        ("get_llm_client('anthropic', api_key='k')", ["anthropic"]),
        ("get_llm_client('offline')", []),
        ("None", []),
    ],
)
def test_choosing_a_client_imports_one_sdk_only(ask: str, loaded: list[str]) -> None:
    code = f"""
import sys
from agent_runtime_core.llm import get_llm_client
{ask}
print([name for name in {SDKS} if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == str(loaded)


@pytest.mark.parametrize("sdk", SDKS)
def test_missing_sdk_is_named_with_its_extra(sdk: str) -> None:
    module = "litellm_client" if sdk == "litellm" else sdk
    code = f"import sys; sys.modules[{sdk!r}] = None; import agent_runtime_core.llm.{module}"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert f"ImportError: {'LiteLLM' if sdk == 'litellm' else ''}" in ran.stderr
    assert f"agent_runtime_core[{sdk}]" in ran.stderr
