from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from corner_shop import Held, Ledger
from help_desk import Desk
from pydantic import BaseModel
from quiet_room import DAY, HOUR, Quote

from agent_runtime_core import ManualClock
from agent_runtime_core.interfaces import EventType
from agent_runtime_core.llm import get_llm_client
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import FormJourney, Journey, expire, remind, step
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.store.delivery import Lease
from agent_runtime_framework.testing import ScriptedLLM, anthropic_problems, call, openai_problems, say
from agent_runtime_framework.testing.invariants import broken_invariants

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def chats_of(clock: ManualClock, *replies: Any, agents: Any = (Quote,), store: str = "memory://") -> Runtime:
    return Runtime(store, agents, llm_client=ScriptedLLM(*replies), clock=clock)


@asynccontextmanager
async def silent(clock: ManualClock, *replies: Any, store: str = "memory://") -> AsyncIterator[Runtime]:
    """A runtime with a conversation in which something was said, and answered by a model, just now."""
    async with chats_of(clock, *(replies or (say("Your plate?"),)), store=store) as chats:
        await chats.send("ada", "a quote", message_id="m1")
        yield chats


async def said(chats: Runtime, conversation_id: str = "ada") -> list[Any]:
    return [each.content for each in await chats.history(conversation_id) if each.role == "assistant"]


@pytest.mark.asyncio
async def test_a_silent_person_is_reminded_in_exact_words_without_a_model(clock: ManualClock) -> None:
    async with silent(clock) as chats:
        clock.set_forward(2 * HOUR - SECOND)
        assert await chats.fire_due() == []

        clock.set_forward(SECOND)
        (reply,) = await chats.fire_due()

        assert (reply.text, reply.status, reply.stopped_reason) == ("Still there? (car)", "answered", "reminded")
        assert await chats.fire_due() == []
        assert await said(chats) == ["Your plate?", "Still there? (car)"]
        turn = (await chats.turns("ada"))[-1]
        assert turn.receipt is not None
        assert turn.receipt["silence"] == {"kind": "remind", "after": "2h"}
        assert (turn.step, turn.reply) == ("ask", reply.text)


@pytest.mark.asyncio
async def test_whoever_watches_the_conversation_sees_the_reminder(clock: ManualClock) -> None:
    async with silent(clock) as chats:
        watching = chats.watch("ada", after="1")
        clock.set_forward(2 * HOUR)
        await chats.fire_due()

        seen = [(await anext(watching)).event for _ in range(3)]

    assert [event.type for event in seen] == [
        EventType.RUN_STARTED, EventType.ASSISTANT_MESSAGE, EventType.RUN_SUCCEEDED,
    ]  # fmt: skip
    assert seen[1].text == "Still there? (car)"
    assert seen[2].payload["stopped_reason"] == "reminded"


@pytest.mark.asyncio
async def test_every_rule_comes_at_its_time_and_silence_comes_to_an_end(clock: ManualClock) -> None:
    async with silent(clock) as chats:
        times: list[tuple[str, timedelta]] = []
        began = clock.now()
        while timers := await chats.timers("ada"):
            due = datetime.fromisoformat(timers[0].due_at)
            clock.set_forward(due - clock.now())
            times += [(reply.stopped_reason or "", clock.now() - began) for reply in await chats.fire_due()]

        assert times == [("reminded", 2 * HOUR), ("reminded", DAY), ("expired", 7 * DAY)]
        state = await chats.state("ada")
        assert (str(state.step.name), state.let_go, state.kind, state.is_expired) == ("parked", 1, "car", True)
        assert (await said(chats))[-1] == "I have put your quote for a car away."


@pytest.mark.asyncio
async def test_a_person_who_answers_is_not_reminded_of_what_was_before(clock: ManualClock) -> None:
    async with silent(clock, say("Your plate?"), say("And your name?")) as chats:
        clock.set_forward(2 * HOUR - SECOND)
        await chats.send("ada", "M-X 1")
        clock.set_forward(SECOND)
        assert await chats.fire_due() == []

        clock.set_forward(2 * HOUR)
        assert [reply.text for reply in await chats.fire_due()] == ["Still there? (car)"]


@pytest.mark.asyncio
async def test_a_person_who_comes_back_goes_on_where_they_were_with_all_that_is_known(clock: ManualClock) -> None:
    async with silent(clock, say("Your plate?"), say("Welcome back!")) as chats:
        while timers := await chats.timers("ada"):
            clock.set_forward(datetime.fromisoformat(timers[0].due_at) - clock.now())
            await chats.fire_due()

        reply = await chats.send("ada", "I am back")
        state = await chats.state("ada")

        assert (reply.text, state.kind, state.is_expired) == ("Welcome back!", "car", False)
        assert len(await chats.timers("ada")) == 1
        messages = [each.to_dict() for each in await chats.history("ada")]
        assert openai_problems(messages) == []
        assert anthropic_problems(messages) == []


