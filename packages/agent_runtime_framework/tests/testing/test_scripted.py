"""The scripted model keeps to its script and remembers what it was asked."""

import json
from typing import Any

import pytest

from agent_runtime_core.interfaces import LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_core.testing import MockLLMClient
from agent_runtime_framework.testing import ScriptedLLM, ScriptError, call, say

USER = {"role": "user", "content": "hi"}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "save_name", "parameters": {}}}


async def chunks(llm: LLMClient, **options: Any) -> list[LLMStreamChunk]:
    return [chunk async for chunk in llm.stream([USER], **options)]


@pytest.mark.asyncio
async def test_replies_come_in_order() -> None:
    llm = ScriptedLLM(say("one"), "two")

    assert [(await llm.generate([USER])).content for _ in range(2)] == ["one", "two"]
    assert llm.remaining == 0


@pytest.mark.asyncio
async def test_call_travels_in_the_chat_completions_form() -> None:
    response = await ScriptedLLM(call("save_name", name="Zoë", tool="x")).generate([USER])

    assert response.message["content"] is None
    (made,) = response.message["tool_calls"]
    assert (made["id"], made["type"], made["function"]["name"]) == ("call_1", "function", "save_name")
    assert json.loads(made["function"]["arguments"]) == {"name": "Zoë", "tool": "x"}
    assert response.finish_reason == "tool_calls"


@pytest.mark.asyncio
async def test_list_is_one_reply_and_call_ids_differ() -> None:
    llm = ScriptedLLM([say("Let me see. "), call("a"), call("b")], call("a"))

    first, second = await llm.generate([USER]), await llm.generate([USER])

    assert first.content == "Let me see. "
    assert [each.id for reply in (first, second) for each in reply.tool_calls or ()] == ["call_1", "call_2", "call_3"]


@pytest.mark.asyncio
async def test_raw_message_and_whole_response_are_handed_on_as_they_are() -> None:
    raw = {"content": [{"type": "text", "text": "hm"}], "tool_calls": "nonsense"}
    whole = LLMResponse(message={"content": "x"}, usage={"total_tokens": 3})
    llm = ScriptedLLM(raw, whole)

    assert (await llm.generate([USER])).message == raw
    assert await llm.generate([USER]) is whole


@pytest.mark.asyncio
async def test_exception_is_raised() -> None:
    with pytest.raises(TimeoutError, match="slow"):
        await ScriptedLLM(TimeoutError("slow")).generate([USER])


@pytest.mark.asyncio
async def test_function_makes_the_reply_from_the_request() -> None:
    llm = ScriptedLLM(lambda request: say(f"{len(request.messages)} messages"))

    assert (await llm.generate([USER, USER])).content == "2 messages"


@pytest.mark.asyncio
async def test_requests_are_remembered_as_they_were() -> None:
    llm = ScriptedLLM(say("ok"))
    messages = [{"role": "system", "content": "Be brief."}, dict(USER)]

    await llm.generate(messages, tools=[TOOL], tool_choice="required", temperature=0)
    messages[1]["content"] = "changed"

    (request,) = llm.requests
    assert request.system == "Be brief."
    assert request.messages[1] == USER
    assert request.tools == [TOOL]
    assert request.tool_names == ["save_name"]
    assert request.options == {"temperature": 0, "tool_choice": "required"}


@pytest.mark.asyncio
async def test_request_without_prompt_and_tools_says_so() -> None:
    llm = ScriptedLLM(say("ok"))
    await llm.generate([USER])

    assert (llm.requests[0].system, llm.requests[0].tools, llm.requests[0].tool_names) == ("", None, [])


@pytest.mark.asyncio
async def test_ended_script_says_what_was_asked() -> None:
    llm = ScriptedLLM(say("only"))
    await llm.generate([USER])

    with pytest.raises(ScriptError, match=r"the script holds 1 repl.*'hi'.*save_name"):
        await llm.generate([USER], tools=[TOOL])
    llm.extend(say("more"))
    assert (await llm.generate([USER])).content == "more"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [(10, ["Good day, ", "Ada."]), (100, ["Good day, Ada."]), ((1, 3, 6), ["G", "ood", " day, ", "Ada."])],
)
@pytest.mark.asyncio
async def test_stream_cuts_the_text_as_wished(pieces: Any, expected: list[str]) -> None:
    received = await chunks(ScriptedLLM(say("Good day, Ada."), pieces=pieces), model="m")

    assert [chunk.delta for chunk in received] == [*expected, ""]


@pytest.mark.asyncio
async def test_stream_ends_with_calls_and_usage() -> None:
    *_, last = await chunks(ScriptedLLM([say("a"), call("save_name", name="Ada")], usage={"total_tokens": 1}))

    assert last.tool_calls is not None
    assert last.tool_calls[0]["function"]["name"] == "save_name"
    assert (last.usage, last.finish_reason) == ({"total_tokens": 1}, "tool_calls")


@pytest.mark.asyncio
async def test_client_without_pieces_cannot_stream_and_loses_no_reply() -> None:
    llm = ScriptedLLM(say("whole"), pieces=None)

    with pytest.raises(NotImplementedError):
        await chunks(llm)
    assert (await llm.generate([USER])).content == "whole"


@pytest.mark.asyncio
async def test_it_costs_what_the_mock_client_costs() -> None:
    mocked = await MockLLMClient(["a"]).generate([USER])

    assert (await ScriptedLLM(say("a")).generate([USER])).usage == mocked.usage
