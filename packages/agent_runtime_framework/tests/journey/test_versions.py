from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.agents.base import AgentContext
from agent_runtime_framework.agents.scene import load_state
from agent_runtime_framework.errors import ConfigurationError, StateError, StateTooNew
from agent_runtime_framework.events import Event
from agent_runtime_framework.journey import Field, Journey, migrate, step
from agent_runtime_framework.memory import MemoryManager
from agent_runtime_framework.testing import ScriptedLLM, say


class Quote(Journey):
    """A quote desk."""

    version = 3
    first_name: str = ""
    last_name: str = ""
    kind: str = Field("", was="sort")
    entered: str = ""

    choose = step("Find out what they want.")
    details = step("Ask for the details.", was="plate")
    rescue = step("Say that you have to begin again from here.", fallback=True)
    done = step(say="Done.", final=True)

    @migrate(1, 2)
    @staticmethod
    def split_name(state: JSONObject) -> JSONObject:
        first, _, last = state.pop("name", "").partition(" ")
        return {**state, "first_name": first, "last_name": last}

    @migrate(2, 3)
    @staticmethod
    def shout(state: JSONObject) -> JSONObject:
        return {**state, "last_name": state["last_name"].upper()}

    @choose.tool(to=details)
    def pick(self, kind: str) -> None:
        """Note what they want."""
        self.kind = kind

    @rescue.tool(to=details)
    def go_on(self) -> None:
        """Go on."""

    @details.tool(to=done, effect="state")
    def finish(self) -> None:
        """Finish."""

    @rescue.on_enter
    async def note_rescue(self) -> None:
        await asyncio.sleep(0)
        self.entered += "rescue"


def test_a_state_of_the_first_version_is_read_by_the_third() -> None:
    state = Quote.from_dict({"step": "choose", "name": "Ada Lovelace", "sort": "car", "extra": 1})

    assert (state.first_name, state.last_name, state.kind, state.found_version) == ("Ada", "LOVELACE", "car", 1)
    assert state.to_dict()["extra"] == 1
    assert state.to_dict()["_version"] == 3


def test_what_was_migrated_once_is_not_migrated_again() -> None:
    state = Quote.from_dict(Quote.from_dict({"name": "Ada L"}).to_dict())

    assert (state.first_name, state.last_name, state.found_version) == ("Ada", "L", 3)


def test_a_version_of_one_is_not_stored() -> None:
    class Plain(Journey):
        start = step("Start.")

    assert Plain().to_dict() == {"step": "start"}


def test_a_state_of_a_later_version_is_refused() -> None:
    with pytest.raises(StateTooNew, match="version 9"):
        Quote.from_dict({"_version": 9})


def test_a_renamed_step_goes_on_with_its_form() -> None:
    state = Quote.from_dict({"step": "plate", "_version": 3, "_journey": {"forms": {"plate": {"answers": {}}}}})

    assert (state.step, state.lost_step) == (Quote.details, None)
    assert state.forms == {"details": {"answers": {}}}


def test_a_state_in_a_step_that_is_gone_stays_there_until_another_was_entered() -> None:
    state = Quote.from_dict({"step": "gone", "_version": 3})

    assert (state.step, state.lost_step) == (Quote.rescue, "gone")
    assert state.to_dict()["step"] == "gone"
    state.step = Quote.details
    assert state.lost_step is None
    assert state.to_dict()["step"] == "details"


def test_without_a_fallback_the_first_step_takes_its_place() -> None:
    class Plain(Journey):
        name: str = ""
        start = step("Start.")
        end = step(say="Bye.", final=True)

    state = Plain.from_dict({"step": "gone", "name": "Ada"})

    assert (state.step, state.name) == (Plain.start, "Ada")