@pytest.mark.asyncio
async def test_what_comes_late_moves_what_follows_and_nothing_comes_twice_at_once(
    clock: ManualClock, tmp_path: Path
) -> None:
    async with silent(clock, store=f"sqlite:///{tmp_path}/chat.db"):
        pass
    clock.set_forward(30 * DAY)  # nothing ran meanwhile

    async with chats_of(clock, store=f"sqlite:///{tmp_path}/chat.db") as chats:
        watching = chats.watch("ada", after="1")
        while (await anext(watching)).event.type != EventType.RUN_SUCCEEDED:
            pass  # it looks by itself when it starts

        assert await said(chats) == ["Your plate?", "Still there? (car)"]
        assert await chats.fire_due() == []
        clock.set_forward(22 * HOUR)
        assert [reply.text for reply in await chats.fire_due()] == ["Last call."]
        clock.set_forward(6 * DAY)
        assert [reply.stopped_reason for reply in await chats.fire_due()] == ["expired"]
    assert broken_invariants(tmp_path / "chat.db") == []


@pytest.mark.asyncio
async def test_a_clock_that_jumps_neither_hastens_nor_repeats_a_reminder(clock: ManualClock) -> None:
    async with silent(clock) as chats:
        for jump in (-HOUR, HOUR, HOUR):
            clock.set_forward(jump)
            assert await chats.fire_due() == []
        clock.set_forward(HOUR)
        assert len(await chats.fire_due()) == 1
        for jump in (-HOUR, HOUR):
            clock.set_forward(jump)
            assert await chats.fire_due() == []


@pytest.mark.asyncio
async def test_a_runtime_that_is_open_looks_by_itself(clock: ManualClock) -> None:
    async with silent(clock) as chats:
        clock.set_forward(2 * HOUR)
        watching = chats.watch("ada", after="1")
        await clock.advance(1)

        while (told := await anext(watching)).event.type != EventType.RUN_SUCCEEDED:
            pass

    assert told.event.payload["stopped_reason"] == "reminded"


@pytest.mark.asyncio
async def test_what_a_process_left_in_the_inbox_is_said_by_the_next_one(clock: ManualClock, tmp_path: Path) -> None:
    path = f"sqlite:///{tmp_path}/chat.db"
    async with silent(clock, store=path) as chats:
        clock.set_forward(2 * HOUR)
        assert len(await chats.store.fire()) == 1  # and then the process dies

    async with chats_of(clock, store=path) as chats:
        watching = chats.watch("ada", after="1")
        while (await anext(watching)).event.type != EventType.RUN_SUCCEEDED:
            pass
        assert await chats.fire_due() == []
        assert await said(chats) == ["Your plate?", "Still there? (car)"]


@pytest.mark.asyncio
async def test_a_thousand_are_reminded_at_once_each_once(clock: ManualClock, tmp_path: Path) -> None:
    async with chats_of(clock, *[say("Your plate?")] * 1000, store=f"sqlite:///{tmp_path}/chat.db") as chats:
        await asyncio.gather(*(chats.send(f"c{number}", "hi") for number in range(1000)))
        clock.set_forward(2 * HOUR)

        replies = await chats.fire_due()

        assert {reply.text for reply in replies} == {"Still there? (car)"}
        assert Counter(reply.conversation_id for reply in replies) == Counter(f"c{number}" for number in range(1000))
        assert await chats.fire_due() == []
    assert broken_invariants(tmp_path / "chat.db") == []


