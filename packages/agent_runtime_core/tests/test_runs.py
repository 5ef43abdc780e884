"""Running an agent with one call."""

import asyncio
import logging
from typing import Any

import pytest

from agent_runtime_core.interfaces import AgentRuntime, ErrorInfo, RunContext, RunResult, Tool
from agent_runtime_core.logs import ContextFilter
from agent_runtime_core.runs import run_agent


class Agent(AgentRuntime):
    """Does what the test hands it; notes that it was cancelled."""

    key = "agent"

    def __init__(self, work: Any) -> None:
        self.work = work
        self.was_cancelled = False

    async def run(self, ctx: RunContext) -> RunResult:
        return await self.work(ctx)

    async def cancel(self, ctx: RunContext) -> None:
        self.was_cancelled = True

    async def on_error(self, ctx: RunContext, error: Exception) -> ErrorInfo:
        return ErrorInfo("Mine", f"told: {error}", details={"a": 1})


class Heard(list[tuple[str, dict[str, Any]]]):
    def __call__(self, event_type: str, payload: dict[str, Any]) -> None:
        self.append((event_type, payload))


@pytest.mark.asyncio
async def test_agent_answers_a_text() -> None:
    async def work(ctx: RunContext) -> RunResult:
        await ctx.emit_user_message("hello")
        said = ctx.input_messages[-1]["content"]
        return RunResult(final_output={"response": f"you said {said}"}, usage={"prompt_tokens": 1})

    heard = Heard()
    result = await run_agent(Agent(work), "hi", on_event=heard)
    assert result.final_output == {"response": "you said hi"}
    assert heard == [
        ("run.started", {"agent_key": "agent", "attempt": 1}),
        ("assistant.message", {"content": "hello"}),
        ("run.succeeded", {"output": {"response": "you said hi"}, "usage": {"prompt_tokens": 1}}),
    ]


@pytest.mark.asyncio
async def test_messages_and_the_rest_reach_the_context() -> None:
    seen: list[RunContext] = []

    async def work(ctx: RunContext) -> RunResult:
        seen.append(ctx)
        return RunResult(final_output={"tool": await ctx.tool_registry.execute("add", {"a": 1, "b": 2})})

    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    add = Tool("add", "Add two numbers", {}, lambda a, b: a + b)
    result = await run_agent(
        Agent(work), messages, conversation_id="c", params={"p": 1}, metadata={"m": 2}, tools=[add]
    )
    (ctx,) = seen
    assert (ctx.input_messages, ctx.conversation_id, ctx.params, ctx.metadata) == (messages, "c", {"p": 1}, {"m": 2})
    assert result.final_output == {"tool": 3}


@pytest.mark.asyncio
async def test_failure_is_told_in_the_agents_words_and_raised() -> None:
    async def work(ctx: RunContext) -> RunResult:
        raise KeyError("lost")

    heard = Heard()
    with pytest.raises(KeyError, match="lost"):
        await run_agent(Agent(work), "hi", on_event=heard)
    assert heard[-1] == (
        "run.failed",
        {
            "error": "told: 'lost'",
            "error_type": "Mine",
            "error_details": {"a": 1},
            "attempt": 1,
            "max_attempts": 1,
            "retriable": False,
        },
    )


@pytest.mark.asyncio
async def test_cancelled_agent_may_clean_up() -> None:
    async def work(ctx: RunContext) -> RunResult:
        await asyncio.Event().wait()
        return RunResult()

    heard, agent = Heard(), Agent(work)
    task = asyncio.ensure_future(run_agent(agent, "hi", on_event=heard))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert agent.was_cancelled
    assert heard[-1] == ("run.cancelled", {})


@pytest.mark.asyncio
async def test_records_logged_by_the_agent_carry_the_ids() -> None:
    record = logging.makeLogRecord({})

    async def work(ctx: RunContext) -> RunResult:
        ContextFilter().filter(record)
        return RunResult(final_output={"run_id": str(ctx.run_id)})

    result = await run_agent(Agent(work), "hi", conversation_id="c")
    assert record.run_id == result.final_output["run_id"]
    assert record.conversation_id == "c"
