"""The offline model as a client: prompts, tool choice, streaming, usage, and input that makes no sense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime_core.interfaces import LLMClient
from agent_runtime_core.llm.offline import OfflineClient, find_value

JSON = dict[str, Any]

SAVE_NAME: JSON = {
    "type": "function",
    "function": {
        "name": "save_name",
        "description": "Save the user's name",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    },
}
CHECKOUT: JSON = {"type": "function", "function": {"name": "checkout", "description": "Check out and pay"}}
ASK_NAME = [{"role": "system", "content": "Ask for the user's name."}]


def said(*words: str) -> list[JSON]:
    return [*ASK_NAME, *({"role": "user", "content": each} for each in words)]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Welcome! Ask for the user's name.", "Welcome! Could you tell me your name?"),
        ("Collect the user's email using save_email tool.", "Could you tell me your email?"),
        ("Thank the user for completing onboarding.", "Thank you for completing onboarding."),
        (
            "You are a helpful assistant. Be concise.\n\nGreet the user and ask for their name and their email.\n"
            "When you have both, call save_person.",
            "Welcome! Could you tell me your name and your email?",
        ),
        (
            "Collect the following:\n- full name\n- email address\nUse the save_contact tool.",
            "Could you tell me full name and email address?",
        ),
        ("Ask whether they want to be called back.", "Would you like to be called back?"),
        ("Explain that the office is closed.", "The office is closed."),
        ("Ask whether the user accepts the offer.", "Do you accept the offer?"),
        ("Ask whether the customer wishes to pay now.", "Would you like to pay now?"),
        ("Ask whether the guest carries a bag.", "Do you carry a bag?"),
        ("Find out what the user pays a month.", "Could you tell me what you pay a month?"),
        ("Ask for the user details.", "Could you tell me your details?"),
        ("Ask: What is your name?", "What is your name?"),
        ("Ask: the user's name", "Could you tell me your name?"),
        ("Frage: Wie heißen Sie?", "Wie heißen Sie?"),
        ("Let the user choose a plan: basic or premium.", "Which would you like: basic or premium?"),
        ("Find out what the user needs and route them with the right tool.", "Could you tell me what you need?"),
        ("What's your favourite colour?", "What's your favourite colour?"),
        (
            "Begrüße den Nutzer und frage nach dem Namen des Nutzers.",
            "Herzlich willkommen! Darf ich nach Ihrem Namen fragen?",
        ),
        ("Saluda al usuario y pregunta por su nombre.", "¡Bienvenido! ¿Puede decirme su nombre?"),
    ],
)
@pytest.mark.asyncio
async def test_a_prompt_is_said_to_the_person(prompt: str, expected: str) -> None:
    response = await OfflineClient().generate([{"role": "system", "content": prompt}])

    assert response.content == expected


@pytest.mark.asyncio
async def test_it_says_what_it_is() -> None:
    response = await OfflineClient().generate(said("are you a human?"), tools=[SAVE_NAME])

    assert "offline model" in response.content
    assert "rule-based" in response.content
    assert response.model == OfflineClient.model == "offline"


@pytest.mark.asyncio
async def test_a_call_is_structured_and_its_id_is_new() -> None:
    earlier = {"role": "assistant", "tool_calls": [{"id": "call_2", "function": {"name": "x", "arguments": "{}"}}]}

    response = await OfflineClient().generate([*said("hi"), earlier, *said("I'm Ada")[1:]], tools=[SAVE_NAME])

    call = response.message["tool_calls"][0]
    assert call["type"] == "function"
    assert call["id"] not in ("", "call_2")
    assert json.loads(call["function"]["arguments"]) == {"name": "Ada"}
    assert response.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("words", "choice", "expected"),
    [
        ("I'm Ada", "none", None),
        ("I'm Ada", "auto", "save_name"),
        ("I'm Ada", "required", "save_name"),
        ("hello", "required", None),
        ("I'm Ada, checkout", {"type": "function", "function": {"name": "checkout"}}, "checkout"),
        ("hello", {"type": "function", "function": {"name": "checkout"}}, "checkout"),
        ("hello", {"type": "function", "function": {"name": "save_name"}}, None),
    ],
)
@pytest.mark.asyncio
async def test_tool_choice_is_honoured_but_nothing_is_made_up(words: str, choice: Any, expected: str | None) -> None:
    response = await OfflineClient().generate(said(words), tools=[SAVE_NAME, CHECKOUT], tool_choice=choice)

    names = [call.name for call in response.tool_calls or []]
    assert names == ([expected] if expected else [])
    assert names or response.content


@pytest.mark.asyncio
async def test_content_blocks_are_read() -> None:
    blocks = [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "I'm Ada"}]

    response = await OfflineClient().generate([*ASK_NAME, {"role": "user", "content": blocks}], tools=[SAVE_NAME])

    assert response.tool_calls is not None


@pytest.mark.asyncio
async def test_a_stream_is_the_same_reply_in_words() -> None:
    client: LLMClient = OfflineClient()
    whole = await client.generate(said("hi"), tools=[SAVE_NAME])

    chunks = [chunk async for chunk in client.stream(said("hi"), tools=[SAVE_NAME])]

    assert "".join(chunk.delta for chunk in chunks) == whole.content
    assert len(chunks) > 3
    assert chunks[-1].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage


@pytest.mark.asyncio
async def test_a_stream_ends_with_the_calls() -> None:
    chunks = [chunk async for chunk in OfflineClient().stream(said("I'm Ada"), tools=[SAVE_NAME])]

    assert [bool(chunk.tool_calls) for chunk in chunks] == [True]


@pytest.mark.asyncio
async def test_usage_adds_up() -> None:
    usage = (await OfflineClient().generate(said("hi"), tools=[SAVE_NAME])).usage

    assert usage["prompt_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from(["type", "\ud800", "(", "user"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "required", "enum", "items", "$ref", "anyOf", "const", "pattern", "name"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
WORDS = st.lists(
    st.sampled_from(
        [
            "I'm",
            "Ada",
            "a@b.org",
            "W-1",
            "40,000",
            "km",
            "tomorrow",
            "at",
            "7",
            "no",
            "yes",
            "the",
            "second",
            "one",
            "add",
            "two",
            ",",
            "and",
            "?",
            "$",
            "3/4",
            "31.2.2026",
            "again",
            "halb acht",
            "treinta y",
            "\x00",
            chr(0xD800),
            "\u00b2",
            "\u00df",
            "\u0130",
            "\n",
        ]
    ),
    max_size=10,
).map(" ".join)
NAMES = st.sampled_from(["add_item", "checkout", "save name", "\u00e4", "accept"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["system", "user", "assistant", "tool", "x"]), "content": WORDS | JUNK},
            optional={"tool_calls": JUNK, "tool_call_id": JUNK},
        ),
        max_size=6,
    ),
    st.lists(
        st.fixed_dictionaries(
            {"function": st.fixed_dictionaries({"name": NAMES | JUNK, "description": WORDS, "parameters": JUNK})}
        ),
        max_size=3,
    ),
    JUNK,
)
@pytest.mark.asyncio
async def test_junk_is_answered(messages: list[JSON], tools: list[JSON], choice: Any) -> None:
    response = await OfflineClient().generate(messages, tools=tools, tool_choice=choice)

    assert response.content or response.tool_calls
    assert response.content.encode() is not None
    json.dumps(response.message)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["type", "format", "enum", "pattern", "anyOf", "$ref"]), JUNK, max_size=3), WORDS
)
def test_a_value_of_a_junk_schema_is_none_or_json(schema: JSON, words: str) -> None:
    json.dumps(find_value(schema, "value", words, question="?"))


@pytest.mark.parametrize(
    "piece", ["a ", "1 ", " ", "\n", "a@", "-", "(", "1.1.", "add two ", "yes no ", "the second one "]
)
@pytest.mark.asyncio
async def test_a_huge_message_is_answered(piece: str) -> None:
    response = await OfflineClient().generate(said(piece * 100_000), tools=[SAVE_NAME, CHECKOUT])

    assert response.content or response.tool_calls


def _tool(name: str, description: str, **properties: object) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


@pytest.mark.parametrize(
    ("description", "asked"),
    [
        ("The user accepts the offer.", "Would you like to accept the offer?"),
        ("They carry a bag.", "Would you like to carry a bag?"),
        ("The customer tries again.", "Would you like to try again?"),
        ("The guest wants to pay now.", "Would you like to pay now?"),
        ("They want another day.", "Would you like to have another day?"),
        ("Buy the policy.", "Would you like to buy the policy?"),
        ("The user is done.", "What would you like to do?"),
        ("To be called at the end.", "What would you like to do?"),
    ],
)
@pytest.mark.asyncio
async def test_a_description_becomes_a_sound_question(description: str, asked: str) -> None:
    messages = [{"role": "system", "content": "Brief."}, {"role": "user", "content": "hello"}]

    response = await OfflineClient().generate(messages, tools=[_tool("go_on", description)])

    assert response.content.endswith(asked)


@pytest.mark.parametrize(
    ("text", "asked"),
    [("Guten Tag, wie geht es Ihnen", "Möchten Sie annehmen?"), ("buenos días", "¿Quiere aceptar?")],
)
@pytest.mark.asyncio
async def test_a_description_in_another_language_is_not_read_out(text: str, asked: str) -> None:
    tools = [_tool("accept_offer", "The user accepts the offer."), _tool("decline_offer", "The user declines it.")]

    response = await OfflineClient().generate([{"role": "user", "content": text}], tools=tools)

    assert response.content.endswith(asked)


@pytest.mark.asyncio
async def test_step_that_is_to_be_presented_is_presented_whatever_was_said() -> None:
    messages = [
        {"role": "system", "content": "Offer them Monday at ten, and ask whether they take it."},
        {"role": "assistant", "content": "Is everything right?"},
        {"role": "user", "content": "yes"},
    ]
    tools = [_tool("accept", "They take it.")]

    response = await OfflineClient().generate(messages, tools=tools, tool_choice="none")

    assert response.content == "I can offer you Monday at ten. Do you take it?"


@pytest.mark.asyncio
async def test_question_about_a_thing_runs_no_tool_that_does_something_to_it() -> None:
    messages = [
        {"role": "assistant", "content": "Would you like anything else?"},
        {"role": "user", "content": "what's in my cart?"},
    ]
    tools = [_tool("empty_cart", "Start again with an empty cart."), _tool("add_item", "Add.", item={"type": "string"})]

    response = await OfflineClient().generate(messages, tools=tools)

    assert not response.message.get("tool_calls")


@pytest.mark.asyncio
async def test_words_of_a_reply_go_into_the_tool_for_them_where_a_call_is_required() -> None:
    messages = [{"role": "system", "content": 'Ask "How old are you?"'}, {"role": "user", "content": "I won't tell"}]
    save = _tool("save_answers", "Save.", age={"type": "integer"})
    tools = [save, _tool("no_answer", "It is no answer.", reply={"type": "string"})]

    required = await OfflineClient().generate(messages, tools=tools, tool_choice="required")
    free = await OfflineClient().generate(messages, tools=tools)

    (call,) = required.message["tool_calls"]
    assert call["function"]["name"] == "no_answer"
    assert json.loads(call["function"]["arguments"])["reply"].endswith("How old are you?")
    assert free.content.endswith("How old are you?")
