from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from corner_shop import Held, Ledger, first_calls
from pydantic import BaseModel

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework import BaseJourneyState, JourneyAgent, ToolSchema
from agent_runtime_framework.agents.base import AgentContext
from agent_runtime_framework.errors import StateTooNew
from agent_runtime_framework.journey import FormJourney, Injected, Journey, migrate, step
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.testing import ScriptedLLM, call, say
from agent_runtime_framework.testing.invariants import broken_invariants


class Desk(Journey):
    """Version 1: one field for the name, a step called ask."""

    key = "desk"
    name: str = ""
    charged: int = 0

    ask = step("Ask for their name.")
    offer = step("Offer something.")
    done = step(say="Done.", final=True)

    @ask.tool(to=offer, effect="state")
    def note(self, name: str) -> None:
        """Note the name."""
        self.name = name

    @ask.tool(effect="once")
    async def charge(self, ledger: Injected[Ledger]) -> str:
        """Charge them."""
        await ledger.do("charge")
        self.charged += 1
        return "Charged."

    @offer.tool(to=done, effect="state")
    def accept(self) -> None:
        """They want it."""


class Desk2(Journey):
    """Version 2: the name is split, ask is called greet, offer is gone."""

    key = "desk"
    version = 2
    first: str = ""
    last: str = ""
    charged: int = 0

    greet = step("Ask for their name.", was="ask")
    again = step("Say that the offer has changed.", fallback=True)
    done = step(say="Done.", final=True)

    @migrate(1, 2)
    @staticmethod
    def split(state: JSONObject) -> JSONObject:
        first, _, last = state.pop("name").partition(" ")
        return {**state, "first": first, "last": last}

    @greet.tool(to=again, effect="state")
    def note(self, name: str) -> None:
        """Note the name."""
        self.first = name

    @again.tool(to=done, effect="state")
    def accept(self) -> None:
        """They want it."""


class Broken2(Journey):
    """A version 2 whose migration fails."""

    key = "desk"
    version = 2
    ask = step("Ask.")
    offer = step("Offer.")

    @migrate(1, 2)
    @staticmethod
    def fails(state: JSONObject) -> JSONObject:
        return {"name": state["nickname"]}


def runtime(path: Path, journey: Any, llm: Any, ledger: Ledger | None = None, **options: Any) -> Runtime:
    agents = [journey.agent(llm, provide=[ledger or Ledger()])]
    return Runtime(f"sqlite:///{path}/chat.db", agents=agents, **options)


async def say_as_version_1(path: Path, text: str = "I am Ada", *moves: Any) -> None:
    async with runtime(path, Desk, ScriptedLLM(*(moves or (call("note", name="Ada L"), say("Nice!"))))) as chats:
        await chats.send("ada", text)


@pytest.mark.asyncio
async def test_a_conversation_goes_on_in_a_later_version_and_is_kept_in_it(tmp_path: Path) -> None:
    await say_as_version_1(tmp_path)

    async with runtime(tmp_path, Desk2, ScriptedLLM(call("accept"))) as chats:
        assert (await chats.state("ada")).first == "Ada"
        assert (await chats.send("ada", "yes")).text == "Done."
        stored = await chats.store.load("ada", "desk")
        turn = (await chats.turns("ada"))[-1]

    kept = json.loads(stored.state or "")
    assert (kept["_version"], kept["first"], kept["last"], kept["step"]) == (2, "Ada", "L", "done")
    assert turn.receipt is not None
    assert (turn.receipt["migrated_from"], turn.receipt["unknown_step"]) == (1, "offer")
    assert (turn.receipt["step_before"], turn.receipt["step_after"]) == ("offer", "done")
    assert broken_invariants(tmp_path / "chat.db") == []


