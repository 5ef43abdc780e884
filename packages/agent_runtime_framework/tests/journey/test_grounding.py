"""Grounding on a corpus: true answers are hardly ever questioned, invented ones nearly always."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_framework.journey.grounding import Speech, is_grounded

TODAY = date(2026, 11, 24)  # a Tuesday
LANGUAGES = {"en", "de", "es", "fr", "it", "pt", "ru", "ja", "zh", "ar"}


def corpus(name: str) -> list[tuple[str, Any, str]]:
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return [(language, json.loads(value), said) for language, value, said in rows]


TRUE = corpus("true_answers.tsv")
INVENTED = corpus("invented_values.tsv")


def test_corpus_is_large_and_has_many_languages():
    assert len(TRUE) >= 300
    assert len(INVENTED) >= 60
    assert {language for language, *_ in TRUE} == LANGUAGES


def test_at_most_two_of_a_hundred_true_answers_are_questioned():
    questioned = [row for row in TRUE if not is_grounded(row[1], [row[2]], today=TODAY)]

    assert len(questioned) <= 0.02 * len(TRUE), questioned


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_language_is_pestered_more_than_others(language: str):
    rows = [row for row in TRUE if row[0] == language]
    questioned = [row for row in rows if not is_grounded(row[1], [row[2]], today=TODAY)]

    assert len(questioned) <= max(1, 0.04 * len(rows)), questioned


def test_nearly_all_invented_values_are_questioned():
    believed = [row for row in INVENTED if is_grounded(row[1], [row[2]], today=TODAY)]

    assert len(believed) <= 0.03 * len(INVENTED), believed


@pytest.mark.parametrize("value", [True, False, None])
def test_flags_and_nothing_need_no_words(value: object):
    assert is_grounded(value, ["whatever"])


def test_members_of_an_enumeration_need_no_words():
    assert is_grounded("premium", ["the best you have"], schema={"enum": ["basic", "premium"]})


def test_words_of_earlier_messages_count():
    assert is_grounded("Ada Lovelace", ["I'm Ada", "and my last name is Lovelace"])


def test_one_wrong_digit_is_questioned():
    assert not is_grounded("+442071838751", ["+44 20 7183 8750"])


def test_one_invented_entry_of_a_list_is_questioned():
    assert not is_grounded(["milk", "caviar"], ["milk and bread"])


def test_speech_is_read_once_for_many_values():
    speech = Speech(["Ada, born 10 December 1985, 40k miles a year"], TODAY)

    assert is_grounded("Ada", speech)
    assert is_grounded("1985-12-10", speech)
    assert is_grounded(40000, speech)


@given(st.text(min_size=1, max_size=60))
def test_what_was_said_literally_is_always_grounded(text: str):
    assert is_grounded(text, [text], today=TODAY)


@given(st.integers(0, 10**12))
def test_every_number_in_digits_is_heard(number: int):
    assert is_grounded(number, [f"it is {number:,}"])
    assert is_grounded(number, [f"es sind {number:,}".replace(",", ".")])


@given(st.dates(date(1930, 1, 1), date(2030, 12, 31)))
def test_every_date_is_heard_in_figures_and_words(day: date):
    assert is_grounded(day.isoformat(), [f"{day.day}.{day.month}.{day.year}"], today=TODAY)
    assert is_grounded(day.isoformat(), [f"{day:%B} {day.day}, {day.year}"], today=TODAY)


@given(st.text(max_size=200), st.one_of(st.text(max_size=50), st.floats(allow_nan=False), st.integers()))
def test_nothing_makes_it_raise(said: str, value: object):
    assert is_grounded(value, [said], today=TODAY) in (True, False)
