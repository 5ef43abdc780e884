"""What was found in a text, and how well the text supports it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

from agent_runtime_core.llm._offline.language import Language
from agent_runtime_core.llm._offline.text import USED, Word, blank, words_of

_CLAUSE_END = re.compile(rf"[.,;!?\n{USED}]")


MOST_FOUND = 100
"""More values of a kind than this are not looked for: a text with so many answers nothing."""


class Strength(IntEnum):
    """How a text supports a value."""

    ANSWER = 1
    """It would do as the answer to the question, nothing more."""
    EVIDENT = 2
    """Its form alone says what it is, as that of an email address does."""
    KEYED = 3
    """The words around it name the parameter."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value, where it stands, and why it cannot be used if `problem` names a reason of the language file."""

    value: Any
    start: int
    end: int
    strength: Strength = Strength.EVIDENT
    problem: str = ""


@dataclass(frozen=True)
class Reading:
    """A text, its words and its language."""

    text: str
    language: Language

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The words, in order."""
        return words_of(self.text)

    def without(self, found: Found) -> Reading:
        """The same text with what was found marked as used."""
        return Reading(blank(self.text, found.start, found.end), self.language)

    def before(self, start: int, count: int = 3) -> tuple[Word, ...]:
        """Up to `count` words before a place, within its clause."""
        words = self.words[: bisect_right(self.words, start, key=_end)][-count:]
        return tuple(word for word in words if not self._breaks(word.end, start))

    def after(self, end: int, count: int = 1) -> tuple[Word, ...]:
        """Up to `count` words after a place, within its clause."""
        return tuple(word for word in self.following(end, count) if not self._breaks(end, word.start))

    def following(self, end: int, count: int) -> tuple[Word, ...]:
        """Up to `count` words after a place, whatever stands between."""
        first = bisect_left(self.words, end, key=_start)
        return self.words[first : first + count]

    def _breaks(self, start: int, end: int) -> bool:
        return _CLAUSE_END.search(self.text, start, end) is not None


def _start(word: Word) -> int:
    return word.start


def _end(word: Word) -> int:
    return word.end
