"""The doubles do what their users' tests rely on."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent_runtime_core.interfaces import AgentRuntime, LLMClient, RunContext, RunResult, Tool
from agent_runtime_core.testing import (
    LLMEvaluator,
    ManualClock,
    MockLLMClient,
    MockLLMResponse,
    MockRunContext,
    create_test_context,
    run_agent_test,
)

CALL = {"id": "1", "type": "function", "function": {"name": "save", "arguments": "{}"}}


@pytest.mark.asyncio
async def test_replies_come_from_the_function_then_the_list_then_the_default() -> None:
    client = MockLLMClient(
        ["one", MockLLMResponse("two", finish_reason="length")],
        response_fn=lambda messages: "fn" if messages[-1]["content"] == "fn" else None,
        default_response="default",
    )
    replies = [await client.generate([{"role": "user", "content": text}]) for text in ("a", "fn", "b", "c")]
    assert [reply.content for reply in replies] == ["one", "fn", "two", "default"]
    assert [reply.finish_reason for reply in replies] == ["stop", "stop", "length", "stop"]


@pytest.mark.asyncio
async def test_mock_reply_has_the_documented_shape() -> None:
    client = MockLLMClient([MockLLMResponse("", tool_calls=[CALL])])
    reply = await client.generate([])
    assert reply.message == {"role": "assistant", "content": "", "tool_calls": [CALL]}
    assert (reply.usage, reply.model) == ({"prompt_tokens": 10, "completion_tokens": 20}, "mock-model")
    assert (await client.generate([])).content == "Mock response"
    assert isinstance(client, LLMClient)


@pytest.mark.asyncio
async def test_response_function_may_be_async() -> None:
    async def answer(messages: list[dict[str, Any]]) -> str:
        await asyncio.sleep(0)
        return f"{len(messages)} messages"

    assert (await MockLLMClient(response_fn=answer).generate([{}, {}])).content == "2 messages"


@pytest.mark.asyncio
async def test_stream_comes_in_pieces_of_ten() -> None:
    client = MockLLMClient([MockLLMResponse("0123456789ab", tool_calls=[CALL])])
    chunks = [chunk async for chunk in client.stream([], tools=[])]
    assert [chunk.delta for chunk in chunks] == ["0123456789", "ab", ""]
    assert [chunk.finish_reason for chunk in chunks] == [None, None, "stop"]
    assert chunks[-1].tool_calls == [CALL]
    assert chunks[-1].usage == {"prompt_tokens": 10, "completion_tokens": 20}


@pytest.mark.asyncio
async def test_requests_are_recorded_as_they_were() -> None:
    client, messages = MockLLMClient(["one"]), [{"role": "user", "content": "a"}]
    await client.generate(messages, model="m", tools=[{"name": "t"}], temperature=0.5, tool_choice="none")
    messages.append({"role": "user", "content": "b"})
    (call,) = client.get_calls()
    assert call["messages"] == [{"role": "user", "content": "a"}]
    assert (call["model"], call["tools"], call["temperature"], call["tool_choice"]) == (
        "m",
        [{"name": "t"}],
        0.5,
        "none",
    )
    assert client.get_call_count() == 1
    client.reset()
    assert client.get_call_count() == 0
    assert (await client.generate([])).content == "one"


@pytest.mark.asyncio
async def test_mock_context_records_and_clears() -> None:
    ctx = MockRunContext(input_messages=[{"role": "user", "content": "hi"}], params={"a": 1})
    await ctx.emit("x", {"n": 1})
    await ctx.emit("y", {})
    await ctx.checkpoint({"s": 1})
    ctx.cancel()
    assert ctx.get_events("x") == [("x", {"n": 1})]
    assert ctx.get_checkpoints() == [{"s": 1}]
    ctx.clear()
    assert (ctx.get_events(), ctx.get_checkpoints(), ctx.cancelled()) == ([], [], False)
    assert ctx.params == {"a": 1}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("verdict", "passed"),
    [
        ("PASS", True),
        ("pass: fine", True),
        ("**PASS** fine", True),
        ("FAIL: no", False),
        ("PASSABLE", False),
        ("", False),
    ],
)
async def test_evaluator_reads_the_verdict(verdict: str, passed: bool) -> None:
    judge = MockLLMClient([verdict])
    assert await LLMEvaluator(judge).evaluate("q", "a", "criteria") == (passed, verdict)
    (call,) = judge.get_calls()
    assert (call["model"], call["temperature"]) == ("gpt-4o-mini", 0)
    assert "<answer>\na\n</answer>" in call["messages"][-1]["content"]


@pytest.mark.asyncio
@pytest.mark.parametrize("call", [CALL, {"name": "save", "arguments": {}}, {"tool_name": "save", "tool_args": {}}])
async def test_evaluator_reads_calls_of_every_shape(call: dict[str, Any]) -> None:
    judge = MockLLMClient(["PASS"])
    assert await LLMEvaluator(judge).evaluate_tool_usage("q", [call], ["save"]) == (True, "PASS")
    assert "save({})" in judge.get_calls()[0]["messages"][-1]["content"]


@pytest.mark.asyncio
async def test_missing_tool_needs_no_judge() -> None:
    judge = MockLLMClient()
    passed, why = await LLMEvaluator(judge).evaluate_tool_usage("q", [CALL], ["save", "send"])
    assert (passed, why) == (False, "FAIL: not called: send; called: save")
    assert judge.get_call_count() == 0


@pytest.mark.asyncio
async def test_agent_is_run_in_a_recording_context() -> None:
    class Agent(AgentRuntime):
        key = "agent"

        async def run(self, ctx: RunContext) -> RunResult:
            await ctx.emit_user_message(str(ctx.input_messages[0]["content"]))
            return RunResult(final_output={"tools": [tool.name for tool in ctx.tool_registry.list_tools()]})

    tool = Tool("t", "", {}, print)
    result, ctx = await run_agent_test(Agent(), "hi", tools=[tool], metadata={"m": 1})
    assert result.final_output == {"tools": ["t"]}
    assert ctx.get_events() == [("assistant.message", {"content": "hi"})]
    assert ctx.metadata == {"m": 1}
    assert create_test_context("hi", params={"p": 1}).params == {"p": 1}


@pytest.mark.asyncio
async def test_manual_clock_wakes_sleepers_in_order() -> None:
    clock, woken = ManualClock(), list[tuple[str, float]]()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    async def everybody() -> None:
        async with asyncio.TaskGroup() as group:
            for name, seconds in (("c", 30.0), ("a", 10.0), ("b", 20.0)):
                group.create_task(sleeper(name, seconds))

    await clock.run(everybody())
    assert woken == [("a", 10.0), ("b", 20.0), ("c", 30.0)]
    await clock.advance(5)
    assert clock.monotonic() == 35


@pytest.mark.asyncio
async def test_the_clock_on_the_wall_goes_with_time_and_can_be_set_without_waking_anybody() -> None:
    clock = ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    woken: list[float] = []

    async def sleeper() -> None:
        await clock.sleep(60)
        woken.append(clock.monotonic())

    task = asyncio.ensure_future(sleeper())
    await asyncio.sleep(0)
    clock.set_forward(timedelta(hours=-1))
    assert clock.now() == datetime(2026, 3, 1, 11, tzinfo=UTC)
    clock.set_forward(timedelta(days=1))
    assert woken == []

    await clock.advance(60)
    await task
    assert clock.now() == datetime(2026, 3, 2, 11, 1, tzinfo=UTC)
    assert woken == [60]
