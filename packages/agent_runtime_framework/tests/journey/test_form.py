"""A form keeps what is known and what is next: pure code on JSON."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator, model_validator

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.ask import Ask, FormField
from agent_runtime_framework.journey.form import MASK, Form, Progress
from agent_runtime_framework.journey.grounding import is_grounded
from agent_runtime_framework.journey.wording import ask, summary

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$", json_schema_extra={"format": "email"})]


class Address(BaseModel):
    street: str
    city: str


class Colour(Enum):
    RED = "red"
    DARK_BLUE = "dark_blue"


class Person(BaseModel):
    full_name: str
    email: Email
    born: Annotated[date, Field(title="date of birth")]
    colour: Colour
    note: str = ""


class Insurance(BaseModel):
    kind: Literal["car", "home"]
    plate: Annotated[str | None, Ask(when=lambda a: a["kind"] == "car", depends_on="kind")] = None
    mileage: Annotated[int, Ask(when=lambda a: a["kind"] == "car", depends_on=["kind", "plate"])] = 0
    city: Annotated[str, Ask(when=lambda a: a["kind"] == "home")] = ""
    budget: Annotated[Decimal, Ask(depends_on="kind", reconfirm=True)]


def filled(form: Form[Any], **answers: Any) -> Progress:
    progress: Progress = {}
    outcome = form.apply(progress, answers)
    assert not outcome.rejected, outcome
    return progress


def next_name(form: Form[Any], progress: Progress) -> str | None:
    question = form.next_question(progress)
    return question.field.name if question else None


def test_fields_are_asked_in_the_order_of_the_model():
    form, progress, seen = Form(Person), dict[str, Any](), list[str]()
    answers = {"full_name": "Ada", "email": "a@b.org", "born": "1985-12-10", "colour": "red", "note": "hello"}

    while name := next_name(form, progress):
        seen.append(name)
        form.apply(progress, {name: answers[name]})

    assert seen == list(Person.model_fields)
    assert form.validate(progress) == Person.model_validate(answers)


def test_several_answers_are_taken_or_refused_one_by_one():
    form, progress = Form(Person), dict[str, Any]()

    outcome = form.apply(progress, {"full_name": "Ada", "email": "nonsense", "born": "1985-12-10", "shoe": 42})

    assert outcome.accepted == ("full_name", "born")
    assert set(outcome.rejected) == {"email", "shoe"}
    assert "email" in outcome.rejected["email"]
    assert next_name(form, progress) == "email"


@pytest.mark.parametrize(
    ("field", "said", "kept"),
    [
        ("born", "10 December 1985", "1985-12-10"),
        ("born", "1985-12-10", "1985-12-10"),
        ("colour", "Dark Blue", "dark_blue"),
        ("colour", "red", "red"),
        ("email", "my email is ada@example.org", "ada@example.org"),
        ("full_name", "  Ada ", "Ada"),
    ],
)
def test_values_are_understood_as_people_and_models_write_them(field: str, said: str, kept: str):
    assert filled(Form(Person), **{field: said})["answers"] == {field: kept}


@pytest.mark.parametrize("nothing", [None, "", "  ", [], {}, MASK, f"card {MASK}"])
def test_what_says_nothing_is_no_answer(nothing: object):
    progress: Progress = {}

    outcome = Form(Person).apply(progress, {"full_name": nothing})

    assert not outcome.accepted
    assert not outcome.rejected
    assert not progress["answers"]


def test_progress_is_plain_json():
    progress = filled(Form(Person), full_name="Ada", born="1985-12-10", colour="red")

    assert json.loads(json.dumps(progress)) == progress


def test_condition_leaves_a_question_out():
    form = Form(Insurance)

    assert [each.name for each in form.open_fields(filled(form, kind="home"))] == ["city", "budget"]
    assert [each.name for each in form.open_fields(filled(form, kind="car"))] == ["plate", "mileage", "budget"]
    assert [each.name for each in form.open_fields({})] == ["kind", "budget"]


def test_answer_may_open_the_question_for_another_of_the_same_message():
    progress = filled(Form(Insurance), mileage=40000, plate="W-1", kind="car")

    assert progress["answers"] == {"kind": "car", "plate": "W-1", "mileage": 40000}


def test_answer_to_a_question_that_is_not_asked_is_left_out_of_the_result():
    form = Form(Insurance)
    progress = filled(form, kind="home", city="Wien", budget="10")
    form.apply(progress, {"kind": "car"})

    assert "city" not in form.answers(progress)


def test_changed_answer_clears_exactly_what_depends_on_it():
    form = Form(Insurance)
    progress = filled(form, kind="car", plate="W-1", mileage=10, budget="99")

    outcome = form.apply(progress, {"plate": "W-2"})

    assert outcome.cleared == ("mileage",)
    assert outcome.changed == ("plate",)
    assert progress["answers"] == {"kind": "car", "plate": "W-2", "budget": "99"}
    assert next_name(form, progress) == "mileage"


def test_changed_answer_clears_transitively_and_asks_whether_others_still_hold():
    form = Form(Insurance)
    progress = filled(form, kind="car", plate="W-1", mileage=10, budget="99")

    outcome = form.apply(progress, {"kind": "home"})

    assert set(outcome.cleared) == {"plate", "mileage"}
    assert outcome.stale == ("budget",)
    assert next_name(form, progress) == "city"
    form.apply(progress, {"city": "Wien"})
    question = form.next_question(progress)
    assert question is not None
    assert (question.kind, question.value) == ("stale", "99")
    assert ask(form, question) == "Is your budget still 99?"
    form.agree(progress)
    assert form.is_filled(progress)


def test_change_goes_through_a_chain_and_stops_there():
    class Chain(BaseModel):
        country: str
        city: Annotated[str, Ask(depends_on="country")]
        street: Annotated[str, Ask(depends_on="city")]
        name: str

    form = Form(Chain)
    progress = filled(form, country="AT", city="Wien", street="Ring", name="Ada")

    assert form.apply(progress, {"country": "DE"}).cleared == ("city", "street")
    assert progress["answers"] == {"country": "DE", "name": "Ada"}


def test_same_answer_again_changes_nothing():
    form = Form(Insurance)
    progress = filled(form, kind="car", plate="W-1", mileage=10, budget="99")

    outcome = form.apply(progress, {"kind": "car"})

    assert (outcome.cleared, outcome.stale, outcome.changed) == ((), (), ())


def test_dependant_given_in_the_same_message_stays():
    form = Form(Insurance)
    progress = filled(form, kind="car", plate="W-1", mileage=10, budget="99")

    outcome = form.apply(progress, {"plate": "W-2", "mileage": 20})

    assert outcome.cleared == ()
    assert progress["answers"]["mileage"] == 20


def test_optional_question_may_be_skipped_and_answered_later_all_the_same():
    form = Form(Person)
    progress = filled(form, full_name="Ada", email="a@b.org", born="1985-12-10", colour="red")

    assert form.decline(progress, "note") is None
    assert form.is_filled(progress)
    form.apply(progress, {"note": "hello"})
    assert form.validate(progress).note == "hello"


def test_needed_question_cannot_be_skipped():
    assert Form(Person).decline({}, "email") == "email is needed"


def test_optional_question_is_given_up_after_it_was_asked():
    form = Form(Person)
    progress = filled(form, full_name="Ada", email="a@b.org", born="1985-12-10", colour="red")

    form.asked(progress, "note")
    form.asked(progress, "note")

    assert form.next_question(progress) is None


def test_validator_across_fields_reopens_the_field_it_names():
    class Stay(BaseModel):
        arrival: date
        departure: date
        guests: int

        @model_validator(mode="after")
        def in_order(self) -> Stay:
            if self.departure <= self.arrival:
                raise ValueError("departure has to be after the day you come")
            return self

    form = Form(Stay)
    progress = filled(form, arrival="2027-05-03", departure="2027-05-01")

    outcome = form.apply(progress, {"guests": 2})

    assert outcome.rejected == {"departure": "Departure has to be after the day you come."}
    assert next_name(form, progress) == "departure"
    form.apply(progress, {"departure": "2027-05-09"})
    assert form.is_filled(progress)


def test_validators_of_a_field_are_heard_at_once_also_those_that_look_at_others():
    class Signup(BaseModel):
        password: str
        again: str

        @field_validator("again")
        @classmethod
        def same(cls, value: str, info: ValidationInfo) -> str:
            if value != info.data.get("password"):
                raise ValueError("the two passwords differ")
            return value

    form = Form(Signup)
    outcome = form.apply(filled(form, password="swordfish"), {"again": "goldfish"})

    assert outcome.rejected == {"again": "The two passwords differ."}


def test_limits_are_explained_in_words():
    class Party(BaseModel):
        size: Annotated[int, Field(ge=2, le=8)]

    assert Form(Party).apply({}, {"size": 20}).rejected == {"size": "It may be at most 8."}
    assert Form(Party).apply({}, {"size": "many"}).rejected == {"size": "I could not find one clear number in that."}
    assert Form(Party, language="de").apply({}, {"size": 1}).rejected["size"].startswith("Es m")


def test_nested_models_are_asked_part_by_part():
    class Order(BaseModel):
        item: str
        ship_to: Address

    form = Form(Order)
    progress = filled(form, item="lamp", ship_to_street="Main Street 5", ship_to_city="Boston")

    assert form.validate(progress).ship_to == Address(street="Main Street 5", city="Boston")


def test_optional_group_is_asked_for_only_after_a_yes():
    class Order(BaseModel):
        item: str
        gift_to: Address | None = None

    form = Form(Order)
    progress = filled(form, item="lamp")
    assert next_name(form, progress) == "gift_to"
    form.apply(progress, {"gift_to": True})
    assert [each.name for each in form.open_fields(progress)] == ["gift_to_street", "gift_to_city"]
    form.apply(progress, {"gift_to_street": "A 1", "gift_to_city": "B"})
    assert form.validate(progress).gift_to == Address(street="A 1", city="B")
    form.apply(progress, {"gift_to": False})
    assert form.validate(progress).gift_to is None


def test_aliases_are_used_where_the_model_wants_them():
    class Aliased(BaseModel):
        first: Annotated[str, Field(alias="firstName")]

    form = Form(Aliased)

    assert form.validate(filled(form, first="Ada")).first == "Ada"


def test_value_nobody_said_is_questioned_until_the_person_agrees():
    form, progress = Form(Person), dict[str, Any]()

    outcome = form.apply(progress, {"full_name": "John Doe"}, heard=lambda field, value: False, turn="1")

    assert outcome.questioned == {"full_name": "John Doe"}
    question = form.next_question(progress)
    assert question is not None
    assert ask(form, question) == "I am not sure that I understood you. Is your full name John Doe?"
    form.agree(progress)
    assert progress["answers"] == {"full_name": "John Doe"}


def test_value_nobody_said_counts_when_a_later_turn_brings_it_again():
    form, progress = Form(Person), dict[str, Any]()

    def heard(field: FormField, value: Any) -> bool:
        return is_grounded(value, ["hello"])

    for turn in ("1", "1", "2"):
        outcome = form.apply(progress, {"full_name": "John Doe"}, heard=heard, turn=turn)
        assert bool(outcome.accepted) is (turn == "2")


def test_choices_and_flags_are_never_questioned():
    class Choice(BaseModel):
        plan: Literal["basic", "pro"]
        news: bool

    outcome = Form(Choice).apply({}, {"plan": "pro", "news": True}, heard=lambda field, value: False)

    assert outcome.accepted == ("plan", "news")


def test_grounding_can_be_left_to_the_model_for_one_field():
    class Ticket(BaseModel):
        summary: Annotated[str, Ask(grounded=False)]

    assert Form(Ticket).apply({}, {"summary": "a leak"}, heard=lambda field, value: False).accepted == ("summary",)


def test_a_page_may_send_several_answers_for_the_schema_of_what_is_open():
    form = Form(Person)
    progress = filled(form, full_name="Ada")
    schema = form.json_schema(progress)

    assert list(schema["properties"]) == ["email", "born", "colour", "note"]
    assert schema["required"] == ["email", "born", "colour"]
    form.apply(progress, {"email": "a@b.org", "born": "1985-12-10", "colour": "red", "note": "x"})
    assert form.is_filled(progress)


def test_re_asking_gives_the_reason_then_the_choices():
    form, progress = Form(Person), filled(Form(Person), full_name="Ada", email="a@b.org", born="1985-12-10")
    for _ in range(2):
        form.apply(progress, {"colour": "green"})
        form.asked(progress, "colour")
    question = form.next_question(progress)

    assert question is not None
    assert ask(form, question) == ("That is not one of the choices. Please choose one of these: red, dark blue.")


def test_re_asking_gives_an_example_where_the_author_has_one():
    class Car(BaseModel):
        plate: Annotated[str, Field(pattern=r"^[A-Z]-\d+$"), Ask(prompt="Your plate?", example="W-123")]

    form, progress = Form(Car), dict[str, Any]()
    for _ in range(2):
        form.apply(progress, {"plate": "???"})
        form.asked(progress, "plate")
    question = form.next_question(progress)

    assert question is not None
    assert ask(form, question).endswith("For example: W-123. Your plate?")


def test_summary_shows_answers_and_masks_what_is_sensitive():
    class Account(BaseModel):
        owner: str
        card: Annotated[str, Ask(sensitive=True)]
        pin: SecretStr

    form = Form(Account)
    text = summary(form, filled(form, owner="Ada", card="4111111111111111", pin="4711"))

    assert text == "This is what I have:\n- Owner: Ada\n- Card: ••• 1111\n- Pin: •••\nIs everything right?"


def test_secret_types_are_sensitive_and_keep_the_real_value():
    class Account(BaseModel):
        pin: SecretStr

    form = Form(Account)
    progress = filled(form, pin="4711")

    assert form.secrets(progress) == {"pin": "4711"}
    assert form.validate(progress).pin.get_secret_value() == "4711"


def test_dependency_on_nothing_is_said_with_the_names_there_are():
    class Wrong(BaseModel):
        a: str
        b: Annotated[str, Ask(depends_on="c")]

    with pytest.raises(ConfigurationError, match=r"Wrong.b depends on 'c'.*a, b"):
        _ = Form(Wrong).fields


def test_model_without_fields_is_no_form():
    class Empty(BaseModel):
        pass

    with pytest.raises(ConfigurationError, match="no fields"):
        _ = Form(Empty).fields


def test_unknown_language_is_said_with_those_there_are():
    with pytest.raises(ConfigurationError, match=r"'xx'.*en, de, es"):
        summary(Form(Person, language="xx"), {})


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "What is your email address?"), ("de", "Wie lautet Ihre E-Mail-Adresse?")],
)
def test_questions_are_worded_in_the_language_of_the_form(language: str, expected: str):
    form = Form(Person, language=language)
    question = form.next_question(filled(form, full_name="Ada"))

    assert question is not None
    assert ask(form, question) == expected


def test_condition_that_fails_with_all_answers_there_is_an_error_of_the_author():
    class Wrong(BaseModel):
        a: str
        b: Annotated[str, Ask(when=lambda answers: answers["a"] > 3)] = ""

    form = Form(Wrong)
    progress: Progress = {"answers": {"a": "x", "b": "y"}}
    with pytest.raises(ConfigurationError, match="when= of field 'b'"):
        form.applicable(progress)