@pytest.mark.asyncio
async def test_newer_state_is_refused_by_older_code_and_nothing_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with runtime(tmp_path, Desk2, ScriptedLLM(call("note", name="Ada"), say("Nice!"))) as chats:
        await chats.send("ada", "I am Ada")
        before = (await chats.store.load("ada", "desk")).state

    async with runtime(tmp_path, Desk, ScriptedLLM(), host=LocalHost(sweep=0.01)) as rolled_back:
        with pytest.raises(StateTooNew, match=r"of conversation 'ada' \(agent 'desk'\) was written by version 2"):
            await rolled_back.send("ada", "yes", message_id="m2")
        with pytest.raises(StateTooNew):
            await rolled_back.send("ada", "really", message_id="m3")
        await asyncio.sleep(0.1)
        outcome = await rolled_back.store.outcome("ada", "m2")
        assert outcome is not None
        assert not outcome.is_final
        assert (await rolled_back.store.load("ada", "desk")).state == before
        assert (await rolled_back.turns("ada"))[-1].attempts == 0
    assert len([each for each in caplog.records if "given back" in each.message]) == 1

    async with runtime(tmp_path, Desk2, Held(first_calls("accept"))) as chats:
        assert (await chats.reply_to("ada", "m2")).text == "Done."
        assert (await chats.reply_to("ada", "m3")).status == "answered"


@pytest.mark.asyncio
async def test_a_state_that_cannot_be_migrated_fails_each_turn_politely_and_stays_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await say_as_version_1(tmp_path)

    async with runtime(tmp_path, Broken2, ScriptedLLM(), apology="Sorry.") as chats:
        before = (await chats.store.load("ada", "desk")).state
        with caplog.at_level(logging.ERROR):
            reply = await chats.send("ada", "yes")
        assert (reply.status, reply.text, reply.stopped_reason) == ("failed", "Sorry.", "failed:StateError")
        assert (await chats.store.load("ada", "desk")).state == before
        assert (await chats.turns("ada"))[-1].attempts == 1
    told = str(caplog.records[-1].exc_info)
    assert all(words in told for words in ("'ada'", "'desk'", "version 1", "fails", "KeyError: 'nickname'"))

    async with runtime(tmp_path, Desk2, ScriptedLLM(call("accept"))) as fixed:
        assert (await fixed.send("ada", "and now?")).text == "Done."


async def leave_half_way(path: Path, ledger: Ledger, llm: Any) -> None:
    """A turn of version 1 that was charged, and cut off before the model answered."""
    llm.may_reply.set()
    chats = runtime(path, Desk, llm, ledger, host=LocalHost(grace=0.0))
    async with chats:
        await chats.accept("ada", "charge me", message_id="m1")
        await ledger.has_begun.wait()
        llm.may_reply.clear()
        llm.is_asked.clear()
        ledger.may_go_on.set()
        await llm.is_asked.wait()


@pytest.mark.asyncio
async def test_a_half_finished_turn_of_an_earlier_version_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.may_go_on.clear()
    await leave_half_way(tmp_path, ledger, Held(first_calls("charge")))

    async with runtime(tmp_path, Desk2, ScriptedLLM(say("What is your name?"))) as chats:
        reply = await chats.reply_to("ada", "m1")
        state = await chats.state("ada")

    assert (reply.status, reply.text) == ("answered", "What is your name?")
    assert (state.charged, state.step, ledger.done) == (1, Desk2.greet, ["charge"])


class Shorter(Journey):
    """The step in which the turn was left is gone, and its tools."""

    key = "desk"
    charged: int = 0
    start = step("Begin again.")