@pytest.mark.asyncio
async def test_of_two_processes_one_reminds(clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    clock.set_forward(-365 * DAY)  # for the processes, whose clock is the real one, all of it is long due
    async with chats_of(clock, *[say("Your plate?")] * 200, store=f"sqlite:///{path}") as chats:
        await asyncio.gather(*(chats.send(f"c{number}", "hi") for number in range(200)))

    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).parent / "quiet_room.py"),
            str(path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        await process.stdin.drain()
    for process in processes:
        await process.communicate()
        assert process.returncode == 0

    connection = sqlite3.connect(path)
    reminded = connection.execute("SELECT count(*) FROM turns WHERE reply = 'Still there? (car)'").fetchone()
    twice = connection.execute("SELECT conversation FROM turns GROUP BY conversation HAVING count(*) <> 2").fetchall()
    connection.close()
    assert (reminded, twice) == ((200,), [])
    assert broken_invariants(path) == []


@pytest.mark.asyncio
async def test_nobody_is_reminded_while_a_call_waits_for_approval(clock: ManualClock) -> None:
    class Patient(Desk):
        on_idle = remind("1h", say="Hello?")

    agent = Patient.agent(ScriptedLLM(call("pay"), say("Paid.")), provide=[Ledger()])
    async with Runtime("memory://", [agent], clock=clock) as chats:
        paused = await chats.send("ada", "pay", message_id="m1")
        assert paused.status == "paused"
        clock.set_forward(DAY)
        assert await chats.fire_due() == []

        await chats.approve("ada", paused.pending[0].call_id)
        assert (await chats.reply_to("ada", "m1")).text == "Paid."
        clock.set_forward(HOUR)
        assert [reply.text for reply in await chats.fire_due()] == ["Hello?"]


@pytest.mark.asyncio
async def test_nobody_is_reminded_while_a_person_has_the_conversation(clock: ManualClock) -> None:
    async with silent(clock, say("Your plate?"), say("Back again.")) as chats:
        await chats.hand_over("ada", to="support")
        await chats.send("ada", "are you human?")
        await chats.say("ada", "I am.", by="eve")
        clock.set_forward(30 * DAY)
        assert await chats.fire_due() == []
        assert await chats.timers("ada") == []

        await chats.hand_back("ada", by="eve")
        clock.set_forward(2 * HOUR)
        assert len(await chats.fire_due()) == 1


@pytest.mark.asyncio
async def test_what_silence_brought_is_dropped_when_a_person_takes_over_first(clock: ManualClock) -> None:
    async with silent(clock) as chats:
        clock.set_forward(2 * HOUR)
        ((_, message_id),) = await chats.store.fire()
        await chats.hand_over("ada", to="support")
        chats.host.deliver("ada")
        await chats.send("ada", "hi")

        assert (await chats.reply_to("ada", message_id)).status == "superseded"
        assert await said(chats) == ["Your plate?"]


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["erase", "clear"])
async def test_a_conversation_that_is_erased_or_cleared_is_left_alone(clock: ManualClock, how: str) -> None:
    async with silent(clock) as chats:
        await chats.schedule("ada", "payment arrived", after="1h")
        if how == "erase":
            assert await chats.erase("ada")
            assert await chats.timers("ada") == []
        else:
            await chats.unschedule("ada", (await chats.timers("ada"))[0].timer_id)
            await chats.store.clear_messages("ada")
        clock.set_forward(30 * DAY)

        assert await chats.fire_due() == []


