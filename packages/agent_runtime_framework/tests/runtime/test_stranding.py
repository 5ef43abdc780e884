from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from corner_shop import Held, Ledger, first_calls
from pydantic import BaseModel

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.short_form import ClassAgent
from agent_runtime_framework.journey import Injected, Journey, migrate, step
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.runtime.stranding import Prospect, prospects
from agent_runtime_framework.store.open import open_durable_store
from agent_runtime_framework.testing import ScriptedLLM, say


class Address(BaseModel):
    zip_code: int


class Today(Journey):
    """What is about to be deployed."""

    key = "desk"
    version = 2
    count: int = 0
    start = step("Start.", was="begin")
    form = step(collect=Address, to="end")
    rest = step("Rest.")
    end = step(say="Bye.", final=True)

    @migrate(1, 2)
    @staticmethod
    def counted(state: JSONObject) -> JSONObject:
        return {**state, "count": int(state["number"])}

    @start.tool(to=rest, effect="state")
    def go(self) -> None:
        """Go."""


class Careful(Today):
    key = "desk"
    again = step("Begin again.", fallback=True)


FORM: JSONObject = {"forms": {"form": {"answers": {"zip_code": "many"}}}}


async def found_in(states: dict[str, JSONObject], journey: Any = Today, page: int = 2) -> dict[str, Prospect]:
    store = open_durable_store("memory://")
    try:
        for name, state in states.items():
            await store.save_state(name, "desk", json.dumps(state))
        return {each.conversation_id: each async for each in prospects(journey.agent(ScriptedLLM()), store, page=page)}
    finally:
        await store.aclose()


@pytest.mark.asyncio
async def test_each_conversation_is_judged_and_those_that_are_over_are_left_out() -> None:
    found = await found_in(
        {
            "fine": {"step": "start", "count": 1, "_version": 2},
            "old": {"step": "begin", "number": "7", "note": "x"},
            "new": {"step": "start", "_version": 3},
            "unfit": {"step": "start", "count": "many", "_version": 2},
            "unmigrated": {"step": "start"},
            "lost": {"step": "gone", "_version": 2},
            "form": {"step": "form", "_version": 2, "_journey": FORM},
            "over": {"step": "end", "_version": 2},
        }
    )

    assert {name: [each.code for each in prospect.problems] for name, prospect in found.items()} == {
        "fine": [],
        "old": [],
        "new": ["too_new"],
        "unfit": ["does_not_load"],
        "unmigrated": ["does_not_load"],
        "lost": ["unknown_step"],
        "form": ["answer"],
    }
    old = found["old"]
    assert (old.is_migrated, old.version, old.step, old.unread) == (True, 1, "start", ("number", "note"))
    assert "count is 'many'" in found["unfit"].problems[0].message
    assert "'counted' failed" in found["unmigrated"].problems[0].message
    assert "begin again in 'start'" in found["lost"].problems[0].message


@pytest.mark.asyncio
async def test_a_step_that_is_gone_is_no_problem_where_another_one_was_named_to_take_its_place() -> None:
    found = await found_in({"lost": {"step": "gone", "_version": 2}}, Careful)

    assert (found["lost"].problems, found["lost"].rerouted_from, found["lost"].step) == ((), "gone", "again")


class Yesterday(Journey):
    key = "desk"
    start = step("Start.")

    @start.tool(effect="state")
    def go(self) -> str:
        """Go."""
        return "Gone."

    @start.tool(effect="read")
    async def look(self, ledger: Injected[Ledger]) -> str:
        """Look something up."""
        await ledger.do("look")
        return "Seen."


class LooksElsewhere(Journey):
    key = "desk"
    start = step("Start.")

    @start.tool(effect="state")
    def go(self) -> str:
        """Go."""
        return "Gone."


@pytest.mark.asyncio
async def test_an_unfinished_turn_is_looked_into(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.may_go_on.clear()
    url = f"sqlite:///{tmp_path}/chat.db"
    agent = Yesterday.agent(Held(first_calls("look")), provide=[ledger])
    async with Runtime(url, agents=[agent], host=LocalHost(grace=0.0)) as chats:
        await chats.accept("ada", "hi", message_id="m1")
        await ledger.has_begun.wait()

    store = open_durable_store(url, read_only=True)
    same = [each async for each in prospects(Yesterday.agent(ScriptedLLM()), store)]
    changed = [each async for each in prospects(LooksElsewhere.agent(ScriptedLLM()), store)]
    await store.aclose()

    assert [(each.turn, each.problems) for each in same] == [(1, ())]
    assert [each.code for each in changed[0].problems] == ["unknown_tool"]
    assert "a call of 'look' waits in its turn 1, and step 'start' offers: go" in changed[0].problems[0].message

    async with Runtime(url, agents=[LooksElsewhere.agent(ScriptedLLM(say("I cannot look.")))]) as chats:
        assert (await chats.reply_to("ada", "m1")).text == "I cannot look."
        assert [each.role for each in await chats.history("ada")] == ["user", "assistant", "tool", "assistant"]


@pytest.mark.asyncio
async def test_what_raises_when_it_is_asked_for_its_tools_is_said() -> None:
    class Failing(ClassAgent[Today]):
        def get_system_prompt(self, state: Today) -> str:
            raise KeyError("prompt")

    store = open_durable_store("memory://")
    await store.save_state("ada", "desk", '{"step":"start","_version":2}')
    found = [each async for each in prospects(Failing(Today, ScriptedLLM()), store)]
    await store.aclose()

    assert [each.code for each in found[0].problems] == ["no_prompt"]
