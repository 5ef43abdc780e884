"""Grounding: whether a person said a value, in any usual notation.

Rules:
    - What has to be exact (an address, a phone number, a code, a number, a date) has to be there exactly, whatever its
      notation: separators, words for numbers, spelled-out signs, relative dates.
    - What is running text may be inflected, abbreviated, written in another script or with a slip of the keyboard;
      of a longer text most words have to be there.
    - Better to believe once too often than to pester: what code cannot tell, such as a name in Chinese characters that
      comes back in Latin letters, counts as said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

from agent_runtime_framework.journey.grounding.dates import read_date, says_date, says_time
from agent_runtime_framework.journey.grounding.numbers import says_digits, says_number
from agent_runtime_framework.journey.grounding.speech import Speech
from agent_runtime_framework.journey.grounding.words import is_exact, says_exactly, says_text

__all__ = ["Speech", "is_grounded"]


def is_grounded(
    value: Any, said: Speech | Sequence[str], *, schema: Mapping[str, Any] | None = None, today: date | None = None
) -> bool:
    """True if the value occurs in what the person said, in any usual notation.

    >>> is_grounded("2027-05-03", ["on the third of May 2027"])
    True
    >>> is_grounded(40000, ["about forty thousand"]), is_grounded(45000, ["about forty thousand"])
    (True, False)

    Args:
        value: The value, as JSON. Flags and null are always grounded.
        said: The person's messages.
        schema: The JSON Schema of the value; the members of an enumeration are always grounded.
        today: What "tomorrow" counts from; by default the local date.
    """
    speech = said if isinstance(said, Speech) else Speech(said, today)
    if value is None or isinstance(value, bool) or (schema and ("enum" in schema or "const" in schema)):
        return True
    if isinstance(value, Mapping):
        return all(is_grounded(each, speech) for each in cast("Mapping[str, Any]", value).values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(is_grounded(each, speech) for each in cast("Sequence[Any]", value))
    if isinstance(value, (int, float)):
        return says_number(speech, value)
    return _says(speech, str(value).strip())


def _says(speech: Speech, text: str) -> bool:
    if not text or text.casefold() in speech.folded_texts:
        return True
    moment = read_date(text)
    if moment is not None:
        return (moment.day is None or says_date(speech, moment.day)) and (
            moment.clock is None or says_time(speech, *moment.clock)
        )
    if says_exactly(speech, text) or says_digits(speech, text):
        return True
    if is_exact(text):
        return _is_plain_number(text) and says_number(speech, float(text))
    return says_text(speech, text)


def _is_plain_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[-1].isdigit()
