"""Asking: whole replies and streamed ones come to the same, and the preview always ends as the reply's text."""

from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from agent_runtime_core.errors import RunError
from agent_runtime_core.interfaces import EventType, JSONObject, LLMResponse, LLMStreamChunk
from agent_runtime_framework.events import SILENT, Emitter, Event
from agent_runtime_framework.executor.asking import Request, StreamedReplies, WholeReplies, system_message
from agent_runtime_framework.testing import ScriptedLLM, call, say
from agent_runtime_framework.tools.offer import Offer
from agent_runtime_framework.tools.schema import ToolParameter, ToolSchema

PICK = ToolSchema("pick", "Pick.", [ToolParameter("kind", "string", required=True, enum=["car", "home"])])
OFFER = Offer([PICK])
MESSAGES: list[JSONObject] = [{"role": "user", "content": "hi"}]
WRITTEN = 'Of course.\npick(kind="car")'


class Reader:
    """Shows what a person would see."""

    def __init__(self) -> None:
        self.text = ""
        self.seen: list[str] = []
        self.resets = 0

    def push(self, event: Event) -> None:
        if event.type is EventType.ASSISTANT_RESET:
            self.text = event.text
            self.resets += 1
        else:
            self.text += event.text
        self.seen.append(self.text)


class Chunks:
    """A client that streams these chunks and notes how it was asked; an exception among them is raised."""

    supports_reset = True

    def __init__(self, *chunks: LLMStreamChunk | Exception) -> None:
        self.chunks = chunks
        self.options: JSONObject = {}

    async def generate(self, messages: Any, **options: Any) -> LLMResponse:
        return LLMResponse(message={"content": "Generated."})

    async def stream(self, messages: Any, **options: Any) -> AsyncIterator[LLMStreamChunk]:
        self.options = options
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


def request(*, offer: Offer | None = OFFER, requires_tool: bool = False) -> Request:
    return Request(MESSAGES, offer, requires_tool)


def reading() -> tuple[Reader, Emitter]:
    reader = Reader()
    return reader, Emitter([reader])


@pytest.mark.parametrize("text", ["Good day, Ada!", WRITTEN, "{'not': 'a call'}", "", "One [link](x).\n\nBye. "])
@pytest.mark.parametrize("pieces", [1, 3, 7, 100, None])
@pytest.mark.asyncio
async def test_streamed_reply_is_the_whole_reply(text: str, pieces: int | None) -> None:
    whole_reader, whole_emitter = reading()
    streamed_reader, streamed_emitter = reading()

    whole = await WholeReplies(ScriptedLLM(say(text))).ask(request(), whole_emitter)
    streamed = await StreamedReplies(ScriptedLLM(say(text), pieces=pieces)).ask(request(), streamed_emitter)

    assert streamed == whole
    assert streamed_reader.text == whole_reader.text == whole.text
    assert not any("pick(" in seen for seen in streamed_reader.seen)


@pytest.mark.asyncio
async def test_streamed_calls_and_usage_arrive() -> None:
    llm = ScriptedLLM([say("One moment."), call("pick", kind="car")], usage={"total_tokens": 7})
    reply = await StreamedReplies(llm).ask(request(), SILENT)
    assert [(each.name, each.arguments) for each in reply.calls] == [("pick", {"kind": "car"})]
    assert (reply.text, reply.usage) == ("One moment.", {"total_tokens": 7})


@pytest.mark.asyncio
async def test_client_with_generate_alone_is_enough_to_stream() -> None:
    class Bare:
        async def generate(self, messages: Any, *, tools: Any = None, **options: Any) -> Any:
            return SimpleNamespace(message={"content": "Hello."})

    reader, emitter = reading()
    reply = await StreamedReplies(Bare()).ask(request(), emitter)
    assert reply.text == reader.text == "Hello."
    assert reply.usage is None


@pytest.mark.asyncio
async def test_stream_behind_a_coroutine_is_followed() -> None:
    class Client(Chunks):
        async def stream(self, messages: Any, **options: Any) -> AsyncIterator[LLMStreamChunk]:  # type: ignore[override]
            return super().stream(messages, **options)

    reply = await StreamedReplies(Client(LLMStreamChunk("Hello."))).ask(request(), SILENT)
    assert reply.text == "Hello."


@pytest.mark.asyncio
async def test_stream_that_gives_up_half_way_is_taken_back_and_generated() -> None:
    reader, emitter = reading()
    client = Chunks(LLMStreamChunk("Half a "), LLMStreamChunk("sentence"), NotImplementedError())
    reply = await StreamedReplies(client).ask(request(), emitter)
    assert reply.text == reader.text == "Generated."
    assert reader.resets == 1


