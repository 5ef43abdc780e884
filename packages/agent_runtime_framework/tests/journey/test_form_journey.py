"""Any Pydantic model is a conversation, with a model or without one."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

from agent_runtime_core.interfaces import JSONObject, LLMResponse
from agent_runtime_core.llm.offline import OfflineClient
from agent_runtime_framework.agents.base import AgentContext, AgentMessage
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.events import Event
from agent_runtime_framework.executor.hooks import LoggingHooks
from agent_runtime_framework.journey import Ask, Form, FormJourney, Journey, step
from agent_runtime_framework.memory import MemoryManager
from agent_runtime_framework.testing import ScriptedLLM, call, say

pytestmark = pytest.mark.asyncio

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$", json_schema_extra={"format": "email"})]


class Person(BaseModel):
    """Acme's front desk."""

    full_name: str
    email: Email
    born: Annotated[date, Field(title="date of birth")]
    plan: Literal["basic", "premium"]
    newsletter: bool
    company: str = ""


class Payment(BaseModel):
    owner: Annotated[str, Field(title="name")]
    card: Annotated[str, Field(pattern=r"^\d{16}$"), Ask(sensitive=True, prompt="Which card do you pay with?")]
    pin: Annotated[SecretStr, Field(min_length=4), Ask(prompt="Please choose a PIN.")]


class Counting(OfflineClient):
    """The offline model, and everything that was sent to it."""

    def __init__(self) -> None:
        super().__init__(today=lambda: date(2026, 11, 24))
        self.sent: list[str] = []

    async def generate(self, messages: Sequence[Any], **options: Any) -> LLMResponse:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.sent.append(json.dumps([messages, options], ensure_ascii=False, default=str))
        return await super().generate(messages, **options)


class Events:
    def __init__(self) -> None:
        self.seen: list[Event] = []

    def push(self, event: Event) -> None:
        self.seen.append(event)


ANSWERS = ("hi", "Ada Lovelace", "ada@example.org", "10 December 1985", "premium", "yes", "no", "yes")


async def test_offline_model_fills_a_form_with_at_most_one_request_and_a_third_per_field():
    llm = Counting()
    agent = FormJourney(Person).agent(llm)

    replies = [await agent.chat(text) for text in ANSWERS]

    assert replies[-1] == "Thank you, that is everything."
    assert await agent.result() == Person(
        full_name="Ada Lovelace", email="ada@example.org", born=date(1985, 12, 10), plan="premium", newsletter=True
    )
    assert len(llm.sent) <= 1.3 * len(Person.model_fields)


async def test_several_answers_of_one_message_cost_one_request():
    llm = Counting()
    agent = FormJourney(Person).agent(llm)

    reply = await agent.chat("I'm Ada Lovelace, my email is ada@example.org and I want the premium plan")

    assert len(llm.sent) == 1
    assert reply == "Could you tell me your date of birth?"


async def test_result_is_none_until_the_person_has_confirmed():
    agent = FormJourney(Person).agent(Counting())
    replies = [await agent.chat(text) for text in ANSWERS[:-1]]

    assert await agent.result() is None
    assert replies[-1].endswith("Is everything right?")
    assert "- Plan: premium" in replies[-1]


async def test_correction_at_the_end_is_taken_and_summed_up_again():
    agent = FormJourney(Person).agent(Counting())
    for text in ANSWERS[:-1]:
        await agent.chat(text)

    reply = await agent.chat("no, my email is ada@lovelace.org")

    assert reply.startswith("I have changed that.\nThis is what I have:")
    assert "ada@lovelace.org" in reply
    await agent.chat("yes")
    result = await agent.result()
    assert result is not None
    assert result.email == "ada@lovelace.org"


async def test_plain_no_at_the_end_asks_what_to_change():
    agent = FormJourney(Person).agent(Counting())
    for text in ANSWERS[:-1]:
        await agent.chat(text)

    assert await agent.chat("no") == "What shall I change?"
    assert await agent.result() is None


async def test_correction_in_the_middle_goes_on_where_it_was():
    agent = FormJourney(Person).agent(Counting())
    for text in ("hi", "Ada Lovelace", "ada@example.org"):
        await agent.chat(text)

    reply = await agent.chat("sorry, my email is ada@lovelace.org")

    assert reply == "I have changed that. Could you tell me your date of birth?"


async def test_confirmation_waits_for_the_person():
    llm = ScriptedLLM(call("save_answers", owner="Ada", age=36), call("confirm_answers"), say("All done?"))

    class Short(BaseModel):
        owner: str
        age: int

    agent = FormJourney(Short, wording="model").agent(llm)
    await agent.chat("I am Ada, 36")

    assert await agent.result() is None
    refusal = llm.requests[2].messages[-1]["content"]
    assert "confirm_answers is not possible now" in refusal


