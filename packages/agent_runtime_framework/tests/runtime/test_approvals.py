"""Calls that wait for a person: recorded, given up, decided, and gone on with at that very call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import help_desk
import pytest
from corner_shop import Held, Ledger, echo, first_calls
from help_desk import Desk

from agent_runtime_core.interfaces import EventType
from agent_runtime_framework.errors import AlreadyDecided, ConversationBusy, NotPending
from agent_runtime_framework.events import Event
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.runtime.feed import Told
from agent_runtime_framework.store.delivery import Deciding, Lease
from agent_runtime_framework.store.open import open_durable_store
from agent_runtime_framework.testing import ScriptedLLM, call, say
from agent_runtime_framework.testing.invariants import broken_invariants


def desk(llm: Any, ledger: Ledger | None = None, store: str = "memory://", **options: Any) -> Runtime:
    return Runtime(store, agents=[Desk.agent(llm, provide=[ledger or Ledger()])], **options)


@pytest.mark.asyncio
async def test_a_call_that_needs_agreement_pauses_the_turn_and_send_returns() -> None:
    ledger = Ledger()
    async with desk(Held(first_calls("add", "pay")), ledger, approval_note="Wait, please.") as chats:
        reply = await chats.send("ada", "pay", message_id="m1")

        assert (reply.status, reply.text, reply.stopped_reason) == ("paused", "Wait, please.", "paused")
        assert [(each.tool, each.reason, each.turn) for each in reply.pending] == [
            ("pay", "a person has to agree to it first", 1)
        ]
        assert reply.pending[0].since
        assert list(reply.pending) == await chats.pending("ada") == await chats.pending()
        assert await chats.pending("bob") == []
        assert ledger.done == []
        assert not chats.host.is_at("ada")
        assert await chats.store.stranded() == []
        again = await chats.send("ada", "pay", message_id="m1")
        assert again == reply


@pytest.mark.asyncio
async def test_an_approved_call_runs_once_and_nothing_earlier_runs_again() -> None:
    ledger, llm = Ledger(), Held(first_calls("add", "pay"))
    async with desk(llm, ledger) as chats:
        paused = await chats.send("ada", "pay", message_id="m1")
        waiting = asyncio.ensure_future(chats.reply_to("ada", "m1"))
        await asyncio.sleep(0)
        assert await chats.approve("ada", paused.pending[0].call_id, by="anna", note="fine") is True
        reply = await waiting

        assert (reply.status, reply.text, reply.pending) == ("answered", "added paid", ())
        assert ledger.done == ["pay"]
        assert (await chats.state("ada")).count == 11
        assert len(llm.requests) == 3
        receipt = (await chats.turns("ada"))[0].receipt or {}
        (decision,) = receipt["approvals"]
        assert {**decision, "at": ""} == {
            "call_id": paused.pending[0].call_id,
            "tool": "pay",
            "decision": "approved",
            "by": "anna",
            "note": "fine",
            "at": "",
        }
        assert decision["at"]
        assert await chats.pending() == []


@pytest.mark.asyncio
async def test_a_rejected_call_is_told_to_the_model_with_the_reason() -> None:
    ledger, llm = Ledger(), ScriptedLLM(call("pay"), say("Sorry, not today."))
    async with desk(llm, ledger) as chats:
        paused = await chats.send("ada", "pay", message_id="m1")
        await chats.reject("ada", paused.pending[0].call_id, by="anna", reason="too often.")

        assert (await chats.reply_to("ada", "m1")).text == "Sorry, not today."
        assert llm.requests[1].messages[-1]["content"] == ("Error: pay did not run; rejected by a person: too often.")
        assert ledger.done == []


@pytest.mark.asyncio
async def test_a_decision_is_made_once_and_stands() -> None:
    async with desk(Held(first_calls("pay"))) as chats:
        paused = await chats.send("ada", "pay", message_id="m1")
        call_id = paused.pending[0].call_id
        with pytest.raises(NotPending, match="never waited"):
            await chats.approve("ada", "nonsense")
        with pytest.raises(NotPending, match="never waited"):
            await chats.approve("bob", call_id)
        assert await chats.approve("ada", call_id, by="anna") is True
        assert await chats.approve("ada", call_id, by="bert") is False
        with pytest.raises(AlreadyDecided, match="was approved by 'anna'"):
            await chats.reject("ada", call_id, by="bert")
        await chats.reply_to("ada", "m1")
        assert await chats.approve("ada", call_id) is False


@pytest.mark.asyncio
async def test_two_persons_who_decide_at_once_do_not_both_win() -> None:
    async with desk(Held(first_calls("pay"))) as chats:
        paused = await chats.send("ada", "pay", message_id="m1")
        call_id = paused.pending[0].call_id
        decided = await asyncio.gather(
            *(chats.approve("ada", call_id, by=f"{each}") for each in range(5)),
            *(chats.reject("ada", call_id, by=f"{each}") for each in range(5)),
            return_exceptions=True,
        )

        assert decided.count(True) == 1
        assert sum(isinstance(each, AlreadyDecided) for each in decided) == 5


@pytest.mark.asyncio
@pytest.mark.parametrize("rule_holds", [True, False])
async def test_a_rule_decides_on_the_arguments_who_has_to_be_asked(rule_holds: bool) -> None:
    ledger, amount = Ledger(), 500 if rule_holds else 5
    async with desk(ScriptedLLM(call("refund", amount=amount), say("Done.")), ledger) as chats:
        reply = await chats.send("ada", "money back", message_id="m1")
        if rule_holds:
            assert (reply.status, reply.text) == ("paused", "Somebody looks at the 100.")
            assert (reply.pending[0].reason, reply.pending[0].arguments) == ("500 is more than 100", {"amount": 500})
            await chats.approve("ada", reply.pending[0].call_id)
            reply = await chats.reply_to("ada", "m1")

        assert (reply.text, ledger.done) == ("Done.", [f"refund {amount} cash"])


@pytest.mark.asyncio
async def test_sensitive_values_are_masked_for_who_decides_and_whole_for_the_tool() -> None:
    ledger = Ledger()
    async with desk(ScriptedLLM(call("refund", amount=500, to="4111 1111 1111 1111"), say("Done.")), ledger) as chats:
        await chats.store.save_state("ada", "desk", '{"step": "serve", "card": "4111111111111111"}')
        reply = await chats.send("ada", "money back", message_id="m1")

        assert reply.pending[0].arguments == {"amount": 500, "to": "•••"}
        await chats.approve("ada", reply.pending[0].call_id)
        await chats.reply_to("ada", "m1")
        assert ledger.done == ["refund 500 4111 1111 1111 1111"]


@pytest.mark.asyncio
async def test_guards_are_asked_again_when_it_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, llm = Ledger(), ScriptedLLM(call("pay"), say("Closed."))
    async with desk(llm, ledger) as chats:
        paused = await chats.send("ada", "pay", message_id="m1")
        monkeypatch.setattr(help_desk, "CLOSED", ["for today"])
        await chats.approve("ada", paused.pending[0].call_id)

        assert (await chats.reply_to("ada", "m1")).text == "Closed."
        assert "pay is not possible now: the desk is closed" in llm.requests[1].messages[-1]["content"]
        assert ledger.done == []


@pytest.mark.asyncio
async def test_several_calls_of_a_reply_each_wait_for_their_own_decision() -> None:
    ledger = Ledger()
    llm = ScriptedLLM([call("pay"), call("add"), call("pay")], say("Done."))
    async with desk(llm, ledger, max_attempts=1) as chats:
        first = await chats.send("ada", "pay twice", message_id="m1")
        await chats.approve("ada", first.pending[0].call_id)
        # The same message again: as before, until it is answered or has to wait again.
        second = (await chats.send("ada", "pay twice", message_id="m1")).pending
        assert second[0].call_id != first.pending[0].call_id
        assert ledger.done == ["pay"]
        await chats.reject("ada", second[0].call_id, reason="once is enough")

        assert (await chats.reply_to("ada", "m1")).text == "Done."
        assert ledger.done == ["pay"]
        assert (await chats.state("ada")).count == 11
        receipt = (await chats.turns("ada"))[0].receipt or {}
        assert [each["decision"] for each in receipt["approvals"]] == ["approved", "rejected"]


@pytest.mark.asyncio
async def test_a_pause_outlives_the_process_and_another_one_goes_on(tmp_path: Path) -> None:
    ledger, store = Ledger(), f"sqlite:///{tmp_path}/chat.db"
    llm = Held(first_calls("add", "pay"))
    async with desk(llm, ledger, store) as chats:
        call_id = (await chats.send("ada", "pay", message_id="m1")).pending[0].call_id
    async with desk(llm, ledger, store) as chats:
        assert (await chats.send("ada", "pay", message_id="m1")).status == "paused"
        assert [each.call_id for each in await chats.pending()] == [call_id]
        await chats.approve("ada", call_id)
        assert (await chats.reply_to("ada", "m1")).text == "added paid"
    assert (ledger.done, len(llm.requests)) == (["pay"], 3)
    assert broken_invariants(tmp_path / "chat.db") == []


@pytest.mark.asyncio
async def test_what_is_decided_while_no_process_lives_is_done_when_one_starts(tmp_path: Path) -> None:
    ledger, store = Ledger(), f"sqlite:///{tmp_path}/chat.db"
    llm = Held(first_calls("add", "pay"))
    async with desk(llm, ledger, store) as chats:
        call_id = (await chats.send("ada", "pay", message_id="m1")).pending[0].call_id
    # Whoever decides needs the store alone; no agent, no model.
    opened = open_durable_store(store)
    assert await opened.decide("ada", Deciding(call_id=call_id, is_approved=True, by="anna"))
    await opened.aclose()
    async with desk(llm, ledger, store) as chats:
        assert (await chats.reply_to("ada", "m1")).text == "added paid"
    assert ledger.done == ["pay"]


@pytest.mark.asyncio
async def test_nobody_can_claim_a_turn_that_waits_for_a_person() -> None:
    async with desk(Held(first_calls("pay"))) as chats:
        await chats.send("ada", "pay", message_id="m1")
        lease = Lease(owner="somebody", ttl=timedelta(seconds=30))
        assert await chats.store.claim("ada", lease, gone="anybody") is None
        assert (await chats.send("ada", "pay", message_id="m1")).status == "paused"


@pytest.mark.asyncio
async def test_a_decision_in_the_very_moment_of_the_pause_is_not_overlooked() -> None:
    ledger, deciding = Ledger(), list[asyncio.Task[bool]]()

    class Hasty:
        def push(self, event: Event) -> None:
            if event.type == EventType.RUN_PAUSED:
                call_id = event.payload["tool_call_id"]
                deciding.append(asyncio.ensure_future(chats.approve("ada", call_id)))

    agent = Desk.agent(Held(first_calls("pay")), provide=[ledger], sinks=[Hasty()])
    async with Runtime("memory://", agents=[agent], host=LocalHost(sweep=3600)) as chats:
        await chats.accept("ada", "pay", message_id="m1")
        # Nobody waits for the reply, and nobody looks for what was left.
        await asyncio.wait_for(ledger.has_begun.wait(), 5)
        assert [await each for each in deciding] == [True]


@pytest.mark.asyncio
async def test_messages_behind_a_pause_wait_for_it() -> None:
    async with desk(Held(first_calls("pay"))) as chats:
        paused = await chats.send("ada", "pay", message_id="m1")
        behind = await chats.accept("ada", "and?", message_id="m2")
        assert behind.status == "waiting"
        assert await chats.store.stranded() == []
        with pytest.raises(ConversationBusy, match="a person's agreement"):
            await chats.accept("ada", "hello?", policy="reject")
        await chats.approve("ada", paused.pending[0].call_id)
        second = await chats.send("ada", "and?", message_id="m2")
        await chats.approve("ada", second.pending[0].call_id)

        assert [(await chats.reply_to("ada", each)).turn for each in ("m1", "m2")] == [1, 2]


@pytest.mark.asyncio
async def test_an_interruption_ends_the_pause_and_the_call_was_not_run() -> None:
    ledger = Ledger()
    llm = ScriptedLLM([call("add"), call("pay")], say("Never mind."))
    async with desk(llm, ledger) as chats:
        paused = await chats.send("ada", "pay", message_id="m1")
        reply = await chats.send("ada", "no, stop", policy="interrupt")

        assert reply.text == "Never mind."
        assert (await chats.reply_to("ada", "m1")).status == "superseded"
        told = [each.content for each in await chats.history("ada") if each.role == "tool"]
        assert told == ["added", "Error: not run, because the conversation went on before this call's turn came."]
        assert (await chats.state("ada")).count == 1
        with pytest.raises(NotPending, match="its turn ended"):
            await chats.approve("ada", paused.pending[0].call_id)
        assert await chats.pending() == []


@pytest.mark.asyncio
async def test_cancelling_ends_the_pause() -> None:
    llm = Held(first_calls("pay"))
    async with desk(llm) as chats:
        await chats.send("ada", "pay", message_id="m1")
        assert await chats.cancel("ada")
        assert (await chats.reply_to("ada", "m1")).status == "cancelled"
        llm._reply = echo  # pyright: ignore[reportPrivateUsage]  the model of the next turn
        assert (await chats.send("ada", "hi")).text == "You said: hi"


@pytest.mark.asyncio
async def test_whoever_watches_through_a_pause_hears_all_of_what_follows() -> None:
    async with desk(Held(first_calls("pay"))) as chats:
        chats.keep_events()
        told = chats.watch("ada", after="0")
        sending = asyncio.ensure_future(chats.send("ada", "pay", message_id="m1"))
        before = [each async for each in until(told, EventType.RUN_PAUSED)]
        await sending
        await chats.approve("ada", (await chats.pending())[0].call_id, by="anna")
        after = [each async for each in until(told, EventType.RUN_SUCCEEDED)]

    types = [each.event.type for each in after]
    assert types[:2] == [EventType.RUN_STARTED, EventType.APPROVAL_DECIDED]
    positions = [each.position for each in [*before, *after] if each.position is not None]
    assert positions == sorted(set(positions))


async def until(told: AsyncIterator[Told], kind: EventType) -> AsyncIterator[Told]:
    """What is told up to an event of this kind."""
    async for each in told:
        yield each
        if each.event.type == kind:
            return


@pytest.mark.asyncio
async def test_both_parts_of_a_paused_turn_can_be_watched() -> None:
    async with desk(Held(first_calls("pay"))) as chats:
        seen = [event async for event in chats.stream("ada", "pay", message_id="m1")]
        types = [event.type for event in seen]
        assert types[-2:] == [EventType.ASSISTANT_MESSAGE, EventType.RUN_PAUSED]
        assert EventType.RUN_SUCCEEDED not in types
        assert seen[-1].payload["tool_call_id"] == (await chats.pending())[0].call_id
        late = [event async for event in chats.stream("ada", "pay", message_id="m1")]
        assert [event.type for event in late] == [EventType.ASSISTANT_MESSAGE, EventType.RUN_PAUSED]

        later: list[Any] = []

        async def watch() -> None:
            async for told in chats.watch("ada"):
                later.append(told.event.type)
                if told.event.type == EventType.RUN_SUCCEEDED:
                    return

        watching = asyncio.ensure_future(watch())
        await asyncio.sleep(0.01)
        await chats.approve("ada", seen[-1].payload["tool_call_id"], by="anna")
        await asyncio.wait_for(watching, 5)
        assert [each for each in later if each in (EventType.APPROVAL_DECIDED, EventType.TOOL_RESULT)] == [
            EventType.APPROVAL_DECIDED,
            EventType.TOOL_RESULT,
        ]


@pytest.mark.asyncio
async def test_a_stop_that_comes_while_the_turn_comes_to_rest_ends_it() -> None:
    llm = Held(first_calls("pay"))
    llm.may_reply.clear()
    async with desk(llm) as chats:
        await chats.accept("ada", "pay", message_id="m1")
        await llm.is_asked.wait()
        # Only the store is told, as by another process.
        await chats.store.stop("ada", "cancelled")
        llm.may_reply.set()

        assert (await chats.reply_to("ada", "m1")).status == "cancelled"
        assert await chats.pending() == []