@pytest.mark.asyncio
async def test_a_step_that_is_gone_while_a_turn_was_half_way_is_replaced(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.may_go_on.clear()
    await leave_half_way(tmp_path, ledger, Held(first_calls("charge")))

    async with runtime(tmp_path, Shorter, ScriptedLLM(say("Where were we?"))) as chats:
        assert (await chats.reply_to("ada", "m1")).text == "Where were we?"
        state = await chats.state("ada")
        assert (state.charged, state.step) == (1, Shorter.start)
        assert [each.role for each in await chats.history("ada")] == ["user", "assistant", "tool", "assistant"]


@pytest.mark.asyncio
async def test_a_half_finished_turn_that_cannot_be_migrated_ends_once_with_all_that_was_recorded(
    tmp_path: Path,
) -> None:
    ledger = Ledger()
    ledger.may_go_on.clear()
    await leave_half_way(tmp_path, ledger, Held(first_calls("charge")))

    async with runtime(tmp_path, Broken2, ScriptedLLM()) as chats:
        assert (await chats.reply_to("ada", "m1")).status == "failed"
        assert [each.role for each in await chats.history("ada")] == ["user", "assistant", "tool", "assistant"]
        kept = json.loads((await chats.store.load("ada", "desk")).state or "")
        assert (kept["charged"], "_version" in kept) == (1, False)
        assert broken_invariants(tmp_path / "chat.db") == []

    async with runtime(tmp_path, Desk2, ScriptedLLM(say("Hello again."))) as fixed:
        assert (await fixed.send("ada", "hi")).text == "Hello again."
        assert (await fixed.state("ada")).charged == 1


@dataclass
class LongState(BaseJourneyState[str]):
    step: str = "start"
    total: int = 0

    def is_complete(self) -> bool:
        return False

    def to_dict(self) -> JSONObject:
        return {"step": self.step, "total": self.total}

    @classmethod
    def from_dict(cls, data: JSONObject) -> Self:
        return cls(step=data["step"], total=int(data["total"]))


class LongTools:
    def __init__(self, state: LongState) -> None:
        self.state = state

    def spoil(self) -> str:
        self.state.total = "lots"  # type: ignore[assignment]
        return "Spoilt."


class Long(JourneyAgent[LongState, LongTools, str]):
    version = 3

    @property
    def key(self) -> str:
        return "long"

    @migrate(2, 3)
    @staticmethod
    def renamed(state: JSONObject) -> JSONObject:
        return {"step": state["step"], "total": state["sum"]}

    def get_initial_state(self) -> LongState:
        return LongState()

    def get_system_prompt(self, state: LongState) -> str:
        return f"The total is {state.total}."

    def get_tool_schemas(self, state: LongState) -> list[ToolSchema]:
        return [ToolSchema("spoil", "Spoil it.")]

    def create_tools(self, state: LongState, ctx: AgentContext) -> LongTools:
        return LongTools(state)


class Overriding(Long):
    def migrate(self, state: JSONObject, from_version: int) -> JSONObject:
        return {"step": state["step"], "total": state["sum"] * from_version}


@pytest.mark.asyncio
@pytest.mark.parametrize(("agent", "expected"), [(Long, 7), (Overriding, 14)])
async def test_the_long_form_migrates_too(agent: type[Long], expected: int) -> None:
    async with Runtime("memory://", agents=[agent(ScriptedLLM(say("Hi."), say("Hi.")))]) as chats:
        await chats.store.save_state("ada", "long", '{"step": "start", "sum": 7, "_version": 2}')
        await chats.send("ada", "hi")

        stored = json.loads((await chats.store.load("ada", "long")).state or "")
        assert stored == {"step": "start", "total": expected, "_version": 3}
        receipt = (await chats.turns("ada"))[-1].receipt
        assert receipt is not None
        assert receipt["migrated_from"] == 2
        await chats.send("ada", "hi")
        assert "migrated_from" not in ((await chats.turns("ada"))[-1].receipt or {})


@pytest.mark.asyncio
async def test_a_long_form_state_that_could_not_be_loaded_again_is_not_kept() -> None:
    async with Runtime("memory://", agents=[Long(ScriptedLLM(call("spoil"), say("Oh."), say("Hi.")))]) as chats:
        reply = await chats.send("ada", "hi")
        assert (reply.status, reply.stopped_reason) == ("failed", "failed:StateError")
        assert [each.role for each in await chats.history("ada")][:3] == ["user", "assistant", "tool"]
        assert (await chats.send("ada", "again")).text == "Hi."
        assert (await chats.state("ada")).total == 0


@pytest.mark.asyncio
async def test_forms_have_versions() -> None:
    class Person(BaseModel):
        first: str
        last: str

    @migrate(1, 2)
    def split(answers: JSONObject) -> JSONObject:
        first, _, last = answers.pop("name").partition(" ")
        return {**answers, "first": first, "last": last}

    form = FormJourney(Person, version=2, migrations=[split], key="person")
    old = {"step": "answers", "_journey": {"forms": {"answers": {"answers": {"name": "Ada L"}}}}}

    assert form.from_dict(old).forms["answers"]["answers"] == {"first": "Ada", "last": "L"}
    assert form.from_dict({"step": "answers"}).forms == {}