async def talk(stored: JSONObject, llm: ScriptedLLM, journey: Any = Quote) -> tuple[Any, list[Event], MemoryManager]:
    memory = MemoryManager()
    await memory.state_store.save_state("ada", journey.key, stored)
    events: list[Event] = []

    class Sink:
        def push(self, event: Event) -> None:
            events.append(event)

    agent = journey.agent(llm, memory=memory, sinks=[Sink()])
    result = await agent.run(AgentContext.from_text("hello", "ada"))
    return result, events, memory


@pytest.mark.asyncio
async def test_a_turn_keeps_what_was_migrated() -> None:
    _, _, memory = await talk({"step": "plate", "name": "Ada L"}, ScriptedLLM(say("Which car?")))

    kept = await memory.state_store.load_state("ada", Quote.key)
    assert kept is not None
    assert (kept["step"], kept["first_name"], kept["_version"]) == ("details", "Ada", 3)
    assert "name" not in kept


@pytest.mark.asyncio
async def test_a_step_that_is_gone_is_replaced_in_the_turn_with_its_hooks_and_an_event() -> None:
    llm = ScriptedLLM(say("Where were we?"))
    result, events, _ = await talk({"step": "gone", "_version": 3, "kind": "car", "last_name": ""}, llm)

    entered = [each.payload for each in events if each.type == EventType.STEP_ENTERED]
    assert entered == [{"step": "rescue", "previous": "gone", "reason": "unknown_step"}]
    assert result.state["step"] == "rescue"
    assert (result.state["entered"], result.state["kind"]) == ("rescue", "car")
    assert "begin again" in llm.requests[0].system
    assert llm.requests[0].tool_names == ["go_on"]


@pytest.mark.asyncio
async def test_a_value_that_a_hook_leaves_and_nobody_could_load_breaks_the_turn_and_is_not_kept() -> None:
    class Careless(Journey):
        count: int = 0
        start = step(say="Hello.", to="middle")
        middle = step("Talk.")

        @middle.on_enter
        def spoil(self) -> None:
            self.count = "many"  # type: ignore[assignment]

    memory = MemoryManager()
    agent = Careless.agent(ScriptedLLM(), memory=memory)
    with pytest.raises(StateError, match="count is 'many'"):
        await agent.run(AgentContext.from_text("hello", "ada"))

    kept = await memory.state_store.load_state("ada", agent.key)
    assert kept is None or Careless.from_dict(kept).count == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"version": True}, "Owner: version True is no whole number"),
        ({"a": step("A.", was="b"), "b": step("B.")}, "'a' was 'b', but there still is a step of that name"),
        ({"a": step("A.", was="c"), "b": step("B.", was="c")}, "both 'a' and 'b' were 'c'"),
        ({"a": step("A.", fallback=True), "b": step("B.", fallback=True)}, "both 'a' and 'b' are fallback=True"),
    ],
)
def test_versions_and_former_names_are_checked_when_the_class_is_made(body: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        type("Owner", (Journey,), {"start": step("Start."), **body})


def test_a_wrong_version_is_said_with_its_line() -> None:
    with pytest.raises(ConfigurationError, match=r"test_versions.py:\d+: Wrong: version -1 is not possible"):

        class Wrong(Journey):  # pyright: ignore[reportUnusedClass]  making it is the test
            version = -1
            start = step("Start.")


def test_what_does_not_load_says_whose_it_is_which_version_wrote_it_and_what_to_do() -> None:
    with pytest.raises(StateError) as caught:
        load_state(Quote, {"_version": 3, "first_name": ["secret"]}, where=" of conversation 'ada' (agent 'quote')")

    text = str(caught.value)
    assert all(
        word in text
        for word in (
            "'ada'",
            "'quote'",
            "first_name",
            "version 3",
            "@migrate",
            "agent-runtime check MODULE:NAME --store",
        )
    )


def test_the_stored_text_is_not_shown() -> None:
    class Careful(Journey):
        card: str = Field("", sensitive=True)
        count: int = 0
        start = step("Start.")

    with pytest.raises(StateError) as caught:
        load_state(Careful, '{"card":"4111","count":"many"}')

    assert "4111" not in str(caught.value)
