"""LiteLLM behind the same interface; it reaches the FakeProvider through its own OpenAI and Anthropic code."""

import warnings
from typing import Any

import pytest

from agent_runtime_core.errors import (
    AuthenticationError,
    ContextTooLong,
    InvalidRequest,
    ProviderError,
    ProviderProtocolError,
    ProviderUnavailable,
    RateLimited,
)
from agent_runtime_core.fake_provider import FakeProvider, Fault, Reply, call
from agent_runtime_core.llm.retry import NO_RETRY

HELLO = [{"role": "user", "content": "hello"}]
SAVE, SKIP = ({"type": "function", "function": {"name": name}} for name in ("save", "skip"))
PARTS: list[tuple[str, dict[str, str]]] = [("save", {"name": "Ada"}), ("skip", {})]

# LiteLLM keeps connections and tasks of its own for the life of the process.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm"),
    pytest.mark.filterwarnings("ignore::UserWarning:pydantic"),
]


@pytest.fixture
def litellm_client(fake: FakeProvider, waits: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from agent_runtime_core.llm.litellm_client import LiteLLMClient

    def make(**options: Any) -> LiteLLMClient:
        settings: dict[str, Any] = {"api_key": "key", "base_url": fake.openai_url, "pacing": waits.pacing, **options}
        return LiteLLMClient("openai/m", **settings)

    return make


@pytest.mark.asyncio
@pytest.mark.parametrize("model", ["openai/m", "anthropic/claude-sonnet-5-5"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_reply_has_the_uniform_shape(fake: FakeProvider, litellm_client: Any, model: str, stream: bool) -> None:
    fake.script(Reply("Grüße", calls=[call("save", name="Ada"), call("skip")], cached_tokens=4))
    address = fake.openai_url if model.startswith("openai") else fake.anthropic_url

    response = await litellm_client(base_url=address).generate(HELLO, model=model, tools=[SAVE, SKIP], stream=stream)

    assert response.content == "Grüße"
    assert [(each.name, each.arguments) for each in response.tool_calls] == PARTS
    assert response.usage["prompt_tokens_details"]["cached_tokens"] == 4
    assert response.usage["total_tokens"] == 30
    assert response.finish_reason == "tool_calls"


@pytest.mark.asyncio
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(401, "no such key"), AuthenticationError),
        (Fault(429, "slow down", retry_after=3), RateLimited),
        (Fault(400, "maximum context length is 8192 tokens", "context_length_exceeded"), ContextTooLong),
        (Fault(400, "wrong"), InvalidRequest),
        (Fault(503), ProviderUnavailable),
        (Fault(kind="reset"), ProviderUnavailable),
    ],
    ids=str,
)
async def test_failure_is_typed_and_sent_once(
    fake: FakeProvider, litellm_client: Any, fault: Fault, expected: type[ProviderError], stream: bool
) -> None:
    fake.script(fault)

    with pytest.raises(expected) as raised:
        await litellm_client(retry=NO_RETRY).generate(HELLO, stream=stream)

    assert type(raised.value) is expected
    assert raised.value.retry_after == fault.retry_after
    assert len(fake.requests) == 1


@pytest.mark.asyncio
async def test_our_retry_layer_is_the_only_one(fake: FakeProvider, litellm_client: Any, waits: Any) -> None:
    fake.script(Fault(503), Fault(503), Reply("ok"))

    assert (await litellm_client().generate(HELLO)).content == "ok"
    assert (len(fake.requests), waits.seconds) == (3, [0.5, 1.0])


@pytest.mark.asyncio
@pytest.mark.parametrize("cut", ["abrupt", "clean"])
async def test_cut_stream_is_an_error(fake: FakeProvider, litellm_client: Any, cut: Any) -> None:
    fake.script(Reply("hello there " * 20, cut_at=900, cut=cut))

    with pytest.raises((ProviderProtocolError, ProviderUnavailable)):
        await litellm_client(retry=NO_RETRY).generate(HELLO, stream=True)


@pytest.mark.asyncio
async def test_only_allowed_tools_are_shown(fake: FakeProvider, litellm_client: Any) -> None:
    fake.script(Reply("ok"))

    await litellm_client().generate(HELLO, tools=[SAVE, SKIP], allowed_tools=["skip"], temperature=0.5)

    body = fake.requests[0].body
    assert [tool["function"]["name"] for tool in body["tools"]] == ["skip"]
    assert body["temperature"] == 0.5
