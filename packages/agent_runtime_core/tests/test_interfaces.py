"""The types that hosts, runtimes and clients share."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import (
    ErrorInfo,
    EventType,
    LLMResponse,
    LLMToolCall,
    Tool,
    ToolDefinition,
    ToolRegistry,
    conversation_key,
)
from agent_runtime_core.testing import MockRunContext


@pytest.mark.parametrize("text", ["a", "x" * 255, "a b", "a\u00a0b", "ä", "🙂", "\u200b", "user:7/ü", "\u2028"])
def test_conversation_id_may_be_any_text(text: str) -> None:
    assert conversation_key(text) == text


@pytest.mark.parametrize("text", ["", "x" * 256, "a\nb", "\x00", "\x7f", "\x85", "\ud800", "a\udfff"])
def test_conversation_id_that_stores_cannot_keep_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="1 to 255 characters"):
        conversation_key(text)


def test_conversation_id_may_be_a_uuid() -> None:
    assert conversation_key(UUID(int=5)) == "00000000-0000-0000-0000-000000000005"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=255))
def test_every_text_without_control_characters_is_a_conversation_id(text: str) -> None:
    assert conversation_key(text) == text


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [
        ('{"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ("{'a': None}", {"a": None}),
        ("[1]", {}),
        ("{", {}),
        ("", {}),
        (None, {}),
        ("[" * 100_000, {}),
    ],
)
def test_arguments_of_a_call_are_a_dict_whatever_was_sent(raw: Any, arguments: dict[str, Any]) -> None:
    nested = LLMToolCall({"id": "1", "function": {"name": "f", "arguments": raw}})
    flat = LLMToolCall({"id": "1", "name": "f", "arguments": raw})
    assert nested.arguments == flat.arguments == arguments
    assert (nested.id, nested.name, flat.name) == ("1", "f", "f")


def test_call_without_parts_has_empty_ones() -> None:
    assert (LLMToolCall().id, LLMToolCall({"function": None}).name) == ("", "")


@pytest.mark.parametrize("message", [{}, {"content": None, "tool_calls": None}, {"content": "", "tool_calls": []}])
def test_empty_reply_has_no_text_and_no_calls(message: dict[str, Any]) -> None:
    assert (LLMResponse(message).content, LLMResponse(message).tool_calls) == ("", None)


def test_event_types_are_their_names() -> None:
    assert EventType.RUN_STARTED == "run.started"
    assert str(EventType.STEP_RETRYING) == f"{EventType.STEP_RETRYING}" == "step.retrying"


async def slowly(a: int) -> int:
    return a + 1


@pytest.fixture
def registry() -> ToolRegistry:
    registry = ToolRegistry()
    registry.register(ToolDefinition("slow", "Adds one", {"type": "object"}, slowly))
    registry.register(Tool("quick", "Adds two", {"type": "object"}, lambda a: a + 2))
    return registry


@pytest.mark.asyncio
async def test_registry_runs_sync_and_async_handlers(registry: ToolRegistry) -> None:
    assert await registry.execute("slow", {"a": 1}) == 2
    assert await registry.execute("quick", {"a": 1}) == 3
    assert registry.get("nope") is None
    assert [tool.name for tool in registry.list_tools()] == ["slow", "quick"]


@pytest.mark.asyncio
async def test_unknown_tool_is_a_key_error_with_the_known_ones(registry: ToolRegistry) -> None:
    with pytest.raises(KeyError, match="known: slow, quick"):
        await registry.execute("nope", {})


@pytest.mark.asyncio
async def test_registry_reports_calls_and_results(registry: ToolRegistry) -> None:
    ctx = MockRunContext()
    call = LLMToolCall({"id": "c1", "function": {"name": "quick", "arguments": '{"a": 1}'}})
    assert await registry.execute_with_events(call, ctx) == 3
    assert ctx.get_events() == [
        ("tool.call", {"tool_name": "quick", "tool_args": {"a": 1}, "tool_call_id": "c1"}),
        ("tool.result", {"tool_name": "quick", "tool_call_id": "c1", "result": 3}),
    ]


def test_registry_gives_chat_completions_functions(registry: ToolRegistry) -> None:
    first, _ = registry.to_openai_format()
    assert first == {
        "type": "function",
        "function": {"name": "slow", "description": "Adds one", "parameters": {"type": "object"}},
    }
    assert registry.get_tool_definitions() == registry.to_openai_format()


@pytest.mark.asyncio
async def test_runtime_describes_its_errors_as_retriable() -> None:
    from agent_runtime_core.interfaces import AgentRuntime, RunResult

    class Agent(AgentRuntime):
        key = "a"

        async def run(self, ctx: Any) -> RunResult:
            return RunResult()

    assert await Agent().on_error(MockRunContext(), ValueError("no")) == ErrorInfo("ValueError", "no", retriable=True)
    assert await Agent().cancel(MockRunContext()) is None