async def test_person_may_confirm_in_other_words_through_the_model():
    class Short(BaseModel):
        owner: str

    llm = ScriptedLLM(call("save_answers", owner="Ada"), call("confirm_answers"))
    agent = FormJourney(Short).agent(llm)

    await agent.chat("I am Ada")
    await agent.chat("looks lovely to me")

    assert await agent.result() == Short(owner="Ada")


async def test_refused_answer_is_asked_again_with_the_reason_without_a_further_request():
    class Party(BaseModel):
        size: Annotated[int, Field(le=8)]

    llm = ScriptedLLM(call("save_answers", size=20))
    reply = await FormJourney(Party).agent(llm).chat("we are 20")

    assert reply == "It may be at most 8. Could you tell me your size?"
    assert len(llm.requests) == 1


async def test_invented_value_is_questioned_and_taken_after_a_yes():
    llm = ScriptedLLM(call("save_answers", full_name="John Doe"))
    agent = FormJourney(Person).agent(llm)

    reply = await agent.chat("hello there")
    assert reply == "I am not sure that I understood you. Is your full name John Doe?"
    reply = await agent.chat("yes")

    assert reply == "What is your email address?"
    assert len(llm.requests) == 1


async def test_invented_value_is_dropped_after_a_no():
    llm = ScriptedLLM(call("save_answers", full_name="John Doe"))
    agent = FormJourney(Person).agent(llm)

    await agent.chat("hello there")

    assert await agent.chat("no") == "Could you tell me your name?"


async def test_persons_question_is_left_to_the_model_also_when_an_answer_was_saved():
    llm = ScriptedLLM(call("save_answers", full_name="Ada"), say("For your contract. What is your email address?"))
    agent = FormJourney(Person).agent(llm)

    reply = await agent.chat("I'm Ada. Why do you need that?")

    assert reply == "For your contract. What is your email address?"


async def test_yes_to_another_question_is_no_answer_to_the_forms():
    class Short(BaseModel):
        newsletter: bool

    llm = ScriptedLLM(say("It is a letter of news. Shall I tell you more?"), say("It comes on Mondays."))
    agent = FormJourney(Short).agent(llm)

    await agent.chat("what is that?")

    assert await agent.chat("yes") == "It comes on Mondays."


async def test_optional_question_is_skipped_by_a_plain_no_without_a_request():
    llm = Counting()
    agent = FormJourney(Person).agent(llm)
    replies = [await agent.chat(text) for text in ANSWERS[:-2]]
    assert "You can also skip this." in replies[-1]
    before = len(llm.sent)

    await agent.chat("no")

    assert len(llm.sent) == before


CARD, PIN = "4111111111111111", "swordfish77"
CONVERSATION = ("hi", "Ada", "it is 4111 1111 1111 1111", f"my pin is {PIN}", "who are you?", "yes")


