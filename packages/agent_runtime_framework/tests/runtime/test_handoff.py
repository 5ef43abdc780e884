"""Conversations that a person takes over, answers in, and hands back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from corner_shop import Held, Ledger, echo, first_calls
from help_desk import Desk

from agent_runtime_core.interfaces import EventType
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.testing import ScriptedLLM, call, say
from agent_runtime_framework.testing.invariants import broken_invariants


def desk(llm: Any, ledger: Ledger | None = None, store: str = "memory://", **options: Any) -> Runtime:
    return Runtime(store, agents=[Desk.agent(llm, provide=[ledger or Ledger()])], **options)


@pytest.mark.asyncio
async def test_a_step_hands_the_conversation_over_with_its_words() -> None:
    llm = Held(first_calls("escalate"))
    async with desk(llm) as chats:
        reply = await chats.send("ada", "a person, please")

        assert (reply.text, reply.status, reply.stopped_reason) == ("A colleague takes over.", "answered", "handed_off")
        (held,) = await chats.handed_over()
        assert (held.conversation_id, held.to, held.reason) == ("ada", "support", "step 'human'")
        assert held.since


@pytest.mark.asyncio
async def test_a_journey_that_is_stuck_hands_the_conversation_over() -> None:
    async with desk(ScriptedLLM(call("lose"), say("Hm?"), say("Hm."))) as chats:
        await chats.send("ada", "help")
        await chats.send("ada", "help!")
        reply = await chats.send("ada", "HELP")

        assert (reply.text, reply.stopped_reason) == ("A colleague takes over.", "handed_off")
        assert [each.reason for each in await chats.handed_over()] == ["stuck in 'stuck_here'"]


@pytest.mark.asyncio
async def test_while_a_person_has_the_conversation_no_model_is_asked_and_all_is_kept() -> None:
    llm = Held(echo)
    async with desk(llm) as chats:
        await chats.send("ada", "hi")
        before = await chats.state("ada")
        assert await chats.hand_over("ada", to="anna", reason="she knows them") is True
        assert await chats.hand_over("ada", to="anna") is False

        silent = await chats.send("ada", "is anybody there?", message_id="m2")
        said = await chats.say("ada", "This is Anna.", by="anna", message_id="a1")
        again = await chats.say("ada", "This is Anna.", by="anna", message_id="a1")

        assert (silent.text, silent.status, silent.stopped_reason) == ("", "answered", "handed_off")
        assert (said.text, said) == ("This is Anna.", again)
        assert await chats.state("ada") == before
        assert len(llm.requests) == 1
        history = await chats.history("ada")
        assert [(each.role, each.content) for each in history[2:]] == [
            ("user", "is anybody there?"),
            ("assistant", "This is Anna."),
        ]
        assert history[-1].metadata == {"by": "anna"}


@pytest.mark.asyncio
async def test_the_model_reads_all_that_was_said_when_the_conversation_is_handed_back() -> None:
    llm = Held(echo)
    async with desk(llm) as chats:
        await chats.send("ada", "hi")
        await chats.hand_over("ada")
        await chats.send("ada", "are you human?")
        await chats.say("ada", "I am.", by="anna")
        assert await chats.hand_back("ada", by="anna", note="They are fine.") is True
        assert await chats.hand_back("ada") is False
        assert await chats.handed_over() == []
        reply = await chats.send("ada", "thanks")

        assert reply.text == "You said: thanks"
        sent = llm.requests[-1]
        assert [(each["role"], each["content"]) for each in sent[3:]] == [
            ("user", "are you human?"),
            ("assistant", "I am."),
            (
                "system",
                "Until here, anna has answered the person in your place. You go on from here. "
                "What anna leaves you: They are fine.",
            ),
            ("user", "thanks"),
        ]
        assert all(each.keys() <= {"role", "content", "tool_calls", "tool_call_id", "name"} for each in sent)


@pytest.mark.asyncio
async def test_a_step_that_was_handed_over_is_left_when_it_comes_back() -> None:
    llm = Held(first_calls("escalate"))
    async with desk(llm) as chats:
        await chats.send("ada", "a person, please")
        await chats.hand_back("ada", by="anna")
        llm._reply = echo  # pyright: ignore[reportPrivateUsage]  the model of the next turn
        reply = await chats.send("ada", "and now?")

        assert reply.text == "You said: and now?"
        assert (await chats.state("ada")).step is Desk.serve
        assert await chats.handed_over() == []


@pytest.mark.asyncio
async def test_the_person_may_choose_the_step_in_which_it_goes_on() -> None:
    async with desk(Held(echo)) as chats:
        await chats.send("ada", "hi")
        await chats.hand_over("ada")
        with pytest.raises(ConfigurationError, match="'nowhere' is no step of Desk"):
            await chats.hand_back("ada", step="nowhere")
        assert len(await chats.handed_over()) == 1
        await chats.hand_back("ada", step="done")

        assert (await chats.state("ada")).step is Desk.done


@pytest.mark.asyncio
async def test_an_unknown_conversation_cannot_be_handed_over() -> None:
    async with desk(Held(echo)) as chats:
        with pytest.raises(ConfigurationError, match="no conversation 'ada'"):
            await chats.hand_over("ada")


@pytest.mark.asyncio
async def test_taking_over_ends_a_pause() -> None:
    ledger = Ledger()
    async with desk(Held(first_calls("pay")), ledger) as chats:
        await chats.send("ada", "pay", message_id="m1")
        await chats.hand_over("ada")

        assert (await chats.reply_to("ada", "m1")).status == "superseded"
        assert (await chats.send("ada", "hello?")).stopped_reason == "handed_off"
        assert await chats.pending() == []
        assert ledger.done == []


@pytest.mark.asyncio
async def test_a_turn_that_runs_ends_before_the_person_has_the_conversation() -> None:
    llm = Held(echo)
    llm.may_reply.clear()
    async with desk(llm) as chats:
        await chats.accept("ada", "hi", message_id="m1")
        await llm.is_asked.wait()
        await chats.hand_over("ada")
        saying = asyncio.ensure_future(chats.say("ada", "Anna here.", by="anna"))
        await asyncio.sleep(0)
        llm.may_reply.set()

        assert (await chats.reply_to("ada", "m1")).text == "You said: hi"
        await saying
        assert [each.content for each in await chats.history("ada")] == ["hi", "You said: hi", "Anna here."]


@pytest.mark.asyncio
async def test_what_the_person_says_hides_the_secrets_that_are_known() -> None:
    async with desk(Held(echo)) as chats:
        await chats.store.save_state("ada", "desk", '{"step": "serve", "card": "4111111111111111"}')
        await chats.hand_over("ada")
        await chats.send("ada", "it is 4111 1111 1111 1111")

        assert [each.content for each in await chats.history("ada")] == ["it is •••"]


@pytest.mark.asyncio
async def test_a_state_that_cannot_be_read_does_not_hold_up_the_conversation() -> None:
    async with desk(Held(echo)) as chats:
        await chats.store.save_state("ada", "desk", '{"step": "serve", "count": "no number"}')
        await chats.hand_over("ada")

        assert (await asyncio.wait_for(chats.send("ada", "hi"), 5)).status == "failed"
        assert (await chats.say("ada", "Anna here.", by="anna")).status == "answered"


@pytest.mark.asyncio
async def test_what_is_said_reaches_whoever_watches() -> None:
    async with desk(Held(echo)) as chats:
        await chats.send("ada", "hi")
        await chats.hand_over("ada")
        seen: list[Any] = []

        async def watch() -> None:
            async for told in chats.watch("ada"):
                seen.append(told.event)
                if told.event.type == EventType.HANDED_BACK:
                    return

        watching = asyncio.ensure_future(watch())
        await asyncio.sleep(0.01)
        await chats.send("ada", "are you there?")
        await chats.say("ada", "Yes.", by="anna")
        await chats.hand_back("ada", by="anna")
        await asyncio.wait_for(watching, 5)

        heard = [each.payload["heard"] for each in seen if each.payload.get("heard")]
        assert heard == [[{"role": "user", "content": "are you there?"}]]
        assert [each.payload for each in seen if each.type == EventType.ASSISTANT_MESSAGE] == [
            {"content": "Yes.", "by": "anna"}
        ]


@pytest.mark.asyncio
async def test_all_of_it_outlives_the_process(tmp_path: Path) -> None:
    store, llm = f"sqlite:///{tmp_path}/chat.db", Held(first_calls("escalate"))
    async with desk(llm, store=store) as chats:
        await chats.send("ada", "a person, please")
    async with desk(llm, store=store) as chats:
        assert len(await chats.handed_over()) == 1
        await chats.accept("ada", "hello?")
        await chats.say("ada", "Hello.", by="anna")
    async with desk(llm, store=store) as chats:
        await chats.hand_back("ada", by="anna", note="done")
    llm._reply = echo  # pyright: ignore[reportPrivateUsage]  the model of the next turn
    async with desk(llm, store=store) as chats:
        assert (await chats.send("ada", "bye")).text == "You said: bye"
    assert len(llm.requests) == 2
    assert broken_invariants(tmp_path / "chat.db") == []
