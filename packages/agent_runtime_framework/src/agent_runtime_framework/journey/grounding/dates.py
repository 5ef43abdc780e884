"""Dates and times a person said: in figures, in words, relative to today."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from agent_runtime_framework.journey.grounding.numbers import numbers_of
from agent_runtime_framework.journey.grounding.speech import Speech, fold, vocabulary

SLACK = 1
"""How many days a relative date may be off: the person's day may have begun earlier, or ended later, than ours."""

_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?|\d\d:\d\d(?::\d\d.*)?")


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a time of day, or both."""

    day: date | None = None
    clock: tuple[int, int] | None = None


def read_date(text: str) -> Moment | None:
    """The date or time that a value is, if it is one as JSON has them."""
    if not _ISO.fullmatch(text):
        return None
    try:
        if text[2] == ":":
            clock = time.fromisoformat(text)
            return Moment(clock=(clock.hour, clock.minute))
        if len(text) == len("2000-01-01"):
            return Moment(day=date.fromisoformat(text))
        both = datetime.fromisoformat(text)
        return Moment(day=both.date(), clock=(both.hour, both.minute))
    except ValueError:
        return None


def says_date(speech: Speech, day: date) -> bool:
    """True if the person said this date: its day, its month and, unless it is near, its year; or relative to today."""
    if _is_relative(speech, day):
        return True
    numbers = numbers_of(speech)
    compact = (f"{day:%Y%m%d}", f"{day:%d%m%Y}", f"{day:%d%m%y}", f"{day:%m%d%Y}")
    if any(float(each) in numbers for each in compact):
        return True
    return day.day in numbers and _says_month(speech, day.month) and _says_year(speech, day)


def _says_month(speech: Speech, month: int) -> bool:
    words = (word for word, number in vocabulary().months.items() if number == month)
    return month in numbers_of(speech) or any(speech.has_phrase(word) for word in words)


def _says_year(speech: Speech, day: date) -> bool:
    numbers = numbers_of(speech)
    if day.year in numbers or day.year % 100 in numbers:
        return True
    if any(era in speech.text and day.year - start in numbers | {1} for era, start in _ERAS.items()):
        return True
    # Nobody says the year of a day that is near; but a year that was said is the one that counts.
    is_near = abs((day - speech.today).days) <= 370
    return is_near and not any(1900 <= each <= 2100 and float(each).is_integer() for each in numbers)


def _is_relative(speech: Speech, day: date) -> bool:
    words = vocabulary()
    ahead = (day - speech.today).days
    if any(abs(ahead - offset) <= SLACK and speech.has_phrase(word) for word, offset in words.days.items()):
        return True
    if abs(ahead) <= 15 and any(n == day.weekday() and speech.has_phrase(word) for word, n in words.weekdays.items()):
        return True
    return _is_some_spans_away(speech, abs(ahead)) or _is_edge_of_month(speech, day)


def _is_some_spans_away(speech: Speech, distance: int) -> bool:
    """In three weeks, two months ago, next week."""
    numbers = numbers_of(speech) | {1.0}
    for word, days in vocabulary().spans.items():
        slack = max(SLACK, 6 if days == 7 else days // 15)
        if speech.has_phrase(word) and any(
            abs(distance - n * days) <= slack * max(1, min(n, 3)) for n in numbers if n < 500
        ):
            return True
    return False


def _is_edge_of_month(speech: Speech, day: date) -> bool:
    """The first of a month, or its last day, where a month or a year was all that was said."""
    others = {each for each in numbers_of(speech) if 1 <= each <= 31} - {day.month, day.year % 100, day.day}
    is_edge = (day.day == 1 or (day + timedelta(days=1)).day == 1) and not others
    return (
        is_edge
        and day.year in numbers_of(speech)
        and (_says_month(speech, day.month) or (day.day, day.month) == (1, 1))
    )


def says_time(speech: Speech, hour: int, minute: int) -> bool:
    """True if the person said this time of day, on a clock of 12 or 24 hours, also as "half past" or "halb"."""
    numbers, words = numbers_of(speech), vocabulary()
    hours = {hour, hour % 12, hour % 12 or 12, 24 if hour == 0 else hour}
    following = {(hour + 1) % 24, (hour + 1) % 12 or 12}
    if any(float(f"{hour}{minute:02d}") == each for each in numbers):
        return True
    if (
        minute == 0
        and hour in (0, 12)
        and re.search(
            r"noon|midday|midnight|mittag|mitternacht|mediod|medianoche|midi|minuit|mezz|meio.dia|полд|полноч|正午|中午|منتصف",
            fold(speech.text),
        )
    ):
        return True
    if minute == 0:
        return bool(hours & numbers)
    if minute in numbers and hours & numbers:
        return True
    if minute == 30 and speech.words & words.halves | ({"半"} if "半" in speech.text else set()):
        return bool((hours | following) & numbers)
    if minute in (15, 45) and any(speech.has_phrase(word) for word in words.quarters):
        return bool((hours | following) & numbers)
    return 60 - minute in numbers and bool(following & numbers)
