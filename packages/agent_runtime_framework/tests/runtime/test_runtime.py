from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest
from corner_shop import Held, Ledger, Shop, echo, first_calls
from pydantic import BaseModel

from agent_runtime_framework import AgentContext
from agent_runtime_framework.agents.short_form import ClassAgent
from agent_runtime_framework.crash_points import watched
from agent_runtime_framework.errors import ConfigurationError, ConversationBusy
from agent_runtime_framework.journey import FormJourney
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.testing import ScriptedLLM, call, say
from agent_runtime_framework.testing.invariants import broken_invariants


def shop(llm: Any, ledger: Ledger | None = None) -> Any:
    return Shop.agent(llm, provide=[ledger or Ledger()])


def runtime(llm: Any, ledger: Ledger | None = None, store: str = "memory://", **options: Any) -> Runtime:
    return Runtime(store, agents=[shop(llm, ledger)], **options)


@pytest.mark.asyncio
async def test_a_message_is_answered_and_everything_is_kept() -> None:
    llm = ScriptedLLM(call("pick", kind="car"), say("A car. Buy it?"), call("buy"))
    async with runtime(llm) as chats:
        first = await chats.send("ada", "a car", message_id="m1")
        second = await chats.send("ada", "yes")

        assert (first.text, first.status, str(first)) == ("A car. Buy it?", "answered", "A car. Buy it?")
        assert second.text == "You have it."
        assert (await chats.state("ada")).kind == "car"
        assert [each.role for each in await chats.history("ada")] == [
            "user", "assistant", "tool", "assistant", "user", "assistant", "tool", "assistant",
        ]  # fmt: skip
        turns = await chats.turns("ada")
        assert [(turn.no, turn.status, turn.step) for turn in turns] == [
            (1, "answered", "offer"),
            (2, "answered", "done"),
        ]
        assert [each.conversation_id for each in await chats.conversations()] == ["ada"]


@pytest.mark.asyncio
async def test_the_receipt_says_what_was_offered_called_and_where_it_led() -> None:
    async with runtime(ScriptedLLM(call("pick", kind="car"), call("charge"), say("Buy it?"))) as chats:
        await chats.send("ada", "a car")

        receipt = (await chats.turns("ada"))[0].receipt
        assert receipt is not None
        assert (receipt["step_before"], receipt["step_after"]) == (None, "offer")
        assert [line["call"]["name"] for line in receipt["done"] if "call" in line] == ["pick", "charge"]
        assert [next(iter(line)) for line in receipt["done"]] == ["model", "call", "move", "model", "call", "model"]
        assert receipt["done"][2]["move"] == {"to": "offer", "by": "call"}
        assert receipt["done"][3]["model"]["offered"] == ["buy"]
        refused = {"name": "charge", "effect": None, "ok": False, "refused": True, "why": "unknown_tool"}
        assert receipt["done"][4]["call"] == refused
        assert receipt["fields"] == {"set": ["kind"]}


@pytest.mark.asyncio
@pytest.mark.parametrize(("tool", "expected"), [("add", 3), ("charge", 4)])
async def test_a_turn_of_three_calls_costs_few_transactions(tool: str, expected: int, tmp_path: Path) -> None:
    reached: list[str] = []
    async with runtime(Held(first_calls(tool)), store=f"sqlite:///{tmp_path}/chat.db") as chats:
        await chats.send("bob", "hi")
        with watched(reached.append):
            await chats.send("ada", "hi")

    assert reached.count("transaction:after") == expected


@pytest.mark.asyncio
async def test_the_same_message_id_gets_the_same_reply_also_after_a_restart(tmp_path: Path) -> None:
    llm = Held(echo)
    replies = list[str]()
    for _ in range(2):
        async with runtime(llm, store=f"sqlite:///{tmp_path}/chat.db") as chats:
            found = await asyncio.gather(*(chats.send("ada", "hi", message_id="m1") for _ in range(50)))
            replies += [each.text for each in found]

    assert replies == ["You said: hi"] * 100
    assert len(llm.requests) == 1


@pytest.mark.asyncio
async def test_a_hundred_messages_at_once_are_answered_one_after_the_other_in_order() -> None:
    async with runtime(Held(first_calls("add"))) as chats:
        replies = await asyncio.gather(*(chats.send("ada", f"{number}") for number in range(100)))

        assert [reply.text for reply in replies] == [f"{number}" for number in range(1, 101)]
        assert [reply.turn for reply in replies] == list(range(1, 101))
        said = [each.content for each in await chats.history("ada") if each.role == "user"]
        assert said == [f"{number}" for number in range(100)]


