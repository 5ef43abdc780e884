"""A model that would rather talk: answers are saved all the same, and what is no answer is replied to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from agent_runtime_core.interfaces import LLMResponse
from agent_runtime_core.llm.offline import OfflineClient, find_value
from agent_runtime_framework.journey import FormJourney, Journey, step
from agent_runtime_framework.testing import ScriptedLLM, call, say

pytestmark = pytest.mark.asyncio


class Guest(BaseModel):
    full_name: str
    age: Annotated[int, Field(ge=18)]
    plan: Literal["basic", "premium"]


class Talkative(ScriptedLLM):
    """Asks the next question in words whenever it may; saves the person's last message when it has to call."""

    def __init__(self) -> None:
        super().__init__()
        self.choices: list[object] = []

    async def generate(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> LLMResponse:  # pyright: ignore[reportIncompatibleMethodOverride]
        choice = options.get("tool_choice")
        self.choices.append(choice)
        text = next(each["content"] for each in reversed(messages) if each["role"] == "user")
        save: dict[str, Any] = (
            options["tools"][0]["function"]["parameters"]["properties"] if options.get("tools") else {}
        )
        values: dict[str, Any] = {name: find_value(schema, name, text, question="?") for name, schema in save.items()}
        values = {name: value for name, value in values.items() if value is not None}
        answer = call("save_answers", **values) if choice == "required" else say("Nice! And what else?")
        return await ScriptedLLM(answer).generate(list(messages), tools=options.get("tools"))


async def test_model_that_would_only_talk_fills_the_form() -> None:
    agent = FormJourney(Guest, confirm=False).agent(Talkative())

    for text in ("hello", "Ada Lovelace", "36", "premium"):
        await agent.chat(text)

    assert await agent.result() == Guest(full_name="Ada Lovelace", age=36, plan="premium")


async def test_model_that_ignores_what_is_required_is_asked_again_and_its_text_is_not_shown() -> None:
    llm = ScriptedLLM(say("Hello! What is your name?"), say("Nice to meet you!"), call("save_answers", full_name="Ada"))
    agent = FormJourney(Guest).agent(llm)
    await agent.chat("hello")

    reply = await agent.chat("Ada")

    assert reply == "How old are you?"
    assert llm.requests[1].options["tool_choice"] == "required"


@pytest.mark.parametrize(
    ("text", "is_required"),
    [
        ("hello", False),
        ("what is this about?", False),
        ("I'm Ada", True),
        ("I'd like premium, but why do you ask?", True),
        ("my age is 36", True),
    ],
)
async def test_first_words_need_a_call_when_they_hold_a_value(text: str, is_required: bool) -> None:
    llm = ScriptedLLM(say("I see."), say("I see."))

    await FormJourney(Guest).agent(llm).chat(text)

    assert ("tool_choice" in llm.requests[0].options) is is_required


async def test_words_that_answer_nothing_are_replied_to_in_one_request_and_the_question_is_put_again() -> None:
    llm = ScriptedLLM(say("Your name?"), call("no_answer", reply="I understand."))
    agent = FormJourney(Guest).agent(llm)
    await agent.chat("hello")

    reply = await agent.chat("I would rather see the garden first")

    assert reply == "I understand. Could you tell me your name?"
    assert len(llm.requests) == 2


async def test_reply_that_asks_for_itself_is_left_as_it_is() -> None:
    llm = ScriptedLLM(say("Your name?"), call("no_answer", reply="The garden is closed. Who are you?"))
    agent = FormJourney(Guest).agent(llm)
    await agent.chat("hello")

    assert await agent.chat("show me the garden") == "The garden is closed. Who are you?"


async def test_way_out_without_words_leaves_them_to_the_next_request() -> None:
    llm = ScriptedLLM(say("Your name?"), call("no_answer"), say("It is behind the house."))
    agent = FormJourney(Guest).agent(llm)
    await agent.chat("hello")

    assert await agent.chat("show me the garden") == "It is behind the house."
    assert "tool_choice" not in llm.requests[2].options


async def test_answer_that_shows_by_itself_is_pointed_out_once() -> None:
    llm = ScriptedLLM(call("no_answer", reply="How nice."), call("save_answers", age=36))
    agent = FormJourney(Guest).agent(llm)

    reply = await agent.chat("my age is 36")

    assert "Save it with save_answers" in llm.requests[1].messages[-1]["content"]
    assert reply == "Could you tell me your name?"
    assert (await agent.state_of()).forms["answers"]["answers"] == {"age": 36}


async def test_model_that_insists_is_believed() -> None:
    llm = ScriptedLLM(call("no_answer", reply="Fine."), call("no_answer", reply="Your sister, then."))

    reply = await FormJourney(Guest).agent(llm).chat("my age is 36, says my sister")

    assert reply == "Your sister, then. Could you tell me your name?"


async def test_way_out_is_offered_only_where_a_call_is_required() -> None:
    llm = ScriptedLLM(say("Your name?"), call("save_answers", full_name="Ada"))
    agent = FormJourney(Guest).agent(llm)
    await agent.chat("hello")
    await agent.chat("Ada")

    offered = [[each["function"]["name"] for each in request.tools or ()] for request in llm.requests]

    assert offered == [["save_answers"], ["save_answers", "no_answer"]]


async def test_words_after_the_summary_need_a_call_too() -> None:
    class Short(BaseModel):
        age: int

    llm = ScriptedLLM(call("save_answers", age=36), call("no_answer", reply="Take your time."))
    agent = FormJourney(Short).agent(llm)
    await agent.chat("I am 36 years old")

    assert await agent.chat("let me think about it") == "Take your time. Is everything right?"


async def test_offline_model_replies_to_what_is_no_answer_and_asks_again() -> None:
    agent = FormJourney(Guest).agent(OfflineClient())
    await agent.chat("hi")
    await agent.chat("Ada")

    reply = await agent.chat("I'm not telling")

    assert reply.endswith("How old are you?")
    assert (await agent.state_of()).forms["answers"]["answers"] == {"full_name": "Ada"}


class Home(BaseModel):
    city: str
    square_metres: Annotated[int, Field(title="size in square metres")]


class Quote(Journey):
    """Acme's desk."""

    kind: Literal["car", "home"] | None = None

    choose = step("Ask what they want to insure.")
    home = step(collect=Home, to="done")
    done = step(say="Thank you.", final=True)

    @choose.tool(to=home, effect="state")
    def pick(self, kind: Literal["car", "home"]) -> None:
        """Save what they want to insure."""
        self.kind = kind


async def test_words_that_led_to_a_form_count_in_it() -> None:
    llm = ScriptedLLM(call("pick", kind="home"), call("save_answers", city="Wien", square_metres=80))
    agent = Quote.agent(llm)

    reply = await agent.chat("a home in Wien, 80 square metres")

    assert reply.endswith("- Size in square metres: 80\nIs everything right?")
    assert llm.requests[1].options["tool_choice"] == "required"


async def test_words_that_led_to_a_form_and_hold_nothing_for_it_leave_the_question_to_the_model() -> None:
    llm = ScriptedLLM(call("pick", kind="home"), say("Which city is it in?"))

    assert await Quote.agent(llm).chat("a home, please") == "Which city is it in?"
    assert "tool_choice" not in llm.requests[1].options
