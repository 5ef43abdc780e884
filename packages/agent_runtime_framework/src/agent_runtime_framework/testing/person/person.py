"""`Person`: who they are; `Mind`: one of them in one conversation."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from typing import Any

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.testing.person.question import Asked, read_question
from agent_runtime_framework.testing.person.words import words_of

MOST_REPEATS = 4
"""How often a person answers the very same question before they give up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How somebody talks; each is a probability from 0 to 1.

    Attributes:
        several: To say more than was asked for.
        slips: To say something wrong, and to correct it with the next message.
        digresses: To ask something else instead of answering.
    """

    several: float = 0.0
    slips: float = 0.0
    digresses: float = 0.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not 0 <= value <= 1:
                raise ConfigurationError(f"habit {each.name}={value!r}; expected a probability from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who answers from a record; the same seed gives the same conversation.

    >>> ada = Person(record={"name": "Ada", "age": 36})
    >>> ada.begin().answer("How old are you?")
    "It's 36"

    Attributes:
        record: What they know, by name; the names are what questions are compared with. True and False are said as
            yes and no.
        first: What they say at first of some of it, before they change their mind.
        habits: How they talk.
        seed: What chance depends on.
        language: "en", "de" or "es".
    """

    record: Mapping[str, Any]
    first: Mapping[str, Any] = field(default_factory=dict[str, Any])
    habits: Habits = field(default_factory=Habits)
    seed: int = 0
    language: str = "en"

    def __post_init__(self) -> None:
        unknown = [name for name in self.first if name not in self.record]
        if unknown:
            raise ConfigurationError(f"first= has {', '.join(unknown)}, which the record does not have")

    def begin(self) -> Mind:
        """The person at the beginning of a conversation."""
        return Mind(self)


class Mind:
    """A person in a conversation.

    Attributes:
        person: Who it is.
    """

    def __init__(self, person: Person) -> None:
        self.person = person
        self._chance = random.Random(person.seed)
        self._words = words_of(person.language)
        self._said: dict[str, Any] = {}
        self._has_digressed = False
        self._asked_last = ""
        self._repeats = 0

    def answer(self, reply: str) -> str | None:
        """What they say to a reply, an empty one to begin with; None if they have given up."""
        if not reply:
            return self._pick(self._words.hello)
        asked = read_question(reply, self.person.record, self._words)
        if self._is_stuck(asked):
            return None
        wrong = self._wrongly_said()
        if wrong:
            return self._put_right(wrong)
        if not self._has_digressed and self._happens(self.person.habits.digresses):
            self._has_digressed = True
            return self._pick(self._words.digressions)
        self._has_digressed = False
        return self._answer(asked)

    def _answer(self, asked: Asked) -> str:
        record = self.person.record
        decisions = [name for name in asked.fields if isinstance(record[name], bool)]
        if asked.is_decision:
            return self._yes_or_no(is_yes=bool(record[decisions[0]]) if decisions else True)
        wanted = self._wanted(asked)
        if not wanted:
            return self._yes_or_no(is_yes=True)
        more = [name for name in self._unsaid() if name not in wanted and not isinstance(record[name], bool)]
        if more and self._happens(self.person.habits.several):
            wanted += more[: self._chance.randint(1, len(more))]
        return self._phrase(wanted)

    def _wanted(self, asked: Asked) -> list[str]:
        unsaid = self._unsaid()
        fitting = [name for name in asked.fields if name in unsaid]
        if fitting:
            return fitting
        # A question for something that was said already did not get its answer; one that fits nothing gets the next.
        return list(asked.fields[:1]) or unsaid[:1]

    def _phrase(self, names: list[str]) -> str:
        if len(names) == 1:
            value = self._value(names[0], may_slip=True)
            if isinstance(value, bool):
                return self._yes_or_no(is_yes=value)
            return self._pick(self._words.plain).format(label=label_of(names[0]), value=shown(value))
        parts: list[str] = []
        for name in names:
            template = self._pick(self._words.labelled)
            value = self._value(name, may_slip=False)
            parts.append(template.format(label=label_of(name), value=self._in_words(value)))
        return self._words.and_.join(parts)

    def _value(self, name: str, *, may_slip: bool) -> Any:
        value = self.person.record[name]
        if name not in self._said:
            if name in self.person.first:
                value = self.person.first[name]
            elif may_slip and self._happens(self.person.habits.slips):
                value = slip(value)
        self._said[name] = value
        return value

    def _wrongly_said(self) -> list[str]:
        return [name for name, value in self._said.items() if value != self.person.record[name]]

    def _put_right(self, wrong: list[str]) -> str:
        parts: list[str] = []
        for name in wrong:
            ways = self._words.change if name in self.person.first else self._words.correction
            value = self._said[name] = self.person.record[name]
            parts.append(self._pick(ways).format(label=label_of(name), value=self._in_words(value)))
        return self._words.and_.join(parts)

    def _is_stuck(self, asked: Asked) -> bool:
        self._repeats = self._repeats + 1 if asked.text == self._asked_last else 0
        self._asked_last = asked.text
        return self._repeats >= MOST_REPEATS

    def _unsaid(self) -> list[str]:
        return [name for name in self.person.record if name not in self._said]

    def _yes_or_no(self, *, is_yes: bool) -> str:
        return self._pick(self._words.yes if is_yes else self._words.no)

    def _in_words(self, value: object) -> str:
        if isinstance(value, bool):
            return (self._words.yes if value else self._words.no)[0]
        return shown(value)

    def _happens(self, probability: float) -> bool:
        # Without the habit chance is not asked, so that a habit more does not change all the rest.
        return probability > 0 and self._chance.random() < probability

    def _pick(self, ways: tuple[str, ...]) -> str:
        return self._chance.choice(ways)


def label_of(name: str) -> str:
    """A field's name as it is said."""
    return name.replace("_", " ")


def shown(value: object) -> str:
    """A value as it is said."""
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value.isoformat() if isinstance(value, date) else str(value)


def slip(value: Any) -> Any:
    """Something else that could have been meant: a neighbour of a number or a date, a misspelt text."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case date():
            return value + timedelta(days=1)
        case str() if len(value) > 2 and value[-2:] != value[-1] * 2:
            return value[:-2] + value[-1] + value[-2]
        case _:
            return value
