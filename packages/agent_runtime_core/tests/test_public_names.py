"""What the package exports, and what importing it costs."""

import json
import subprocess
import sys

import pytest

import agent_runtime_core

DOCUMENTED = {
    "AgentRuntime",
    "ErrorInfo",
    "EventType",
    "EventVisibility",
    "LLMClient",
    "LLMResponse",
    "LLMStreamChunk",
    "LLMToolCall",
    "Message",
    "RunContext",
    "RunResult",
    "Tool",
    "ToolDefinition",
    "ToolRegistry",
    "TraceSink",
    "RuntimeConfig",
    "configure",
    "get_config",
    "register_runtime",
    "get_runtime",
    "list_runtimes",
    "unregister_runtime",
    "clear_registry",
    "InMemoryRunContext",
    "FileRunContext",
    "Step",
    "StepStatus",
    "StepResult",
    "ExecutionState",
    "StepExecutor",
    "StepExecutionError",
    "StepCancelledError",
    "MockRunContext",
    "MockLLMResponse",
    "MockLLMClient",
    "LLMEvaluator",
    "create_test_context",
    "run_agent_test",
    "ToolParameter",
    "ToolSchema",
    "ToolSchemaBuilder",
    "schemas_to_openai_format",
}


def test_all_is_sorted_and_complete() -> None:
    assert agent_runtime_core.__all__ == sorted(set(agent_runtime_core.__all__))
    assert set(agent_runtime_core.__all__) >= DOCUMENTED
    assert set(agent_runtime_core._HOMES) | {"__version__"} == set(agent_runtime_core.__all__)
    assert set(agent_runtime_core.__all__) <= set(dir(agent_runtime_core))


@pytest.mark.parametrize("name", agent_runtime_core.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(agent_runtime_core, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        agent_runtime_core.Nothing  # noqa: B018


def modules_after(code: str) -> set[str]:
    told = "import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    code = f"import sys; before = set(sys.modules); {code}; {told}"
    return set(json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout))


def test_importing_the_package_loads_none_of_its_rooms() -> None:
    loaded = {name for name in modules_after("import agent_runtime_core") if name.startswith("agent_runtime_core")}
    assert loaded == {"agent_runtime_core", "agent_runtime_core._version"}


def test_no_name_loads_anything_heavy() -> None:
    roots = {name.partition(".")[0] for name in modules_after("from agent_runtime_core import *")}
    assert roots.isdisjoint(
        {"openai", "anthropic", "litellm", "httpx", "pydantic", "opentelemetry", "sqlite3", "genai_prices"}
    )


def test_importing_reads_no_environment() -> None:
    code = (
        "import os; del os.environ; import agent_runtime_core.config, agent_runtime_core.logs, "
        "agent_runtime_core.contexts, agent_runtime_core.telemetry"
    )
    # `del os.environ` makes every later read an AttributeError.
    subprocess.run([sys.executable, "-c", code], check=True)
