"""What `find_value` reads out of a person's words, and what it leaves alone."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from agent_runtime_core.llm.offline import OfflineClient, find_value, question

TODAY = date(2026, 11, 24)  # a Tuesday
TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
FLAG: dict[str, Any] = {"type": "boolean"}
PLAN: dict[str, Any] = {"type": "string", "enum": ["basic", "standard", "premium_plan"]}
KIND: dict[str, Any] = {"enum": ["car", "home"]}
SIZE: dict[str, Any] = {"type": "string", "enum": ["S", "M", "L"]}
EXTRAS: dict[str, Any] = {"type": "array", "items": {"type": "string", "enum": ["glass", "theft", "travel_abroad"]}}

ANSWERS: list[tuple[str, dict[str, Any], str, Any]] = [
    # English
    ("name", TEXT, "I'm Ada Lovelace", "Ada Lovelace"),
    ("name", TEXT, "My name is Ada.", "Ada"),
    ("name", TEXT, "ada lovelace", "ada lovelace"),
    ("name", TEXT, "Ada Lovelace here, good morning", "Ada Lovelace"),
    ("name", TEXT, "well, it's Jean-Luc O'Brien", "Jean-Luc O'Brien"),
    ("name", TEXT, "Dr. Ada Lovelace", "Ada Lovelace"),
    ("name", TEXT, "Ludwig van Beethoven, thanks", "Ludwig van Beethoven"),
    ("name", TEXT, "call me Ishmael and my email is i@example.org", "Ishmael"),
    ("name", TEXT, "李小龙", "李小龙"),
    ("name", TEXT, "I'm fine thanks", None),
    ("name", TEXT, "I'm looking for a quote", None),
    ("name", TEXT, "hello", None),
    ("name", TEXT, "I don't know", None),
    ("first_name", TEXT, "I'm Ada Lovelace", "Ada"),
    ("email", TEXT, "it's ada@example.org, thanks", "ada@example.org"),
    ("email", TEXT, "Ada.Lovelace+news@mail.example.co.uk.", "Ada.Lovelace+news@mail.example.co.uk"),
    ("email", TEXT, "no, it's bob@example.org", "bob@example.org"),
    ("email", TEXT, "ada@example.org, sorry, bob@example.org", "bob@example.org"),
    ("email", TEXT, "ada@example.org and bob@example.org", None),
    ("email", TEXT, "ada at example", None),
    ("email", TEXT, "ada@", None),
    ("contact", {"type": "string", "format": "email"}, "ada@example.org", "ada@example.org"),
    ("phone", TEXT, "0664 1234567", "0664 1234567"),
    ("phone", TEXT, "call me on +43 (664) 123-4567", "+43 (664) 123-4567"),
    ("phone", TEXT, "1234567890", "1234567890"),
    ("phone", TEXT, "123", None),
    ("website", TEXT, "see https://example.org/a?b=1.", "https://example.org/a?b=1"),
    ("age", WHOLE, "42", 42),
    ("age", WHOLE, "I'm forty-two", 42),
    ("age", WHOLE, "I am 42 years old", 42),
    ("age", WHOLE, "between 40 and 50", None),
    ("age", WHOLE, "forty, no, forty-one", 41),
    ("mileage", WHOLE, "about 40,000 km", 40000),
    ("mileage", WHOLE, "40k", 40000),
    ("mileage", WHOLE, "forty thousand", 40000),
    ("mileage", WHOLE, "1.5 million", 1500000),
    ("guests", WHOLE, "a table for two", 2),
    ("count", WHOLE, "two hundred and fifty", 250),
    ("count", WHOLE, "a dozen", 12),
    ("count", WHOLE, "the premium one", None),
    ("weight", NUMBER, "72.5 kg", 72.5),
    ("temperature", NUMBER, "-5", -5),
    ("age", {"type": "integer", "minimum": 18}, "12", None),
    ("seats", WHOLE, "2.5", None),
    ("price", NUMBER, "$1,200.50", 1200.5),
    ("budget", NUMBER, "20k", 20000),
    ("budget", NUMBER, "I have 2 kids and 500 dollars", 500),
    ("budget", {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^\\d+$"}]}, "500", 500),
    ("date", TEXT, "tomorrow", "2026-11-25"),
    ("date", TEXT, "next Friday please", "2026-11-27"),
    ("date", TEXT, "March 5th", "2027-03-05"),
    ("date", TEXT, "the 5th of March 2028", "2028-03-05"),
    ("date", TEXT, "2026-12-24", "2026-12-24"),
    ("date", TEXT, "12/24/2026", "2026-12-24"),
    ("date", TEXT, "in two weeks", "2026-12-08"),
    ("date", TEXT, "3/4/2027", None),
    ("date", TEXT, "2026-02-31", None),
    ("date", TEXT, "soon", None),
    ("birthday", TEXT, "10 December 1815", "1815-12-10"),
    ("birthday", TEXT, "10 December", None),
    ("time", TEXT, "7pm", "19:00"),
    ("time", TEXT, "at 7:30 pm", "19:30"),
    ("time", TEXT, "half past seven in the evening", "19:30"),
    ("time", TEXT, "noon", "12:00"),
    ("time", TEXT, "at 7", None),
    ("when", {"type": "string", "format": "date-time"}, "tomorrow at 7pm", "2026-11-25T19:00:00"),
    ("when", {"type": "string", "format": "date-time"}, "tomorrow", None),
    ("plate", TEXT, "W-123", "W-123"),
    ("plate", TEXT, "it's AB12 CDE", "AB12 CDE"),
    ("postcode", TEXT, "1010", "1010"),
    ("code", {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"}, "my code is abc-1234", "ABC-1234"),
    ("code", {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"}, "hello world", None),
    ("plan", PLAN, "the premium one please", "premium_plan"),
    ("plan", PLAN, "the second one", "standard"),
    ("plan", PLAN, "2", "standard"),
    ("plan", PLAN, "option c", "premium_plan"),
    ("plan", PLAN, "the last one", "premium_plan"),
    ("plan", PLAN, "premuim", "premium_plan"),
    ("plan", PLAN, "not the basic one, standard", "standard"),
    ("plan", PLAN, "standard instead of basic", "standard"),
    ("plan", PLAN, "basic or standard", None),
    ("plan", PLAN, "basic, no wait, standard", "standard"),
    ("plan", PLAN, "the fifth one", None),
    ("plan", PLAN, "gold", None),
    ("kind", KIND, "my house", "home"),
    ("kind", KIND, "cars", "car"),
    ("size", SIZE, "a large one? I mean L", "L"),
    ("size", SIZE, "it's a gift", None),
    ("stars", {"enum": [3, 4, 5]}, "four stars", 4),
    ("accept", FLAG, "yes please", True),
    ("accept", FLAG, "sure, why not", True),
    ("accept", FLAG, "of course not", False),
    ("accept", FLAG, "no thanks", False),
    ("accept", FLAG, "no, that's fine", False),
    ("accept", FLAG, "yes and no", None),
    ("accept", FLAG, "maybe", None),
    ("extras", EXTRAS, "glass and theft", ["glass", "theft"]),
    ("extras", EXTRAS, "everything", ["glass", "theft", "travel_abroad"]),
    ("extras", EXTRAS, "all but theft", ["glass", "travel_abroad"]),
    ("extras", EXTRAS, "none", []),
    ("city", TEXT, "Vienna, please", "Vienna"),
    ("city", TEXT, "I think it's New York", "New York"),
    ("description", TEXT, "The tyre burst. Then I hit a tree.", "The tyre burst. Then I hit a tree"),
    ("city", TEXT, "thanks", None),
    ("city", TEXT, "what do you mean?", None),
    # German
    ("name", TEXT, "Ich heiße Ada Lovelace", "Ada Lovelace"),
    ("name", TEXT, "mein Name ist Karl-Heinz Müller", "Karl-Heinz Müller"),
    ("name", TEXT, "Ada Lovelace, bitte", "Ada Lovelace"),
    ("name", TEXT, "ich bin müde", None),
    ("email", TEXT, "sie lautet ada@example.org, danke", "ada@example.org"),
    ("phone", TEXT, "meine Nummer ist 0043 664 1234567", "0043 664 1234567"),
    ("age", WHOLE, "ich bin 42 Jahre alt", 42),
    ("age", WHOLE, "fünfundzwanzig", 25),
    ("count", WHOLE, "zweihundertfünfzig", 250),
    ("count", WHOLE, "dreitausend", 3000),
    ("mileage", WHOLE, "etwa 40.000 Kilometer", 40000),
    ("price", NUMBER, "1.200,50 €", 1200.5),
    ("price", NUMBER, "zweihundert Euro", 200),
    ("date", TEXT, "am 5. März", "2027-03-05"),
    ("date", TEXT, "übermorgen", "2026-11-26"),
    ("date", TEXT, "nächsten Freitag", "2026-11-27"),
    ("date", TEXT, "24.12.2026", "2026-12-24"),
    ("time", TEXT, "um 19 Uhr", "19:00"),
    ("time", TEXT, "um halb acht abends", "19:30"),
    ("plan", PLAN, "das zweite bitte", "standard"),
    ("plan", PLAN, "das günstigste", "basic"),
    ("plan", PLAN, "nicht basic, sondern standard", "standard"),
    ("kind", KIND, "mein Auto", "car"),
    ("accept", FLAG, "ja bitte", True),
    ("accept", FLAG, "na klar", True),
    ("accept", FLAG, "nein danke", False),
    ("accept", FLAG, "natürlich nicht", False),
    ("extras", EXTRAS, "alles außer theft", ["glass", "travel_abroad"]),
    ("city", TEXT, "ich glaube, Wien", "Wien"),
    ("city", TEXT, "keine Ahnung", None),
    ("city", TEXT, "was meinen Sie?", None),
    # Spanish
    ("name", TEXT, "me llamo José García", "José García"),
    ("name", TEXT, "soy Ada", "Ada"),
    ("name", TEXT, "mi nombre es María del Carmen López", "María del Carmen López"),
    ("name", TEXT, "soy de Madrid", None),
    ("email", TEXT, "es ada@example.org, gracias", "ada@example.org"),
    ("phone", TEXT, "mi número es +34 600 123 456", "+34 600 123 456"),
    ("age", WHOLE, "tengo treinta y cinco años", 35),
    ("age", WHOLE, "cuarenta y dos", 42),
    ("mileage", WHOLE, "unos 40.000 kilómetros", 40000),
    ("count", WHOLE, "mil doscientos", 1200),
    ("price", NUMBER, "20 dólares", 20),
    ("date", TEXT, "el 5 de marzo", "2027-03-05"),
    ("date", TEXT, "pasado mañana", "2026-11-26"),
    ("date", TEXT, "el viernes por favor", "2026-11-27"),
    ("time", TEXT, "a las siete de la tarde", "19:00"),
    ("plan", PLAN, "la segunda, por favor", "standard"),
    ("plan", PLAN, "el básico", "basic"),
    ("kind", KIND, "mi coche", "car"),
    ("accept", FLAG, "sí, por favor", True),
    ("accept", FLAG, "claro que no", False),
    ("accept", FLAG, "no, gracias", False),
    ("city", TEXT, "creo que Sevilla", "Sevilla"),
    ("city", TEXT, "no lo sé", None),
]

UNASKED: list[tuple[str, dict[str, Any], str, Any]] = [
    ("name", TEXT, "Ada Lovelace", None),
    ("name", TEXT, "I'm Ada Lovelace, ada@example.org", "Ada Lovelace"),
    ("name", TEXT, "i'm happy to help", None),
    ("email", TEXT, "reach me at ada@example.org", "ada@example.org"),
    ("age", WHOLE, "I need it in 5 minutes", None),
    ("age", WHOLE, "my age is 42", 42),
    ("mileage", WHOLE, "W-123, 40000 km", 40000),
    ("mileage", WHOLE, "40000", None),
    ("plate", TEXT, "W-123, 40000 km", "W-123"),
    ("accept", FLAG, "yes", None),
    ("newsletter", FLAG, "no newsletter please", False),
    ("smoker", FLAG, "I am a smoker", True),
    ("city", TEXT, "Vienna", None),
    ("city", TEXT, "my city is Vienna, by the way", "Vienna"),
    ("plan", PLAN, "give me the premium one", "premium_plan"),
    ("phone", TEXT, "order 12345678", None),
]


def named(case: tuple[str, dict[str, Any], str, Any]) -> str:
    return f"{case[0]}: {case[2]}"


@pytest.mark.parametrize("case", ANSWERS, ids=named)
def test_an_answer_gives_its_value_or_none(case: tuple[str, dict[str, Any], str, Any]) -> None:
    name, schema, words, expected = case

    value = find_value(schema, name, words, question=f"What is the {name}?", today=TODAY)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("case", UNASKED, ids=named)
def test_without_a_question_only_what_stands_by_itself_counts(case: tuple[str, dict[str, Any], str, Any]) -> None:
    name, schema, words, expected = case

    assert find_value(schema, name, words, today=TODAY) == expected


def test_references_and_nullable_unions_are_followed() -> None:
    schema = {"anyOf": [{"$ref": "#/$defs/Kind"}, {"type": "null"}], "$defs": {"Kind": KIND}}

    assert find_value(schema, "kind", "the second one", question="Which?") == "home"


def test_the_language_can_be_given() -> None:
    assert find_value(NUMBER, "price", "1.200", question="?", language="de") == 1200
    assert find_value(NUMBER, "price", "1.200", question="?", language="en") == 1.2


AGE = {"type": "integer", "title": "age"}


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Ada, I'm 36", 36),
        ("I am 36 and live in Wien", 36),
        ("I just turned 36.", 36),
        ("I'm now 36, Ada", 36),
        ("ich heiße Jörg und bin 42", 42),
        ("nein, ich bin 43", 43),
        ("soy Ana y tengo 31", 31),
        ("no, tengo 32", 32),
        ("tengo 3 perros", None),
        ("ich bin 3 Tage hier", None),
        ("I am 2 minutes late", None),
        ("I have 36", None),
    ],
)
def test_age_is_heard_without_being_asked_for(text: str, age: int | None) -> None:
    assert find_value(AGE, "age", text) == age


@pytest.mark.parametrize(
    ("text", "question", "name"),
    [
        ("Ada, I'm 36", None, "Ada"),
        ("Ada Lovelace, 36", None, "Ada Lovelace"),
        ("Jörg Weiß, ich bin 42", None, "Jörg Weiß"),
        ("Paris, my favourite", None, None),
        ("what's this for?", "Could you tell me your name?", None),
        ("my age is 38", "Could you tell me your name?", None),
        ("Ada, is that enough?", None, None),
    ],
)
def test_name_is_heard_where_somebody_begins_with_it_and_never_in_a_question(
    text: str, question: str | None, name: str | None
) -> None:
    assert find_value({"type": "string"}, "name", text, question=question) == name


@pytest.mark.parametrize(
    ("text", "room"), [("ein Doppelzimmer bitte", "doppel"), ("Einzelzimmer", "einzel"), ("das Zimmer", None)]
)
def test_choice_is_heard_in_a_compound(text: str, room: str | None) -> None:
    assert find_value({"enum": ["einzel", "doppel"]}, "zimmer", text, language="de") == room


@pytest.mark.parametrize(
    ("schema", "name", "language", "asked"),
    [
        (AGE, "age", "en", "How old are you?"),
        ({"type": "integer"}, "alter", "de", "Wie alt sind Sie?"),
        ({"type": "integer"}, "edad", "es", "¿Cuántos años tiene?"),
        (
            {"type": "integer", "description": "the age of the dog"},
            "age",
            "en",
            "Could you tell me the age of the dog?",
        ),
        ({"enum": ["basic", "premium"]}, "plan", "de", "Was möchten Sie wählen: Basis oder Premium?"),
        ({"enum": ["basic", "premium"]}, "plan", "es", "¿Qué prefiere: básico o premium?"),
        ({"type": "string", "description": "Anreisetag"}, "arrival", "de", "Bitte nennen Sie mir noch: Anreisetag."),
        ({"enum": ["check-up", "pain"]}, "reason", "en", "Which reason would you like: check-up or pain?"),
    ],
)
def test_question_is_worded_for_what_it_asks(schema: dict[str, object], name: str, language: str, asked: str) -> None:
    assert question(schema, name, language=language) == asked


@pytest.mark.parametrize(
    "text", ["hm, let me think", "one moment please", "einen Moment bitte", "ich überlege noch", "déjeme pensar"]
)
def test_thinking_is_no_answer(text: str) -> None:
    assert find_value(TEXT, "supplier", text, question="Which supplier?") is None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("sorry, my email is ada@lovelace.org", {"email": "ada@lovelace.org"}),
        ("Main Street 1, and my email is ada@lovelace.org", {"email": "ada@lovelace.org", "street": "Main Street 1"}),
    ],
)
async def test_words_around_another_answer_are_no_free_text(text: str, values: dict[str, str]) -> None:
    properties = {"email": {"type": "string", "format": "email"}, "street": TEXT}
    save = {"name": "save_answers", "description": "Save.", "parameters": {"type": "object", "properties": properties}}
    messages = [
        {"role": "system", "content": 'Ask "Could you tell me the street?"'},
        {"role": "assistant", "content": "Could you tell me the street?"},
        {"role": "user", "content": text},
    ]

    response = await OfflineClient().generate(messages, tools=[{"type": "function", "function": save}])

    assert json.loads(response.message["tool_calls"][0]["function"]["arguments"]) == values