@pytest.mark.asyncio
async def test_words_that_cannot_be_found_reach_nobody_and_do_not_stop_what_follows(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with silent(clock, call("go", to="broken"), say("Well?")) as chats:
        clock.set_forward(HOUR)
        (failed,) = await chats.fire_due()
        assert (failed.status, failed.text) == ("failed", "")
        assert "no such word" in caplog.text
        assert await said(chats) == [None, "Well?"]
        assert [each.content for each in await chats.history("ada") if each.role == "user"] == ["a quote"]

        clock.set_forward(HOUR)
        (expired,) = await chats.fire_due()
        assert (expired.stopped_reason, expired.text) == ("expired", "")
        assert (await chats.state("ada")).is_expired
        assert await chats.timers("ada") == []


@pytest.mark.asyncio
async def test_a_model_that_is_told_may_speak_but_not_do_what_needs_an_answer(clock: ManualClock) -> None:
    llm = ScriptedLLM(call("go", to="pay"), say("Shall I?"), call("buy"), say("Anything unclear?"))
    async with Runtime("memory://", [Quote], llm_client=llm, clock=clock) as chats:
        await chats.send("ada", "go")
        clock.set_forward(HOUR / 2)
        (reply,) = await chats.fire_due()

        assert reply.text == "Anything unclear?"
        assert (await chats.state("ada")).step is Quote.pay
        told = llm.requests[2].messages[-1]
        assert told["role"] == "system"
        assert told["content"].endswith("They are silent about car.")
        receipt = (await chats.turns("ada"))[-1].receipt
        assert receipt is not None
        assert receipt["silence"] == {"kind": "remind", "after": "30m"}


@pytest.mark.asyncio
async def test_a_model_that_was_told_goes_on_after_a_restart_where_it_was(clock: ManualClock, tmp_path: Path) -> None:
    class Moving(Journey):
        ask = step("Ask.", on_idle=remind("1h", tell="They are silent."))
        other = step("Ask otherwise.")

        @ask.tool(to=other, effect="state")
        def move(self) -> str:
            """Move on."""
            return "Moved."

    def calls_once(messages: list[Any]) -> Any:
        if messages[-1]["role"] == "user":
            return {"role": "assistant", "content": "Hello?"}
        function = {"name": "move", "arguments": "{}"}
        return {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": function}]}

    class Stuck(Held):
        async def generate(self, messages: list[Any], **options: Any) -> Any:
            if messages[-1]["role"] == "tool":
                self.may_reply.clear()
                is_stuck.set()
            return await super().generate(messages, **options)

    is_stuck = asyncio.Event()
    url, stuck = f"sqlite:///{tmp_path}/chat.db", Stuck(calls_once)
    host = LocalHost(sleep=clock.sleep, grace=0)
    async with Runtime(url, [Moving], llm_client=stuck, clock=clock, host=host) as chats:
        await chats.send("ada", "hi")
        clock.set_forward(HOUR)
        firing = asyncio.ensure_future(chats.fire_due())
        await is_stuck.wait()
    firing.cancel()
    await asyncio.gather(firing, return_exceptions=True)

    async with chats_of(clock, say("Shall we go on?"), agents=[Moving], store=url) as chats:
        watching = chats.watch("ada", after="1")
        while (await anext(watching)).event.type != EventType.RUN_SUCCEEDED:
            pass
        assert await said(chats) == ["Hello?", None, "Shall we go on?"]
        assert (await chats.state("ada")).step is Moving.other


@pytest.mark.asyncio
async def test_the_end_of_a_journey_is_waited_for_by_nobody(clock: ManualClock) -> None:
    async with silent(clock, call("go", to="sold")) as chats:
        assert await chats.timers("ada") == []


@pytest.mark.asyncio
async def test_a_form_asks_on_after_a_reminder_as_if_nothing_had_been(clock: ManualClock) -> None:
    class Person(BaseModel):
        name: str
        age: int

    form = FormJourney(Person, confirm=False, on_idle=remind("1d", say="So far: $recap."))
    async with Runtime("memory://", [form], llm_client=get_llm_client("offline"), clock=clock) as chats:
        await chats.send("ada", "hi")
        await chats.send("ada", "Ada")
        clock.set_forward(DAY)
        (reply,) = await chats.fire_due()
        assert reply.text == "So far: name: Ada. How old are you?"

        await chats.send("ada", "36")
        assert (await chats.state("ada")).result == Person(name="Ada", age=36)


@pytest.mark.asyncio
async def test_rules_are_those_of_the_code_that_runs_when_they_are_due(clock: ManualClock, tmp_path: Path) -> None:
    path = f"sqlite:///{tmp_path}/chat.db"
    async with silent(clock, store=path):
        pass
    clock.set_forward(2 * HOUR - SECOND)

    class Changed(Journey):
        key = "quote"
        kind: str = "car"
        ask = step("Ask.")
        on_idle = expire("7d", say="Bye.")

    async with chats_of(clock, agents=[Changed], store=path) as chats:
        clock.set_forward(SECOND)
        (reply,) = await chats.fire_due()
        assert (reply.text, reply.stopped_reason) == ("", "not_idle")
        assert await said(chats) == ["Your plate?"]

        clock.set_forward(7 * DAY)
        assert [each.text for each in await chats.fire_due()] == ["Bye."]


@pytest.mark.asyncio
async def test_the_long_form_has_reminders_too(clock: ManualClock) -> None:
    from dataclasses import dataclass
    from enum import StrEnum

    from agent_runtime_framework import BaseJourneyState, BaseJourneyTools, JourneyAgent

    class Place(StrEnum):
        ASK = "ask"
        GONE = "gone"

    @dataclass
    class State(BaseJourneyState[Place]):
        step: Place = Place.ASK
        name: str = "Ada"

        def is_complete(self) -> bool:
            return self.step is Place.GONE

        def to_dict(self) -> dict[str, Any]:
            return {"step": self.step.value, "name": self.name}

        @classmethod
        def from_dict(cls, data: dict[str, Any]) -> State:
            return cls(Place(data["step"]), data["name"])

    class Long(JourneyAgent[State, BaseJourneyTools[State], Place]):
        key = "long"  # pyright: ignore[reportAssignmentType]

        def get_initial_state(self) -> State:
            return State()

        def get_system_prompt(self, state: State) -> str:
            return "Ask."

        def get_tool_schemas(self, state: State) -> list[Any]:
            return []

        def create_tools(self, state: State, ctx: Any) -> BaseJourneyTools[State]:
            return BaseJourneyTools(state)

        def on_idle(self, state: State) -> list[Any]:
            return [remind("1h", say=f"{state.name}?"), expire("2h", to=Place.GONE, say="Bye.")]

    async with chats_of(clock, agents=[Long(ScriptedLLM(say("Hello.")))]) as chats:
        await chats.send("ada", "hi")
        for expected in ("Ada?", "Bye."):
            clock.set_forward(HOUR)
            assert [reply.text for reply in await chats.fire_due()] == [expected]
        assert (await chats.state("ada")).step is Place.GONE
        assert await chats.timers("ada") == []


@pytest.mark.asyncio
async def test_a_business_event_comes_at_its_time(clock: ManualClock) -> None:
    llm = ScriptedLLM(say("Your plate?"), say("Your payment has arrived."))
    async with Runtime("memory://", [Quote], llm_client=llm, clock=clock) as chats:
        await chats.send("ada", "hi")
        timer = await chats.schedule("ada", {"payment": "arrived"}, after="1h", timer_id="pay")
        assert timer.due_at == "2026-01-01T01:00:00.000+00:00"
        await chats.schedule("ada", {"payment": "arrived"}, at=clock.now() + 1.5 * HOUR, timer_id="pay")
        await chats.schedule("ada", "never mind", after="1h", timer_id="other")
        assert await chats.unschedule("ada", "other")
        clock.set_forward(HOUR)
        assert await chats.fire_due() == []

        clock.set_forward(HOUR / 2)
        (reply,) = await chats.fire_due()

        assert reply.text == "Your payment has arrived."
        assert llm.requests[1].messages[-1]["content"].endswith('{"payment": "arrived"}')
        clock.set_forward(2 * HOUR - SECOND)
        assert await chats.fire_due() == []
        clock.set_forward(SECOND)
        assert [each.stopped_reason for each in await chats.fire_due()] == ["reminded"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "give one of them"),
        ({"after": "1h", "at": datetime(2026, 1, 1, tzinfo=UTC)}, "give one of them"),
        ({"at": datetime(2026, 1, 1)}, "no time zone"),  # noqa: DTZ001  that is the mistake
        ({"after": "soon"}, "no time that can be read"),
        ({"after": "1h", "timer_id": ""}, "timer_id ''"),
        ({"after": "1h", "agent": "nobody"}, "no agent 'nobody'"),
    ],
)
async def test_a_time_that_is_none_is_refused(clock: ManualClock, options: Any, complaint: str) -> None:
    async with chats_of(clock) as chats:
        with pytest.raises(ConfigurationError, match=complaint):
            await chats.schedule("ada", "payment", **options)


