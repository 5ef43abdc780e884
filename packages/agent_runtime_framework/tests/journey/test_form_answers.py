"""Types of answers: one normal form, and reasons for people."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.answers import CardNumber, Email, Iban, read_phone
from agent_runtime_framework.journey.ask import Ask
from agent_runtime_framework.journey.form import Form


class Payment(BaseModel):
    email: Email
    account: Iban
    card: CardNumber


@pytest.mark.parametrize(
    ("kind", "said", "kept"),
    [
        (Email, " Ada@Example.ORG ", "Ada@example.org"),
        (Iban, "de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        (Iban, "GB29-NWBK-6016-1331-9268-19", "GB29NWBK60161331926819"),
        (CardNumber, "4111 1111 1111 1111", "4111111111111111"),
        (CardNumber, "3782-822463-10005", "378282246310005"),
    ],
)
def test_answers_are_kept_in_one_form(kind: Any, said: str, kept: str):
    assert TypeAdapter(kind).validate_python(said) == kept


@pytest.mark.parametrize(
    ("kind", "said", "reason"),
    [
        (Email, "ada@example", "does not look like an email"),
        (Iban, "hello", "begins with two letters"),
        (Iban, "DE89 3704 0044 0532 0130 01", "check digits do not fit"),
        (Iban, "DE89 3704 0044 0532 0130", "has 22 characters, this one has 20"),
        (CardNumber, "4111 1111 1111 1112", "check digit does not fit"),
        (CardNumber, "4111", "12 to 19 digits"),
    ],
)
def test_slips_are_told_with_the_reason(kind: Any, said: str, reason: str):
    with pytest.raises(ValidationError, match=reason):
        TypeAdapter(kind).validate_python(said)


def test_accounts_and_cards_are_sensitive():
    assert {each.name for each in Form(Payment).fields if each.is_sensitive} == {"account", "card"}


def test_reasons_reach_the_person_as_sentences():
    outcome = Form(Payment).apply({}, {"card": "4111 1111 1111 1112"})

    assert outcome.rejected == {"card": "There is a slip in that card number: its check digit does not fit."}


def test_missing_phonenumbers_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "phonenumbers", None)

    with pytest.raises(ConfigurationError, match=r"agent_runtime_framework\[forms\]"):
        read_phone("+44 20 7183 8750")


def test_phone_numbers_are_kept_as_e164():
    pytest.importorskip("phonenumbers")

    assert read_phone("020 7183 8750", "GB") == "+442071838750"
    assert read_phone("+44 (0)20 7183 8750") == "+442071838750"
    with pytest.raises(ValueError, match="country code"):
        read_phone("020 7183 8750")
    with pytest.raises(ValueError, match="no such phone number"):
        read_phone("+44 20 7183")


def test_what_an_author_says_adds_to_what_the_type_brings_along():
    class Contract(BaseModel):
        account: Annotated[Iban, Ask(prompt="Which account do you pay from?")]

    (field,) = Form(Contract).fields

    assert (field.is_sensitive, field.ask.prompt) == (True, "Which account do you pay from?")
