"""Tool executors find what they may, and answer whatever happens."""

from typing import Any

import pytest

from agent_runtime_framework.config import override_config
from agent_runtime_framework.errors import ToolError
from agent_runtime_framework.executor.dispatch import CallableToolExecutor, MethodToolExecutor
from agent_runtime_framework.tools.base import BaseJourneyTools


class Tools(BaseJourneyTools[dict[str, Any]]):
    label = "no tool"

    def sync(self, n: int) -> int:
        return n + 1

    async def later(self, n: int) -> int:
        return n + 2

    def fail(self) -> str:
        raise ValueError("broken")

    def advise(self) -> str:
        raise ToolError("ask first")

    def _hidden(self) -> str:
        return "secret"


async def changed(state: object) -> None:
    raise AssertionError("no tool")


def tools() -> Tools:
    return Tools({}, backend_client=changed, on_state_change=changed)


def methods() -> MethodToolExecutor:
    return MethodToolExecutor(tools())


def callables() -> CallableToolExecutor:
    held = tools()
    return CallableToolExecutor({name: getattr(held, name) for name in ("sync", "later", "fail", "advise")})


both = pytest.mark.parametrize("make", [methods, callables])


@both
@pytest.mark.asyncio
async def test_sync_and_async_callables_run_and_give_text(make: Any) -> None:
    assert [await make().execute(name, {"n": 1}) for name in ("sync", "later")] == ["2", "3"]


@both
@pytest.mark.parametrize("is_debug", [True, False])
@pytest.mark.asyncio
async def test_unknown_name_is_answered_in_any_mode(make: Any, is_debug: bool) -> None:
    with override_config(debug=is_debug):
        assert await make().execute("nope", {}) == "Error: Unknown tool 'nope'"


@both
@pytest.mark.asyncio
async def test_failing_tool_is_answered_in_production(make: Any, caplog: pytest.LogCaptureFixture) -> None:
    with override_config(debug=False):
        assert await make().execute("fail", {}) == "Error executing fail: broken"
    assert "tool 'fail' failed" in caplog.text


@both
@pytest.mark.asyncio
async def test_failing_tool_raises_in_debug(make: Any) -> None:
    with override_config(debug=True), pytest.raises(ValueError, match="broken"):
        await make().execute("fail", {})


@both
@pytest.mark.parametrize("is_debug", [True, False])
@pytest.mark.asyncio
async def test_tool_error_is_answered_in_any_mode(make: Any, is_debug: bool) -> None:
    with override_config(debug=is_debug):
        assert await make().execute("advise", {}) == "Error: ask first"


@both
@pytest.mark.asyncio
async def test_loop_sees_the_exception_itself(make: Any) -> None:
    with override_config(debug=False), pytest.raises(ValueError, match="broken"):
        await make().call("fail", {})


@pytest.mark.parametrize(
    "name",
    [
        *("_hidden", "__init__", "__class__", "_notify_state_change", "_require_backend"),
        *("state", "backend_client", "on_state_change", "label", "", "a b", "sync.real"),
    ],
)
@pytest.mark.asyncio
async def test_what_is_no_public_method_is_no_tool(name: str) -> None:
    assert await methods().execute(name, {}) == f"Error: Unknown tool '{name}'"


@pytest.mark.asyncio
async def test_long_name_is_answered_shortly() -> None:
    assert len(await methods().execute("x" * 1_000_000, {})) < 200
