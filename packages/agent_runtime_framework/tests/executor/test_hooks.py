"""Hooks see a turn in the documented order and cannot break it."""

import logging
from typing import Any

import pytest

from agent_runtime_framework.executor.hooks import CompositeHooks, ExecutorHooks, LoggingHooks
from agent_runtime_framework.executor.loop import CallableToolExecutor, LLMExecutor
from agent_runtime_framework.testing import ScriptedLLM, call, say
from agent_runtime_framework.tools.schema import ToolSchema

TOOL = ToolSchema("double", "Double.")


class Recording(ExecutorHooks):
    """Notes every call under its name, into a list it may share."""

    def __init__(self, seen: list[Any], name: str = "") -> None:
        self.seen, self.name = seen, name

    async def on_iteration_start(self, iteration: int) -> None:
        self.seen.append((self.name, "start", iteration))

    async def on_llm_call(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> None:
        self.seen.append((self.name, "llm", len(messages), tools and len(tools)))

    async def on_tool_calls(self, tool_calls: list[dict[str, Any]]) -> None:
        self.seen.append((self.name, "calls", [each["function"]["name"] for each in tool_calls]))

    async def on_tool_start(self, name: str, arguments: dict[str, Any]) -> None:
        self.seen.append((self.name, "tool", name, arguments))

    async def on_tool_end(self, name: str, result: str) -> None:
        self.seen.append((self.name, "result", name, result))

    async def on_complete(self, response: str, stopped_reason: str) -> None:
        self.seen.append((self.name, "complete", response, stopped_reason))


class Broken(ExecutorHooks):
    """Raises in every method."""

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        async def fail(*arguments: object) -> None:
            raise ZeroDivisionError(name)

        return fail


def double(n: Any) -> Any:
    return n * 2


async def run(hooks: ExecutorHooks, *script: Any) -> None:
    llm = ScriptedLLM(*(script or ([call("double", n=2), call("double", n=3), call("nope")], say("Done."))))
    tools = CallableToolExecutor({"double": double})
    await LLMExecutor(llm, tools, hooks=hooks).run([{"role": "user", "content": "hi"}], tools=[TOOL])


EXPECTED = [
    ("start", 0),
    ("llm", 1, 1),
    ("calls", ["double", "double", "nope"]),
    ("tool", "double", {"n": 2}),
    ("result", "double", "4"),
    ("tool", "double", {"n": 3}),
    ("result", "double", "6"),
    ("start", 1),
    ("llm", 5, 1),
    ("complete", "Done.", "text_response"),
]


@pytest.mark.asyncio
async def test_hooks_are_called_in_the_documented_order() -> None:
    seen: list[Any] = []
    await run(Recording(seen))
    assert [each[1:] for each in seen] == EXPECTED


@pytest.mark.asyncio
async def test_composite_calls_all_in_the_order_they_were_added() -> None:
    seen: list[Any] = []
    await run(CompositeHooks([Recording(seen, "a")]).add(Recording(seen, "b")))
    assert [each[0] for each in seen] == ["a", "b"] * len(EXPECTED)


@pytest.mark.asyncio
async def test_hook_that_raises_is_logged_and_hides_nothing_from_the_next(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []
    await run(CompositeHooks([Broken(), Recording(seen)]))
    assert [each[1:] for each in seen] == EXPECTED
    assert "hook Broken.on_complete failed" in caplog.text


@pytest.mark.asyncio
async def test_hook_that_lacks_methods_or_is_not_async_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Odd:
        ended = ""

        def on_complete(self, response: str, stopped_reason: str) -> None:
            self.ended = response

    odd: Any = Odd()
    await run(odd)
    assert odd.ended == "Done."
    assert "Odd.on_llm_call failed" in caplog.text


@pytest.mark.asyncio
async def test_hooks_without_overrides_do_nothing() -> None:
    await run(ExecutorHooks())


@pytest.mark.asyncio
async def test_logging_hooks_write_results_cut_and_arguments_at_debug_only(caplog: pytest.LogCaptureFixture) -> None:
    hooks = LoggingHooks(level=logging.WARNING, logger_name="turns")
    with caplog.at_level(logging.WARNING, logger="turns"):
        await run(hooks, call("double", n="x" * 150), say("Done."))
    assert [record.getMessage() for record in caplog.records] == [
        "iteration 0",
        "model request: 1 messages, 1 tools",
        "tool calls: double",
        "tool double starts",
        f"tool double ended: {'x' * 200}… (300 characters)",
        "iteration 1",
        "model request: 3 messages, 1 tools",
        "complete: text_response, 5 characters",
    ]
    assert (hooks.level, hooks.logger.name) == (logging.WARNING, "turns")
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="turns"):
        await run(hooks, call("double", n=2), say("Done."))
    assert "tool double arguments: {'n': 2}" in caplog.text