@pytest.mark.asyncio
async def test_a_message_beyond_the_limit_is_refused() -> None:
    llm = Held(echo)
    llm.may_reply.clear()
    async with runtime(llm, max_waiting=2) as chats:
        for number in range(3):
            await chats.accept("ada", f"{number}", message_id=f"m{number}")
        with pytest.raises(ConversationBusy):
            await chats.accept("ada", "3")
        llm.may_reply.set()

        assert (await chats.reply_to("ada", "m2")).text == "You said: 2"


@pytest.mark.asyncio
async def test_accept_returns_before_the_answer_and_reply_to_waits_for_it() -> None:
    llm = Held(echo)
    llm.may_reply.clear()
    async with runtime(llm) as chats:
        accepted = await chats.accept("ada", "hi")
        llm.may_reply.set()

        assert (accepted.status, accepted.text) == ("running", "")
        assert (await chats.reply_to("ada", accepted.message_id)).text == "You said: hi"


Moment = Literal["in the model", "in a tool"]


async def busy(chats: Runtime, llm: Held, ledger: Ledger, moment: Moment) -> None:
    """Let a turn of 'ada' be in the midst of something."""
    if moment == "in the model":
        llm.may_reply.clear()
        await chats.accept("ada", "first", message_id="first")
        await llm.is_asked.wait()
    else:
        ledger.may_go_on.clear()
        await chats.accept("ada", "first", message_id="first")
        await ledger.has_begun.wait()


def go_on(llm: Held, ledger: Ledger) -> None:
    llm.may_reply.set()
    ledger.may_go_on.set()


@pytest.mark.asyncio
@pytest.mark.parametrize("moment", ["in the model", "in a tool"])
async def test_interrupt_stops_the_turn_and_answers_the_new_message(moment: Moment) -> None:
    llm, ledger = Held(first_calls("charge")), Ledger()
    async with runtime(llm, ledger) as chats:
        await busy(chats, llm, ledger, moment)
        await chats.accept("ada", "waits", message_id="waits")
        answering = asyncio.ensure_future(chats.send("ada", "second", policy="interrupt"))
        first = await chats.reply_to("ada", "first")
        go_on(llm, ledger)

        assert (await answering).text == "Charged."
        assert first.status == "superseded"
        assert (await chats.reply_to("ada", "waits")).status == "superseded"
        assert ledger.done == ["charge"] * (2 if moment == "in a tool" else 1)
        told = [each.content for each in await chats.history("ada") if each.role == "tool"]
        assert told == ([INTERRUPTED, "Charged."] if moment == "in a tool" else ["Charged."])


@pytest.mark.asyncio
@pytest.mark.parametrize("moment", ["in the model", "in a tool"])
async def test_cancel_ends_the_turn_and_leaves_the_conversation_usable(moment: Moment) -> None:
    llm, ledger = Held(first_calls("charge")), Ledger()
    async with runtime(llm, ledger) as chats:
        assert not await chats.cancel("ada")
        await busy(chats, llm, ledger, moment)

        assert await chats.cancel("ada")
        assert (await chats.reply_to("ada", "first")).status == "cancelled"
        go_on(llm, ledger)
        assert (await chats.send("ada", "again")).text == "Charged."
        # What the cancelled tool did to the state was put back.
        assert (await chats.state("ada")).count == 10


@pytest.mark.asyncio
@pytest.mark.parametrize("moment", ["in the model", "in a tool"])
async def test_reject_refuses_while_a_turn_runs(moment: Moment) -> None:
    llm, ledger = Held(first_calls("charge")), Ledger()
    async with runtime(llm, ledger, policy="reject") as chats:
        await busy(chats, llm, ledger, moment)
        with pytest.raises(ConversationBusy):
            await chats.send("ada", "second")
        go_on(llm, ledger)
        await chats.reply_to("ada", "first")

        assert (await chats.send("ada", "third")).status == "answered"


@pytest.mark.asyncio
async def test_merge_answers_what_came_meanwhile_in_one_turn() -> None:
    llm, ledger = Held(echo), Ledger()
    async with runtime(llm, ledger, policy="merge") as chats:
        await busy(chats, llm, ledger, "in the model")
        for text in ("one", "two"):
            await chats.accept("ada", text, message_id=text)
        go_on(llm, ledger)
        one, two = await chats.reply_to("ada", "one"), await chats.reply_to("ada", "two")

        assert (one.text, two.text) == ("You said: two", "You said: two")
        assert one.turn == two.turn == 2
        assert (await chats.send("ada", "again", message_id="two")).status == "merged"


