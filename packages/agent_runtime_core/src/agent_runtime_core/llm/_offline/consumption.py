"""Which words of the person the calls of this turn have used already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import cast

from agent_runtime_core.llm._offline.dates import find_dates, find_times
from agent_runtime_core.llm._offline.dialogue import Call
from agent_runtime_core.llm._offline.found import Found, Reading
from agent_runtime_core.llm._offline.language import Language
from agent_runtime_core.llm._offline.numbers import find_money
from agent_runtime_core.llm._offline.offers import Offer, mention
from agent_runtime_core.llm._offline.text import blank, find_phrases, fold, stem, stems_of, words_of

_DEEPEST = 5


def unused(text: str, calls: Sequence[Call], language: Language) -> str:
    """The text with the words blanked out that stand for arguments of the calls, or named a tool without any."""
    for call in calls:
        for value in _leaves(call.arguments):
            text = _without_value(text, value, language)
        if not call.arguments:
            text = _without_name(text, call.name, language)
    return text


def _leaves(value: object, depth: int = 0) -> Iterator[object]:
    if not isinstance(value, dict | list):
        yield value
    elif depth < _DEEPEST:
        inner = cast("dict[str, object]", value).values() if isinstance(value, dict) else cast("list[object]", value)
        for each in inner:
            yield from _leaves(each, depth + 1)


def _without_value(text: str, value: object, language: Language) -> str:
    if isinstance(value, bool) or value is None:
        return text
    place = _literally(text, value) or _as_meant(text, value, language) or _as_words(text, value, language)
    return blank(text, *place) if place else text


def _literally(text: str, value: object) -> tuple[int, int] | None:
    if not isinstance(value, str) or not value:
        return None
    match = re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE)
    return match.span() if match else None


def _as_meant(text: str, value: object, language: Language) -> tuple[int, int] | None:
    """A number, date or time that is written in another way than its value."""
    reading = Reading(text, language)
    if isinstance(value, int | float):
        return _place(find_money(reading), value) or (_article(reading) if value == 1 else None)
    wanted = str(value)
    for found in (find_times(reading, asked=True), find_dates(reading, datetime.now(UTC).date(), asked=True)):
        place = next(((each.start, each.end) for each in found if each.value and _same(each, wanted)), None)
        if place:
            return place
    digits = re.sub(r"\D", "", wanted)
    return _place(find_money(reading), int(digits)) if wanted.isdecimal() and len(digits) < 16 else None


def _article(reading: Reading) -> tuple[int, int] | None:
    found = (word for word in reading.words if reading.language.has("article", word.folded))
    return next(((word.start, word.end) for word in found), None)


def _same(found: Found, wanted: str) -> bool:
    return wanted.startswith(str(found.value)) or wanted[:4].isdigit()


def _place(found: Sequence[Found], value: float) -> tuple[int, int] | None:
    return next(((each.start, each.end) for each in found if each.value == value), None)


def _as_words(text: str, value: object, language: Language) -> tuple[int, int] | None:
    """A choice named by a word of it, another word for it, or its place in the list."""
    words = words_of(text)
    telling = {each for each in stems_of(str(value)) if len(each) > 2}
    others = language.table("synonyms")
    telling |= {each for label in stems_of(str(value)) for other in others.get(label, ()) for each in stems_of(other)}
    telling |= {each for other in others.get(fold(str(value)), ()) for each in stems_of(other)}
    hit = next(((word.start, word.end) for word in words if stem(word.folded) in telling), None)
    if hit:
        return hit
    ordinals = [p for name in ("ordinals", "ordinal_signs", "last") for p in language.phrases(name)]
    place = next(find_phrases(words, ordinals), None)
    return (words[place[0]].start, words[place[1] - 1].end) if place else None


def _without_name(text: str, name: str, language: Language) -> str:
    offer = Offer(name=name, description="", parameters=(), stems=stems_of(name))
    for span in mention(offer, Reading(text, language)).spans:
        text = blank(text, *span)
    return text
