import pytest

from agent_runtime_framework.tools import BaseJourneyTools, BaseTool, ToolResult
from agent_runtime_framework.tools.base import StateChangeCallback


class NameTools(BaseJourneyTools[dict[str, str]]):
    async def save(self, name: str) -> str:
        self.state["name"] = name
        await self._notify_state_change()
        return name

    def backend(self) -> object:
        return self._require_backend()


def test_tools_hold_what_they_are_given():
    async def changed(state: object) -> None: ...

    state, client = {"name": ""}, object()

    tools = NameTools(state, client, changed)

    assert (tools.state, tools.backend_client, tools.on_state_change) == (state, client, changed)
    assert tools.state is state


def test_client_and_callback_are_optional():
    tools = NameTools(state={})

    assert (tools.backend_client, tools.on_state_change) == (None, None)


async def remember_async(state: dict[str, str]) -> None:
    state["seen"] = state["name"]


def remember(state: dict[str, str]) -> None:
    state["seen"] = state["name"]


@pytest.mark.asyncio
@pytest.mark.parametrize("callback", [remember, remember_async])
async def test_callback_is_told_of_a_change(callback: StateChangeCallback):
    tools = NameTools({}, on_state_change=callback)

    await tools.save("Ada")

    assert tools.state == {"name": "Ada", "seen": "Ada"}


@pytest.mark.asyncio
async def test_a_change_without_callback_is_fine():
    assert await NameTools({}).save("Ada") == "Ada"


def test_required_backend_is_returned_even_if_it_is_falsy():
    client: list[int] = []

    assert NameTools({}, client).backend() is client


def test_missing_backend_is_named():
    with pytest.raises(ValueError, match="NameTools needs a backend_client; pass one"):
        NameTools({}).backend()


def test_marker_base_needs_nothing():
    class Clock(BaseTool): ...

    assert isinstance(Clock(), BaseTool)


def test_good_result():
    assert ToolResult.ok("saved", id=7) == ToolResult("saved", success=True, error=None, metadata={"id": 7})


def test_failed_result_says_why_in_both_places():
    assert ToolResult.fail("no", id=7) == ToolResult("no", success=False, error="no", metadata={"id": 7})


def test_results_do_not_share_metadata():
    assert ToolResult("a").metadata is not ToolResult("a").metadata


def test_result_as_text_is_its_content():
    assert str(ToolResult.fail("no such order")) == "no such order"