async def test_sensitive_answers_reach_the_result_and_nobody_else(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    llm, events, memory = Counting(), Events(), MemoryManager()
    agent = FormJourney(Payment).agent(llm, memory=memory, sinks=[events], hooks=LoggingHooks())
    replies = [await agent.chat(text, "c") for text in CONVERSATION]

    result = await agent.result("c")
    assert result is not None
    assert (result.card, result.pin.get_secret_value()) == (CARD, PIN)
    stored = [message.to_dict() for message in await memory.conversation_store.get_messages("c")]
    everywhere = json.dumps(
        [llm.sent, replies, stored, [repr(each) for each in events.seen], caplog.text], default=str, ensure_ascii=False
    )
    for canary in (CARD, "4111 1111", "1111 1111", PIN):
        assert canary not in everywhere
    assert "••• 1111" in everywhere


async def test_failed_attempt_at_a_sensitive_answer_is_hidden_and_told():
    llm = Counting()
    agent = FormJourney(Payment).agent(llm)
    await agent.chat("hi")
    await agent.chat("Ada")

    reply = await agent.chat("4111 1111 1111 111")

    assert "Which card do you pay with?" in reply
    assert "1111" not in "".join([*llm.sent, reply])


async def test_sensitive_answer_is_hidden_although_nobody_asked_for_it_yet():
    llm = Counting()
    agent = FormJourney(Payment).agent(llm)

    await agent.chat(f"Hello, my name is Ada and my card is {CARD}")

    state = await agent.state_of()
    assert state.forms["answers"]["answers"] == {"owner": "Ada", "card": CARD}
    assert CARD not in "".join(llm.sent)


async def test_sensitive_answer_in_a_history_that_the_caller_keeps_is_hidden():
    llm = Counting()
    journey = FormJourney(Payment)
    state: JSONObject = {
        "step": "answers",
        "_journey": {"forms": {"answers": {"answers": {"owner": "Ada", "card": CARD}, "asks": {"pin": 1}}}},
    }

    class Kept(type(journey.agent(llm))):  # type: ignore[misc]  the caller's own persistence
        async def load_state(self, ctx: AgentContext) -> Any:
            return journey.from_dict(state)

    ctx = AgentContext.from_text("why?")
    ctx.input_messages = [
        AgentMessage("user", f"my card is {CARD}"),
        AgentMessage("assistant", "Please choose a PIN."),
        AgentMessage("user", "why do you need one?"),
    ]
    await Kept(journey, llm).run(ctx)

    assert llm.sent
    assert CARD not in "".join(llm.sent)


async def test_model_cannot_save_a_sensitive_answer():
    llm = ScriptedLLM(call("save_answers", owner="Ada", card="1234567812345678"), say("Your card, please?"))
    agent = FormJourney(Payment).agent(llm)

    await agent.chat("I am Ada?")

    progress = (await agent.state_of()).forms["answers"]
    assert progress["answers"] == {"owner": "Ada"}
    assert "card" not in progress.get("doubtful", {})
    tools = llm.requests[0].tools
    assert tools is not None
    assert list(tools[0]["function"]["parameters"]["properties"]) == ["owner"]


async def test_form_is_a_step_of_a_journey_and_typed():
    class Home(BaseModel):
        city: str
        square_metres: Annotated[int, Field(gt=0)]

    class Quote(Journey):
        """Acme's desk."""

        home = step(collect=Home, to="offer")
        offer = step(say="That is 99 euros a year in $city.", final=True)

    agent = Quote.agent(ScriptedLLM(call("save_answers", city="Wien", square_metres=80)))

    await agent.chat("a flat of 80 square metres in Wien")
    reply = await agent.chat("yes")

    state = await agent.state_of()
    assert state.collected(Quote.home) == Home(city="Wien", square_metres=80)
    assert reply == "That is 99 euros a year in Wien."


async def test_form_that_is_stuck_goes_where_its_author_says():
    class Party(BaseModel):
        size: Annotated[int, Field(le=8)]

    class Booking(Journey):
        party = step(collect=Party, to="done", patience=2, stuck="person")
        done = step(say="Booked.", final=True)
        person = step(say="A colleague will call you.", final=True)

    llm = ScriptedLLM(call("save_answers", size=20), call("save_answers", size=30))
    agent = Booking.agent(llm)

    await agent.chat("20")
    await agent.chat("30")

    assert await agent.chat("40") == "A colleague will call you."


async def test_state_survives_the_store():
    journey = FormJourney(Person)
    agent = journey.agent(Counting())
    for text in ANSWERS[:4]:
        await agent.chat(text)
    state = await agent.state_of()

    assert journey.from_dict(json.loads(json.dumps(state.to_dict()))).to_dict() == state.to_dict()


async def test_form_without_confirmation_ends_with_the_last_answer():
    class Short(BaseModel):
        owner: str

    agent = FormJourney(Short, confirm=False, done="Bye, $owner!").agent(ScriptedLLM(call("save_answers", owner="Ada")))

    assert await agent.chat("Ada") == "Bye, Ada!"
    assert await agent.result() == Short(owner="Ada")


async def test_persona_is_the_docstring_of_the_model():
    assert FormJourney(Person).definition.persona == "Acme's front desk."
    assert FormJourney(Person).key == "person"
    assert FormJourney(Form(Person), key="sign-up", persona="Hello").key == "sign-up"


async def test_collecting_something_else_is_an_error_with_the_line():
    with pytest.raises(ConfigurationError, match=r"test_form_journey.py:\d+: collect=.*expected a Pydantic model"):

        class Wrong(Journey):  # pyright: ignore[reportUnusedClass]
            what = step(collect=dict, to="end")  # type: ignore[call-overload]
            end = step(say="Bye.", final=True)


async def test_collect_step_that_leads_nowhere_is_an_error():
    with pytest.raises(ConfigurationError, match="collects answers, but leads nowhere"):

        class Wrong(Journey):  # pyright: ignore[reportUnusedClass]
            what = step(collect=Person)


async def test_german_form_asks_and_confirms_in_german():
    class Gast(BaseModel):
        name: str
        personen: Annotated[int, Field(title="Zahl der Personen")]

    agent = FormJourney(Gast, language="de").agent(Counting())

    replies = [await agent.chat(text) for text in ("hallo", "Jörg Weiß", "vier", "ja")]

    assert replies[-1] == "Vielen Dank, das ist alles."
    assert await agent.result() == Gast(name="Jörg Weiß", personen=4)
