"""What a reply asks for, as far as a record could answer it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_runtime_framework.testing.person.words import Words

_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]?")
_WORD = re.compile(r"[^\W_]+")
SHORTEST_STEM = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked.

    Attributes:
        fields: Fields of the record that the question may be for, in the order in which they are asked for.
        is_decision: True if a yes or a no would do.
        text: The question itself.
    """

    fields: tuple[str, ...] = ()
    is_decision: bool = False
    text: str = ""


def read_question(reply: str, record: Mapping[str, Any], words: Words) -> Asked:
    """What a reply asks for."""
    question = _question_in(reply)
    spoken = _WORD.findall(question.casefold())
    found = [
        (where, name) for name, value in record.items() if (where := _place_in(spoken, name, value, words)) is not None
    ]
    asked = tuple(name for _, name in sorted(found, key=lambda each: each[0]))
    is_decision = any(each in question.casefold() for each in words.decisions)
    return Asked(asked, is_decision and not set(spoken) & set(words.openers), question)


def _question_in(reply: str) -> str:
    sentences = [each.strip() for each in _SENTENCE.findall(reply) if each.strip()]
    questions = [each for each in sentences if each.endswith("?")]
    return " ".join(questions or sentences[-1:])


def _place_in(spoken: list[str], name: str, value: object, words: Words) -> int | None:
    """Where a question asks for a field; None if it does not."""
    label = _WORD.findall(name.casefold().replace("_", " "))
    places = [next((i for i, word in enumerate(spoken) if _is_same(part, word, words)), None) for part in label]
    found = [place for place in places if place is not None]
    # One word of several may stand in a question for something else: "yearly" of "yearly income".
    if found and (2 * len(found) >= len(label)):
        return min(found)
    choice = value.casefold() if isinstance(value, str) else ""
    return spoken.index(choice) if choice in spoken and len(spoken) > 1 else None


def _is_same(part: str, word: str, words: Words) -> bool:
    for each in (part, *words.synonyms.get(part, ())):
        if each == word:
            return True
        stem = min(len(each), len(word))
        if stem >= SHORTEST_STEM and abs(len(each) - len(word)) <= 3 and each[:stem] == word[:stem]:
            return True
    return False