@pytest.mark.asyncio
async def test_error_in_the_stream_passes() -> None:
    with pytest.raises(ConnectionError):
        await StreamedReplies(Chunks(LLMStreamChunk("Half"), ConnectionError())).ask(request(), SILENT)


@pytest.mark.asyncio
async def test_chunk_with_reset_begins_the_reply_again() -> None:
    reader, emitter = reading()
    client = Chunks(
        LLMStreamChunk("First try", tool_calls=[{"id": "a", "name": "pick", "arguments": {"kind": "car"}}]),
        LLMStreamChunk(reset=True),
        LLMStreamChunk("Second."),
    )
    reply = await StreamedReplies(client).ask(request(), emitter)
    assert reply.text == reader.text == "Second."
    assert reply.calls == ()
    assert reader.resets == 1
    assert client.options["allow_reset"] is True


@pytest.mark.asyncio
async def test_client_that_does_not_know_resets_is_not_asked_for_them() -> None:
    llm = ScriptedLLM(say("Hello."))
    await StreamedReplies(llm).ask(request(), SILENT)
    assert llm.requests[0].options == {}


@pytest.mark.asyncio
async def test_whole_message_of_the_last_chunk_is_the_truth() -> None:
    reader, emitter = reading()
    client = Chunks(LLMStreamChunk("Helo."), LLMStreamChunk(message={"role": "assistant", "content": "Hello!"}))
    reply = await StreamedReplies(client).ask(request(), emitter)
    assert reply.text == reader.text == "Hello!"
    assert reader.resets == 1


@pytest.mark.asyncio
async def test_text_that_precedes_a_call_and_is_trimmed_is_reset() -> None:
    reader, emitter = reading()
    text = '; Sure.\n{"name": "pick", "arguments": {"kind": "car"}}'
    reply = await StreamedReplies(ScriptedLLM(say(text), pieces=1)).ask(request(), emitter)
    assert reply.text == reader.text == "Sure."


@pytest.mark.asyncio
async def test_text_is_held_back_while_a_call_is_required() -> None:
    reader, emitter = reading()
    llm = ScriptedLLM(say("I will think."), pieces=1)
    await StreamedReplies(llm).ask(request(requires_tool=True), emitter)
    assert reader.seen == ["I will think."]
    assert llm.requests[0].options["tool_choice"] == "required"


@pytest.mark.parametrize("offer", [None, Offer()])
@pytest.mark.asyncio
async def test_no_call_is_required_where_there_is_no_tool(offer: Offer | None) -> None:
    llm = ScriptedLLM(say("Hello."))
    await WholeReplies(llm).ask(request(offer=offer, requires_tool=True), SILENT)
    assert (llm.requests[0].tools, llm.requests[0].options) == (None, {})


@pytest.mark.parametrize(
    ("offer", "requires_tool", "options"),
    [
        (Offer([PICK], requires_call=True), False, {"tool_choice": "required"}),
        (Offer([PICK], closed="wait"), True, {"tool_choice": "none"}),
        (Offer([PICK], closed="wait", requires_call=True), False, {"tool_choice": "none"}),
        (Offer(closed="wait"), True, {}),
    ],
)
def test_offer_says_whether_a_tool_may_or_must_be_called(
    offer: Offer, requires_tool: bool, options: JSONObject
) -> None:
    assert request(offer=offer, requires_tool=requires_tool).options == options


@pytest.mark.parametrize("response", [None, "text", {"content": "x"}, 5])
@pytest.mark.asyncio
async def test_client_that_returns_no_response_is_named(response: object) -> None:
    class Odd:
        async def generate(self, messages: Any, **options: Any) -> Any:
            return response

    with pytest.raises(RunError, match=r"Odd\.generate returned .* expected an object with a `message` dict"):
        await WholeReplies(Odd()).ask(request(), SILENT)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (SimpleNamespace(model_dump=lambda: {"n": 1}), {"n": 1}),
        ({"n": 1}, {"n": 1}),
        (5, None),
        (None, None),
    ],
)
@pytest.mark.asyncio
async def test_usage_may_be_a_vendors_object(usage: Any, expected: Any) -> None:
    class Vendor:
        async def generate(self, messages: Any, **options: Any) -> Any:
            return SimpleNamespace(message={"content": "x"}, usage=usage)

    assert (await WholeReplies(Vendor()).ask(request(), SILENT)).usage == expected


@pytest.mark.parametrize(("prompt", "messages"), [("Be brief.", 1), ("", 0), (None, 0)])
def test_prompt_is_the_first_message_where_there_is_one(prompt: str | None, messages: Sequence[JSONObject]) -> None:
    assert len(system_message(prompt)) == messages
