"""`LLMExecutor` as it is documented."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import agent_runtime_framework.executor as package
from agent_runtime_core.interfaces import LLMResponse
from agent_runtime_framework.config import override_config
from agent_runtime_framework.executor import (
    CallableToolExecutor,
    ExecutionResult,
    Executor,
    ExecutorConfig,
    LLMExecutor,
    LLMExecutorConfig,
)
from agent_runtime_framework.messages import INTERRUPTED, AgentMessage
from agent_runtime_framework.testing import ScriptedLLM, anthropic_problems, call, openai_problems, say
from agent_runtime_framework.tools.schema import ToolParameter, ToolSchema

LOOKUP = ToolSchema("lookup", "Look a word up.", [ToolParameter("word", "string", required=True)])


def lookup(word: str) -> str:
    return f"{word}: a word"


async def fail(**arguments: Any) -> str:
    raise ValueError("out of order")


TOOLS = CallableToolExecutor({"lookup": lookup, "fail": fail})


@pytest.fixture(autouse=True)
def production() -> Iterator[None]:
    with override_config(debug=False):
        yield


def user() -> list[dict[str, Any]]:
    return [{"role": "user", "content": "hi"}]


def test_documented_names_are_the_same_classes() -> None:
    assert Executor is LLMExecutor
    assert ExecutorConfig is LLMExecutorConfig
    assert all(hasattr(package, name) for name in package.__all__)


def test_defaults_are_the_documented_ones() -> None:
    config = LLMExecutorConfig()
    assert (config.max_iterations, config.terminal_tools) == (10, set())
    assert (config.require_tool_call, config.stop_on_text) == (False, True)
    assert ExecutionResult("x") == ExecutionResult("x", [], 0, "text_response", {})
    client = ScriptedLLM()
    executor = LLMExecutor(client)
    assert (executor.llm_client, executor.tool_executor, executor.hooks) == (client, None, None)
    assert executor.config == config


@pytest.mark.asyncio
async def test_run_answers_with_everything_it_did() -> None:
    llm = ScriptedLLM(call("lookup", word="tea"), say("Tea is a word."), usage={"total_tokens": 5, "details": {"n": 1}})
    result = await LLMExecutor(llm, TOOLS).run(user(), tools=[LOOKUP])
    assert result == ExecutionResult(
        response="Tea is a word.",
        messages=[
            AgentMessage(
                "assistant",
                tool_calls=[
                    {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": '{"word": "tea"}'}}
                ],
            ),
            AgentMessage("tool", "tea: a word", tool_call_id="call_1", name="lookup"),
            AgentMessage("assistant", "Tea is a word."),
        ],
        tool_calls_made=1,
        stopped_reason="text_response",
        usage={"total_tokens": 10, "details": {"n": 2}},
    )


@pytest.mark.asyncio
async def test_callers_list_is_extended_in_place_without_a_system_prompt() -> None:
    messages = user()
    llm = ScriptedLLM(call("lookup", word="tea"), say("A word."))
    result = await LLMExecutor(llm, TOOLS).run(messages, tools=[LOOKUP])
    assert [AgentMessage.from_dict(message) for message in messages[1:]] == result.messages
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant"]
    assert llm.requests[0].messages == user()


@pytest.mark.asyncio
async def test_callers_list_is_left_alone_with_a_system_prompt() -> None:
    messages = user()
    llm = ScriptedLLM(say("Hello."))
    await LLMExecutor(llm).run(messages, system_prompt="Be brief.")
    assert messages == user()
    assert llm.requests[0].messages == [{"role": "system", "content": "Be brief."}, *user()]


@pytest.mark.parametrize("error", [ConnectionError("no net"), asyncio.CancelledError()])
@pytest.mark.asyncio
async def test_run_that_breaks_leaves_the_callers_list_complete(error: BaseException) -> None:
    messages = user()
    with pytest.raises(type(error)):
        await LLMExecutor(ScriptedLLM(call("lookup", word="tea"), error), TOOLS).run(messages, tools=[LOOKUP])
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert openai_problems(messages) == []


@pytest.mark.asyncio
async def test_call_broken_off_is_told_as_unknown() -> None:
    async def hang() -> str:
        raise asyncio.CancelledError

    messages = user()
    llm = ScriptedLLM([call("hang"), call("hang")])
    with pytest.raises(asyncio.CancelledError):
        await LLMExecutor(llm, CallableToolExecutor({"hang": hang})).run(messages)
    assert messages[2]["content"].startswith("Error: interrupted")
    assert openai_problems(messages) == []


@pytest.mark.asyncio
async def test_without_a_tool_list_every_name_goes_to_the_tool_executor() -> None:
    llm = ScriptedLLM([call("lookup", word="tea"), call("nope"), call("fail")], say("Done."))
    result = await LLMExecutor(llm, TOOLS).run(user())
    assert [message.content for message in result.messages[1:4]] == [
        "tea: a word",
        "Error: Unknown tool 'nope'",
        "Error executing fail: out of order",
    ]
    assert llm.requests[0].tools is None
    assert result.tool_calls_made == 3


@pytest.mark.parametrize("tools", [[], [LOOKUP]])
@pytest.mark.asyncio
async def test_with_a_tool_list_everything_else_is_refused(tools: list[ToolSchema]) -> None:
    ran: list[str] = []

    class Spy:
        async def execute(self, name: str, arguments: dict[str, Any]) -> str:
            ran.append(name)
            return "ok"

    result = await LLMExecutor(ScriptedLLM(call("fail"), say("Sorry.")), Spy()).run(user(), tools=tools)
    assert ran == []
    assert result.messages[1].content.startswith("Error: Unknown tool 'fail'")


@pytest.mark.parametrize("result", ["ok", 5])
@pytest.mark.asyncio
async def test_any_object_with_execute_is_a_tool_executor(result: Any) -> None:
    class Own:
        async def execute(self, name: str, arguments: dict[str, Any]) -> Any:
            return result

    run = await LLMExecutor(ScriptedLLM(call("lookup", word="tea"), say("Done.")), Own()).run(user(), tools=[LOOKUP])
    assert run.messages[1].content == str(result)


@pytest.mark.asyncio
async def test_missing_tool_executor_is_told() -> None:
    result = await LLMExecutor(ScriptedLLM(call("lookup", word="tea"), say("Sorry."))).run(user(), tools=[LOOKUP])
    assert result.messages[1].content == "Error: No tool executor configured for 'lookup'"


@pytest.mark.asyncio
async def test_failing_tool_raises_in_debug() -> None:
    with override_config(debug=True), pytest.raises(ValueError, match="out of order"):
        await LLMExecutor(ScriptedLLM(call("fail")), TOOLS).run(user())


@pytest.mark.asyncio
async def test_limit_gives_the_last_result_or_the_sentence() -> None:
    script = [call("lookup", word=word) for word in ("a", "b", "c")]
    bare = await LLMExecutor(ScriptedLLM(*script), TOOLS, LLMExecutorConfig(max_iterations=2)).run(user())
    assert (bare.response, bare.stopped_reason) == ("b: a word", "max_iterations")
    config = LLMExecutorConfig(max_iterations=2, limit_reply="Enough.")
    said = await LLMExecutor(ScriptedLLM(*script), TOOLS, config).run(user())
    assert (said.response, said.messages[-1].content) == ("Enough.", "Enough.")


@pytest.mark.asyncio
async def test_limit_of_zero_is_legal() -> None:
    llm = ScriptedLLM()
    result = await LLMExecutor(llm, config=LLMExecutorConfig(max_iterations=0)).run(user())
    assert (result.response, result.stopped_reason, llm.requests) == ("", "max_iterations", [])


@pytest.mark.asyncio
async def test_terminal_tool_ends_the_run() -> None:
    config = LLMExecutorConfig(terminal_tools={"lookup"})
    llm = ScriptedLLM([call("fail"), call("lookup", word="tea")])
    result = await LLMExecutor(llm, TOOLS, config).run(user())
    assert (result.response, result.stopped_reason) == ("tea: a word", "terminal_tool:lookup")


@pytest.mark.asyncio
async def test_required_call_is_asked_for_when_there_are_tools() -> None:
    config = LLMExecutorConfig(require_tool_call=True)
    llm = ScriptedLLM(say("a"), say("b"))
    await LLMExecutor(llm, TOOLS, config).run(user(), tools=[LOOKUP])
    await LLMExecutor(llm, TOOLS, config).run(user())
    assert [request.options for request in llm.requests] == [{"tool_choice": "required"}, {}]


@pytest.mark.asyncio
async def test_text_that_does_not_stop_is_kept_and_the_model_is_asked_to_go_on() -> None:
    config = LLMExecutorConfig(stop_on_text=False, max_iterations=3)
    llm = ScriptedLLM(say("Thinking."), call("lookup", word="tea"), say("Still."))
    result = await LLMExecutor(llm, TOOLS, config).run(user(), tools=[LOOKUP])
    assert llm.requests[1].messages[1] == {"role": "assistant", "content": "Thinking."}
    assert (result.response, result.stopped_reason) == ("tea: a word", "max_iterations")


@pytest.mark.parametrize("message", [{"content": None}, {"content": "", "tool_calls": None}, {}])
@pytest.mark.asyncio
async def test_reply_without_anything_is_an_empty_response(message: dict[str, Any]) -> None:
    result = await LLMExecutor(ScriptedLLM(message)).run(user())
    assert (result.response, result.messages, result.stopped_reason) == ("", [], "text_response")


@pytest.mark.asyncio
async def test_empty_reply_may_be_asked_about_within_the_limit() -> None:
    config = LLMExecutorConfig(ask_again=5, max_iterations=2)
    result = await LLMExecutor(ScriptedLLM({"content": ""}, {"content": ""}), config=config).run(user())
    assert result.stopped_reason == "max_iterations"


@pytest.mark.asyncio
async def test_usage_of_any_kind_is_summed() -> None:
    usages: list[Any] = [{"n": 1, "d": {"c": 1}, "x": None}, None, {"n": 2, "d": None, "x": "fast"}]
    script = [LLMResponse({"tool_calls": [{"name": "lookup", "arguments": {"word": "a"}}]}, use) for use in usages]
    result = await LLMExecutor(ScriptedLLM(*script, LLMResponse({"content": "Done."})), TOOLS).run(user())
    assert result.usage == {"n": 3, "d": {"c": 1}, "x": "fast"}


@pytest.mark.asyncio
async def test_missing_ids_become_different_ones() -> None:
    flat = {"name": "lookup", "arguments": '{"word": "a"}'}
    messages = user()
    await LLMExecutor(ScriptedLLM({"tool_calls": [flat, flat]}, {"tool_calls": [flat]}, say("x")), TOOLS).run(messages)
    assert messages[1]["tool_calls"][0]["id"] == "call_lookup"
    assert openai_problems(messages) == []


@pytest.mark.asyncio
async def test_history_with_an_unanswered_call_is_repaired_for_the_model() -> None:
    broken = [{"role": "assistant", "content": None, "tool_calls": [{"id": "a", "name": "lookup", "arguments": "{}"}]}]
    llm = ScriptedLLM(say("Let us see."))
    await LLMExecutor(llm).run([*user(), *broken, *user()])
    sent = llm.requests[0].messages
    assert sent[2]["content"] == INTERRUPTED
    assert openai_problems(sent) == anthropic_problems(sent) == []


@pytest.mark.asyncio
async def test_written_call_runs_if_it_was_offered() -> None:
    llm = ScriptedLLM(say('lookup(word="tea")'), say("A word."))
    result = await LLMExecutor(llm, TOOLS).run(user(), tools=[LOOKUP])
    assert [message.content for message in result.messages] == [None, "tea: a word", "A word."]