@pytest.mark.asyncio
async def test_a_clock_is_for_a_store_that_is_opened_with_it(clock: ManualClock) -> None:
    async with silent(clock) as chats:
        with pytest.raises(ConfigurationError, match="give the store itself its clock"):
            Runtime(chats.store, [Quote], clock=clock)


@pytest.mark.asyncio
async def test_a_message_that_comes_while_the_reminder_is_being_said_is_answered_after_it(clock: ManualClock) -> None:
    async with silent(clock, say("Your plate?"), say("Thanks.")) as chats:
        clock.set_forward(2 * HOUR)
        await chats.store.fire()
        claim = await chats.store.claim("ada", Lease(owner="me", ttl=HOUR))
        assert claim is not None
        waiting = await chats.accept("ada", "M-X 1", message_id="m2")
        assert waiting.status == "waiting"
        await chats.store.release(claim)
        chats.host.deliver("ada")

        assert (await chats.reply_to("ada", "m2")).text == "Thanks."
        assert await said(chats) == ["Your plate?", "Still there? (car)", "Thanks."]


@pytest.mark.asyncio
async def test_conversations_that_are_only_waited_for_keep_no_task(clock: ManualClock) -> None:
    host = LocalHost(sleep=clock.sleep)
    before = len(asyncio.all_tasks())
    async with Runtime(
        "memory://", [Quote], llm_client=ScriptedLLM(*[say("Hi.")] * 50), clock=clock, host=host
    ) as chats:
        await asyncio.gather(*(chats.send(f"c{number}", "hi") for number in range(50)))

        assert len(asyncio.all_tasks()) - before <= 3  # the sweep, the leases, the timers