@pytest.mark.asyncio
async def test_a_turn_that_fails_ends_politely_and_the_next_works(caplog: pytest.LogCaptureFixture) -> None:
    llm = ScriptedLLM(call("add"), ConnectionError("gone"), say("Fine."))
    async with runtime(llm, apology="Sorry.") as chats:
        broken = await chats.send("ada", "hi", message_id="m1")
        again = await chats.send("ada", "hi", message_id="m1")
        fine = await chats.send("ada", "still there?")

        assert (broken.status, again.status) == ("failed", "failed")
        assert broken.stopped_reason == "failed:ConnectionError"
        assert broken.text == again.text != ""
        assert fine.text == "Fine."
        assert (await chats.state("ada")).count == 1
        assert [each.role for each in await chats.history("ada")] == [
            "user", "assistant", "tool", "assistant", "user", "assistant",
        ]  # fmt: skip
    assert "gone" in caplog.text


@pytest.mark.asyncio
async def test_what_is_unfinished_when_the_runtime_closes_is_continued_by_the_next(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/chat.db"
    llm, ledger = Held(first_calls("add", "look")), Ledger()
    ledger.may_go_on.clear()
    async with runtime(llm, ledger, store, host=LocalHost(grace=0)) as chats:
        await chats.accept("ada", "hi", message_id="m1")
        await ledger.has_begun.wait()
    ledger.may_go_on.set()
    async with runtime(llm, ledger, store) as chats:
        reply = await chats.reply_to("ada", "m1")

        assert reply.text == "1 Seen."
        assert len(llm.requests) == 3
        assert ledger.done == ["look", "look"]
        assert [turn.attempts for turn in await chats.turns("ada")] == [1]


@pytest.mark.asyncio
async def test_a_once_tool_that_was_cut_off_is_not_run_again_and_its_outcome_is_told_as_unknown(
    tmp_path: Path,
) -> None:
    store = f"sqlite:///{tmp_path}/chat.db"
    llm, ledger = Held(first_calls("charge")), Ledger()
    ledger.may_go_on.clear()
    async with runtime(llm, ledger, store, host=LocalHost(grace=0)) as chats:
        await chats.accept("ada", "hi", message_id="m1")
        await ledger.has_begun.wait()
    async with runtime(llm, ledger, store) as chats:
        reply = await chats.reply_to("ada", "m1")

        assert reply.text == INTERRUPTED
        assert ledger.done == ["charge"]
        assert (await chats.state("ada")).count == 0
        receipt = (await chats.turns("ada"))[0].receipt
        assert receipt is not None
        assert receipt["done"][1]["call"]["unknown"] is True


@pytest.mark.asyncio
async def test_a_stream_shows_the_turn_and_a_late_one_its_reply() -> None:
    async with runtime(ScriptedLLM(call("add"), say("One."))) as chats:
        live = [event.type.value async for event in chats.stream("ada", "hi", message_id="m1")]
        late = [event async for event in chats.stream("ada", "hi", message_id="m1")]

        assert live[0] == "run.started"
        assert live[-2:] == ["assistant.message", "run.succeeded"]
        assert "tool.result" in live
        assert [event.text for event in late] == ["One.", ""]


@pytest.mark.asyncio
async def test_leaving_a_stream_does_not_stop_the_turn() -> None:
    async with runtime(ScriptedLLM(call("add"), say("One."))) as chats:
        stream = chats.stream("ada", "hi", message_id="m1")
        await anext(stream)
        await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  a generator

        assert (await chats.reply_to("ada", "m1")).text == "One."


@pytest.mark.asyncio
async def test_an_event_reaches_the_model_as_nobody_s_words() -> None:
    llm = Held(echo)
    async with runtime(llm) as chats:
        posted = await chats.post("ada", {"payment": "arrived"}, message_id="p1")
        await chats.reply_to("ada", posted.message_id)

        assert llm.requests[0][-1]["role"] == "system"
        assert '{"payment": "arrived"}' in llm.requests[0][-1]["content"]
        assert (await chats.post("ada", {"payment": "arrived"}, message_id="p1")).status == "answered"


@pytest.mark.asyncio
async def test_a_handle_speaks_for_its_conversation() -> None:
    async with runtime(Held(echo)) as chats:
        ada = chats.conversation("ada")

        assert (await ada.send("hi")).text == "You said: hi"
        assert [each.content for each in await ada.history()] == ["hi", "You said: hi"]
        assert (await ada.state()).step == Shop.choose


class Person(BaseModel):
    name: str


@pytest.mark.asyncio
async def test_classes_forms_and_agents_are_taken_as_they_are() -> None:
    async with Runtime(
        "memory://", agents=[Shop, FormJourney(Person)], llm_client=Held(echo), provide=[Ledger()]
    ) as chats:
        assert list(chats.agents) == ["shop", "person"]
        assert (await chats.send("ada", "hi")).text == "You said: hi"
        asked = await chats.send("bob", "hi", agent="person")
        assert (await chats.state("bob")).step.name == "answers"
        assert asked.status == "answered"
        # A conversation goes on with whoever answered last.
        assert (await chats.send("bob", "hello")).turn == 2
        assert [turn.agent_key for turn in await chats.turns("bob")] == ["person", "person"]


class KeepsItsOwn(ClassAgent[Shop]):
    async def save_state(self, ctx: AgentContext, state: Shop) -> None: ...


def test_an_agent_that_keeps_its_own_state_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="KeepsItsOwn overrides save_state, but under a Runtime the store"):
        Runtime("memory://", agents=[KeepsItsOwn(Shop)])


