"""A conversation under test."""

from __future__ import annotations

from decimal import Decimal

import pytest
from journeys import Person, Quote
from quote import QuoteAgent, QuoteState
from quote import Step as QuoteStep

from agent_runtime_framework import MemoryManager
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.testing import ScriptedLLM, call, openai_problems, say
from agent_runtime_framework.testing.conversation.record import Walked
from agent_runtime_framework.testing.conversation.talk import Talk
from agent_runtime_framework.testing.conversation.talker import Talker


def test_the_sentence_everybody_wants_to_write(talk: Talker) -> None:
    t = talk(Quote)
    t("car", "W-123, 40000 km, I'm 30")
    assert t.state.plate == "W-123"
    assert t.step is Quote.offer
    assert not t.refused


def test_a_call_gives_the_last_reply(talk: Talker) -> None:
    t = talk(Quote, ScriptedLLM(say("Hello!"), say("A car or a home?")))
    assert t("hi", "and now?") == "A car or a home?" == t.reply
    assert t.replies == ["Hello!", "A car or a home?"]
    assert t.said == ["hi", "and now?"]


def test_calls_moves_and_steps_are_told_in_order(talk: Talker) -> None:
    t = talk(Quote)
    t("car", "W-123, 40000 km, I'm 30", "yes please")
    assert t.called == ["pick", "save_car", "accept"]
    assert t.calls[1].arguments == {"plate": "W-123", "yearly_km": 40000, "age": 30}
    assert t.calls[1].result == "The price is 580."
    assert t.steps == [Quote.choose, Quote.car, Quote.offer, Quote.done]
    assert t.moves[1] == Walked("car", "offer", "save_car")
    assert t.is_over


def test_refusals_are_told_with_their_reason(talk: Talker) -> None:
    t = talk(Quote, ScriptedLLM(call("accept"), say("What would you like?")))
    t("just insure me")
    (refusal,) = t.refused
    assert (refusal.name, refusal.step) == ("accept", "choose")
    assert "Offered now: pick" in refusal.reason
    assert t.calls == []
    assert t.step is Quote.choose


def test_a_tool_that_fails_is_a_call_that_is_not_ok(talk: Talker) -> None:
    t = talk(Quote, ScriptedLLM(call("save_car", plate="W", yearly_km=10**6, age=30), say("Sorry?")), step=Quote.car)
    t("W, a million km, 30")
    assert [each.ok for each in t.calls] == [False]
    assert t.moves == []


def test_a_move_that_code_makes_has_no_tool(talk: Talker) -> None:
    t = talk(Quote, ScriptedLLM("What?", "Pardon?"), step=Quote.car)
    t("blah", "blah", "blah")
    assert t.moves == [Walked("car", "given_up")]
    assert t.reply == "Somebody will call you."


def test_it_may_begin_in_the_middle(talk: Talker) -> None:
    t = talk(Quote, state=Quote(kind="home", age=30, price=Decimal(60)), step=Quote.offer)
    assert t.step is Quote.offer
    t("hello", "yes please")
    assert t.steps == [Quote.offer, Quote.done]


def test_the_state_is_the_one_that_was_stored(talk: Talker) -> None:
    t = talk(Quote)
    t("car")
    first = t.state
    t("W-123, 40000 km, I'm 30")
    assert first is not t.state
    assert t.state.price == Decimal(580)


def test_a_long_form_agent_is_talked_to_by_its_class(talk: Talker) -> None:
    t = talk(QuoteAgent)
    t("car", "W-123, 40000 km a year")
    assert t.state.price == 580
    assert t.steps == [QuoteStep.CHOOSE_KIND, QuoteStep.CAR, QuoteStep.OFFER]
    assert t.moves[0] == Walked("choose_kind", "car", "choose_kind")


def test_an_instance_keeps_its_model_and_is_left_as_it_was(talk: Talker) -> None:
    llm = ScriptedLLM(call("choose_kind", kind="car"), say("The plate?"))
    agent = QuoteAgent(llm_client=llm)
    t = talk(agent)
    assert t("car") == "The plate?"
    assert (agent.llm_client, agent.memory) == (llm, None)


def test_an_instance_keeps_its_memory() -> None:
    memory = MemoryManager()
    with Talk(QuoteAgent(memory=memory), conversation_id="ada") as t:
        t("car")
    with Talk(QuoteAgent(memory=memory), conversation_id="ada") as later:
        later("W-123, 40000 km a year")
        assert later.state.price == 580


def test_a_form_is_talked_to_by_its_model(talk: Talker) -> None:
    t = talk(Person)
    t("hi", "Ada", "36", "yes", "yes")
    assert t.state.result == Person(name="Ada", age=36, newsletter=True)
    assert t.is_over


def test_a_function_that_makes_an_agent_will_do(talk: Talker) -> None:
    t = talk(lambda: QuoteAgent(llm_client=ScriptedLLM("Hello!")))
    assert t("hi") == "Hello!"


@pytest.mark.parametrize(
    ("subject", "said"), [(42, "nobody can talk to 42"), (int, "nobody can talk to"), (dict, "dict")]
)
def test_whom_nobody_can_talk_to_is_named(talk: Talker, subject: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        talk(subject)


def test_requests_usage_and_messages_are_kept(talk: Talker) -> None:
    t = talk(Quote, ScriptedLLM(call("pick", kind="car"), say("The plate?")))
    t("car")
    assert [each.tool_names for each in t.requests] == [["pick"], ["save_car"]]
    assert t.usage == {"prompt_tokens": 20, "completion_tokens": 40}
    assert [each["role"] for each in t.messages] == ["user", "assistant", "tool", "assistant"]
    assert openai_problems(t.messages) == []


def test_a_turn_that_breaks_is_told_and_raised(talk: Talker) -> None:
    t = talk(Quote, ScriptedLLM(OSError("the line is dead")))
    with pytest.raises(OSError, match="the line is dead"):
        t("hi")
    assert isinstance(t.last.error, OSError)
    assert "BROKE: OSError: the line is dead" in t.explain()


def test_the_explanation_tells_the_whole_conversation(talk: Talker) -> None:
    t = talk(Quote, ScriptedLLM(call("pick", kind="car"), call("accept"), say("The plate?")))
    t("car")
    told = t.explain()
    for part in ("> car", 'called pick(kind="car")', "choose -> car by pick", "REFUSED accept()", "< The plate?"):
        assert part in told
    assert repr(t) == "<Talk with Quote: 1 message, in step 'car', last reply 'The plate?'>"


@pytest.mark.asyncio
async def test_inside_of_a_loop_it_is_awaited(talk: Talker) -> None:
    t = talk(Quote)
    await t.say("car", "W-123, 40000 km, I'm 30")
    assert t.step is Quote.offer
    with pytest.raises(ConfigurationError, match=r"await t\.say"):
        t("yes")


class Remembering(QuoteAgent):
    async def load_state(self, ctx: object) -> QuoteState:
        return QuoteState()


def test_a_state_that_would_not_be_seen_is_refused(talk: Talker) -> None:
    with pytest.raises(ConfigurationError, match="Remembering loads its own state"):
        talk(Remembering, state=QuoteState())
