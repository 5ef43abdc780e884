"""A simulated person."""

from __future__ import annotations

from datetime import date

import pytest
from journeys import Person as PersonModel
from journeys import Quote
from quote import QuoteAgent

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.testing import Habits, Person, Talk
from agent_runtime_framework.testing.person.person import slip
from agent_runtime_framework.testing.person.question import read_question
from agent_runtime_framework.testing.person.words import words_of

CAR = {"kind": "car", "plate": "W-123", "yearly_km": 40000, "age": 30}
DIFFICULT = Habits(several=0.4, slips=0.3, digresses=0.3)


@pytest.mark.parametrize(
    ("reply", "asked"),
    [
        ("Could you tell me your age?", ("age",)),
        ("How old are you?", ("age",)),
        ("What is the licence plate, and the mileage?", ("plate", "yearly_km")),
        ("And the yearly kilometres and the plate, please?", ("yearly_km", "plate")),
        ("A car or a home?", ("kind",)),
        ("Thank you, W-123. Your age?", ("age",)),
        ("Tell me your age.", ("age",)),
        ("Do you like it here?", ()),
    ],
)
def test_questions_are_read(reply: str, asked: tuple[str, ...]) -> None:
    assert read_question(reply, CAR, words_of("en")).fields == asked


@pytest.mark.parametrize(
    ("reply", "is_decision"),
    [
        ("Would you like to accept?", True),
        ("Is everything right?", True),
        ("Could you tell me whether you want to book it?", True),
        ("Which plan would you like?", False),
        ("Could you tell me your age?", False),
    ],
)
def test_questions_for_a_yes_are_told_from_others(reply: str, is_decision: bool) -> None:
    assert read_question(reply, CAR, words_of("en")).is_decision is is_decision


def test_a_whole_journey_is_held_from_a_record() -> None:
    with Talk(Quote) as t:
        assert t.meet(Person(record=CAR))
        assert t.step is Quote.done
        assert (t.state.kind, t.state.plate, t.state.yearly_km, t.state.age) == ("car", "W-123", 40000, 30)


@pytest.mark.parametrize("seed", range(8))
def test_a_difficult_person_gets_a_form_filled_as_they_are(seed: int) -> None:
    ada = Person(record={"name": "Ada Lovelace", "age": 36, "newsletter": False}, habits=DIFFICULT, seed=seed)
    with Talk(PersonModel) as t:
        assert t.meet(ada), t.explain()
        assert t.state.result == PersonModel(name="Ada Lovelace", age=36, newsletter=False), t.explain()


def test_the_same_seed_gives_the_same_conversation() -> None:
    said: list[list[str]] = []
    for _ in range(2):
        with Talk(QuoteAgent) as t:
            t.meet(Person(record={"kind": "home", "city": "Vienna", "square_metres": 80}, habits=DIFFICULT, seed=5))
            said.append(t.said)
    assert said[0] == said[1]


def test_a_slip_is_corrected_with_the_next_message() -> None:
    mind = Person(record={"age": 36, "city": "Vienna"}, habits=Habits(slips=1)).begin()
    assert "37" in (mind.answer("How old are you?") or "")
    assert "36" in (mind.answer("And your city?") or "")


def test_somebody_changes_their_mind() -> None:
    mind = Person(record={"kind": "car", "age": 30}, first={"kind": "home"}).begin()
    assert "home" in (mind.answer("A car or a home?") or "")
    assert "changed my mind" in (mind.answer("Your age?") or "")


def test_several_answers_come_at_once() -> None:
    mind = Person(record={"name": "Ada", "age": 36, "city": "Bath"}, habits=Habits(several=1), seed=2).begin()
    said = mind.answer("What is your name?") or ""
    assert "Ada" in said
    assert "36" in said


def test_a_digression_is_followed_by_the_answer() -> None:
    mind = Person(record={"age": 36}, habits=Habits(digresses=1)).begin()
    assert (mind.answer("How old are you?") or "").endswith("?")
    assert "36" in (mind.answer("How old are you?") or "")


@pytest.mark.parametrize(("agrees", "expected"), [(True, "yes"), (False, "no")])
def test_true_and_false_are_said_as_yes_and_no(agrees: bool, expected: str) -> None:
    mind = Person(record={"newsletter": agrees}).begin()
    assert (mind.answer("Would you like the newsletter?") or "").startswith(expected)


def test_a_question_that_goes_on_and_on_makes_them_give_up() -> None:
    mind = Person(record={"age": 36}).begin()
    said = [mind.answer("What is the airspeed of a swallow?") for _ in range(10)]
    assert said[-1] is None


def test_talking_ends_at_the_limit() -> None:
    with Talk(Quote) as t:
        assert not t.meet(Person(record=CAR), limit=2)
        assert len(t.exchanges) == 2


@pytest.mark.asyncio
async def test_it_can_be_awaited() -> None:
    t: Talk[Quote] = Talk(Quote)
    assert await t.met(Person(record=CAR))


@pytest.mark.parametrize("language", ["de", "es"])
def test_other_languages_are_spoken(language: str) -> None:
    mind = Person(record={"age": 36}, language=language).begin()
    assert mind.answer("") in words_of(language).hello
    question = {"de": "Wie alt sind Sie?", "es": "¿Qué edad tiene?"}[language]
    assert "36" in (mind.answer(question) or "")


def test_every_language_has_all_words() -> None:
    for language in ("en", "de", "es"):
        words = words_of(language)
        assert all([words.hello, words.yes, words.no, words.plain, words.labelled, words.correction, words.change])
        assert all([words.digressions, words.decisions, words.openers, words.synonyms])


@pytest.mark.parametrize(
    ("value", "other"),
    [(36, 37), (True, False), (date(2026, 3, 1), date(2026, 3, 2)), ("Ada", "Aad"), ("see", "see"), (None, None)],
)
def test_a_slip_is_near(value: object, other: object) -> None:
    assert slip(value) == other


def test_impossible_people_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="slips=2; expected a probability"):
        Habits(slips=2)
    with pytest.raises(ConfigurationError, match="the record does not have"):
        Person(record={}, first={"kind": "car"})
    with pytest.raises(ConfigurationError, match="does not speak 'tlh'; they speak: en, de, es"):
        Person(record={}, language="tlh").begin()