def test_two_agents_with_one_key_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two agents have the key 'shop'"):
        Runtime("memory://", agents=[Shop, Shop])


@pytest.mark.asyncio
async def test_what_cannot_be_is_said_clearly() -> None:
    chats = runtime(Held(echo))
    with pytest.raises(ConfigurationError, match="not open"):
        await chats.send("ada", "hi")
    async with chats:
        with pytest.raises(ConfigurationError, match="no agent 'nobody' is here; there are: shop"):
            await chats.send("ada", "hi", agent="nobody")
        with pytest.raises(ConfigurationError, match="message_id ''"):
            await chats.send("ada", "hi", message_id="")
        with pytest.raises(ConfigurationError, match="no message 'm9' was accepted"):
            await chats.reply_to("ada", "m9")


@pytest.mark.asyncio
@pytest.mark.parametrize("number", range(1, 21))
async def test_cancelled_at_any_place_the_conversation_stays_usable(number: int, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    ledger, reached = Ledger(), 0

    def cancel() -> None:
        cancelling.append(asyncio.ensure_future(chats.cancel("ada")))

    def watch(place: str) -> None:
        nonlocal reached
        reached += 1
        if reached == number:
            loop.call_soon_threadsafe(cancel)

    cancelling = list[asyncio.Future[bool]]()
    async with runtime(Held(first_calls("add", "charge")), ledger, f"sqlite:///{tmp_path}/chat.db") as chats:
        with watched(watch):
            first = await chats.send("ada", "first")
        second = await chats.send("ada", "second")

        assert len(cancelling) == 1
        assert first.status in ("answered", "cancelled")
        assert second.status == "answered"
        # The state is what the recorded calls make of it, and no result is missing.
        told = [each.content for each in await chats.history("ada") if each.role == "tool"]
        count = (await chats.state("ada")).count
        assert count == len([each for each in told if each.isdecimal()]) + 10 * told.count("Charged.")
        await asyncio.gather(*cancelling)
    assert broken_invariants(tmp_path / "chat.db") == []


@pytest.mark.asyncio
async def test_a_sender_who_gives_up_does_not_stop_the_turn() -> None:
    llm = Held(echo)
    llm.may_reply.clear()
    async with runtime(llm) as chats:
        sending = asyncio.ensure_future(chats.send("ada", "hi", message_id="m1"))
        await llm.is_asked.wait()
        sending.cancel()
        llm.may_reply.set()

        assert (await chats.reply_to("ada", "m1")).text == "You said: hi"


@pytest.mark.asyncio
async def test_a_turn_that_was_begun_too_often_ends_politely_with_what_was_recorded(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/chat.db"
    llm, ledger = Held(first_calls("add", "charge")), Ledger()
    ledger.may_go_on.clear()
    async with runtime(llm, ledger, store, host=LocalHost(grace=0)) as chats:
        await chats.accept("ada", "hi", message_id="m1")
        await ledger.has_begun.wait()
    async with runtime(llm, ledger, store, max_attempts=0, apology="Sorry.") as chats:
        reply = await chats.reply_to("ada", "m1")

        assert reply.status == "failed"
        assert [each.role for each in await chats.history("ada")][:4] == ["user", "assistant", "tool", "assistant"]
        assert (await chats.state("ada")).count == 1
        assert ledger.done == ["charge"]
