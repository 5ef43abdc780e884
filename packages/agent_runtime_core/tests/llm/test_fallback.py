from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from agent_runtime_core import MockLLMClient
from agent_runtime_core.errors import (
    AuthenticationError,
    ConfigurationError,
    ContextTooLong,
    InvalidRequest,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
)
from agent_runtime_core.fake_provider import FakeProvider, Fault, Reply
from agent_runtime_core.interfaces import LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_core.llm.fallback import FallbackClient
from agent_runtime_core.llm.offline import OfflineClient
from agent_runtime_core.llm.retry import NO_RETRY

HELLO = [{"role": "user", "content": "hello"}]
SAVE, SKIP = ({"type": "function", "function": {"name": name}} for name in ("save", "skip"))


class Failing(LLMClient):
    """Fails with one error; a stream fails behind the given pieces."""

    supports_reset = True

    def __init__(self, error: Exception, *pieces: str) -> None:
        self.error = error
        self.pieces = pieces
        self.asked = 0
        self.closed = False

    async def generate(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> LLMResponse:
        self.asked += 1
        raise self.error

    async def stream(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> AsyncIterator[LLMStreamChunk]:
        self.asked += 1
        for piece in self.pieces:
            yield LLMStreamChunk(piece)
        raise self.error

    async def aclose(self) -> None:
        self.closed = True


def down() -> ProviderError:
    return ProviderUnavailable("down")


async def gather(chunks: AsyncIterator[LLMStreamChunk]) -> list[LLMStreamChunk]:
    return [chunk async for chunk in chunks]


async def collect(chunks: AsyncIterator[LLMStreamChunk]) -> list[str]:
    """What a reader sees, piece by piece."""
    return ["<reset>" if chunk.reset else chunk.delta for chunk in await gather(chunks) if chunk.delta or chunk.reset]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error",
    [down(), RateLimited("slow"), AuthenticationError("no"), ContextTooLong("long")],
    ids=lambda e: type(e).__name__,
)
async def test_next_client_answers(error: ProviderError) -> None:
    client = FallbackClient([Failing(error), MockLLMClient(["second"])])

    assert (await client.generate(HELLO)).content == "second"
    assert await collect(FallbackClient([Failing(error), MockLLMClient(["second"])]).stream(HELLO)) == ["second"]


@pytest.mark.asyncio
async def test_wrong_request_goes_no_further() -> None:
    second = MockLLMClient(["second"])

    with pytest.raises(InvalidRequest):
        await FallbackClient([Failing(InvalidRequest("wrong")), second]).generate(HELLO)

    assert second.get_call_count() == 0


@pytest.mark.asyncio
async def test_what_is_not_the_providers_fault_passes() -> None:
    with pytest.raises(LookupError):
        await FallbackClient([Failing(LookupError("a bug")), MockLLMClient()]).generate(HELLO)


@pytest.mark.asyncio
async def test_last_error_is_raised_with_the_others_in_its_notes() -> None:
    client = FallbackClient([Failing(RateLimited("first")), Failing(ProviderUnavailable("second"))])

    with pytest.raises(ProviderUnavailable, match="second") as raised:
        await client.generate(HELLO)

    assert raised.value.__notes__ == ["before that: first"]


@pytest.mark.asyncio
async def test_client_that_failed_rests_for_a_while() -> None:
    time = [0.0]
    first = Failing(RateLimited("slow", retry_after=40))
    client = FallbackClient([first, MockLLMClient()], cooldown=30, now=lambda: time[0])

    for moment in (0.0, 10.0, 39.0, 41.0):
        time[0] = moment
        await client.generate(HELLO)

    assert first.asked == 2


@pytest.mark.asyncio
async def test_resting_clients_are_asked_when_no_other_is_left() -> None:
    first, second = Failing(down()), Failing(down())
    client = FallbackClient([first, second])

    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await client.generate(HELLO)

    assert (first.asked, second.asked) == (2, 2)


@pytest.mark.asyncio
async def test_model_is_for_the_first_client() -> None:
    first, second = MockLLMClient(), MockLLMClient()

    await FallbackClient([first, second]).generate(HELLO, model="m")
    await FallbackClient([Failing(down()), second]).generate(HELLO, model="m")

    assert first.get_calls()[0].get("model") == "m"
    assert second.get_calls()[0].get("model") is None


@pytest.mark.asyncio
async def test_stream_that_showed_text_goes_no_further() -> None:
    chunks = FallbackClient([Failing(down(), "a"), MockLLMClient(["second"])]).stream(HELLO)

    assert (await anext(chunks)).delta == "a"
    with pytest.raises(ProviderUnavailable):
        await anext(chunks)


@pytest.mark.asyncio
async def test_stream_that_showed_text_goes_on_for_who_can_take_text_back() -> None:
    client = FallbackClient([Failing(down(), "a"), Failing(down()), MockLLMClient(["second"])])

    assert await collect(client.stream(HELLO, allow_reset=True)) == ["a", "<reset>", "second"]


@pytest.mark.asyncio
async def test_client_without_allowed_tools_is_shown_no_others() -> None:
    mock = MockLLMClient()

    await FallbackClient([mock]).generate(HELLO, tools=[SAVE, SKIP], allowed_tools=["skip"])

    assert mock.get_calls()[0]["tools"] == [SKIP]
    assert "allowed_tools" not in mock.get_calls()[0]


@pytest.mark.asyncio
async def test_all_clients_are_closed() -> None:
    failing = Failing(down())

    async with FallbackClient([failing, OfflineClient()]):
        pass

    assert failing.closed


def test_no_clients_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="at least one"):
        FallbackClient([])


@pytest.mark.asyncio
async def test_offline_model_is_the_last_resort_of_two_vendors(
    fake: FakeProvider, openai_client: Any, anthropic_client: Any
) -> None:
    fake.script(Fault(503), Fault(429), Fault(500), Fault(kind="reset"))
    clients = [openai_client(retry=NO_RETRY), anthropic_client(retry=NO_RETRY), OfflineClient()]
    client = FallbackClient(clients, cooldown=0)

    whole = await client.generate(HELLO)
    pieces = await gather(client.stream(HELLO))
    fake.script(Reply("back again"))

    assert whole.content == "".join(piece.delta for piece in pieces)
    assert (await client.generate(HELLO)).content == "back again"
    assert [request.path for request in fake.requests] == ["/v1/chat/completions", "/v1/messages"] * 2 + [
        "/v1/chat/completions"
    ]
