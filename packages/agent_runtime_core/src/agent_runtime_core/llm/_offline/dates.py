"""Dates and times of day in a text; what is relative counts from a given day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache

from agent_runtime_core.llm._offline.found import MOST_FOUND, Found, Reading, Strength
from agent_runtime_core.llm._offline.language import Language, compiled
from agent_runtime_core.llm._offline.numbers import find_numbers
from agent_runtime_core.llm._offline.text import find_phrases, fold

_ISO = re.compile(r"(?<![\d-])(\d{4})-(\d{1,2})-(\d{1,2})(?![\d-])")
_NUMERIC = re.compile(r"(?<![\d./])(\d{1,2})([./-])(\d{1,2})(?:\2(\d{4}|\d{2})?)?(?![\d/]|[.,]\d)")
_CLOCK = re.compile(
    r"(?<![\d:.,/-])([01]?\d|2[0-4])(?:[:.h]([0-5]\d))(?::[0-5]\d)?(?![\d:])(?:\s*([ap])\.?m\b\.?)?", re.IGNORECASE
)
_HALF_DAY = re.compile(r"(?<![\d:.,/-])(1[0-2]|0?[1-9])\s*([ap])\.?m\b\.?", re.IGNORECASE)
_MARKED = 2


def find_dates(reading: Reading, today: date, needs_year: bool = False, asked: bool = False) -> list[Found]:
    """Every date as a `date`; one whose day, month or year stays open carries a problem."""
    sources = [_iso(reading), _written(reading, today, needs_year), _numeric(reading, today, needs_year, asked)]
    if not needs_year:
        sources.append(_relative(reading, today))
    return _apart([each for source in sources for each in source])


def find_times(reading: Reading, asked: bool = False) -> list[Found]:
    """Every time of day as "HH:MM"; "at 7" without more is one only as an answer, with a problem."""
    found = [*_clock(reading), *_half_day(reading), *_fractions(reading), *_worded(reading), *_named(reading)]
    if not found and asked:
        found = [_hour(reading, each) for each in find_numbers(reading) if _is_hour(each)]
    return _apart(found)


def _is_hour(number: Found) -> bool:
    return isinstance(number.value, int) and 0 <= number.value <= 24


def _hour(reading: Reading, number: Found) -> Found:
    """An hour after twelve, and any hour where people count to 24, needs nothing more."""
    if number.value > 12 or reading.language.table("number_format").get("hours_24"):
        return Found(_hhmm(number.value, 0), number.start, number.end, Strength.ANSWER)
    return Found(None, number.start, number.end, Strength.ANSWER, "time_half")


def _apart(found: list[Found]) -> list[Found]:
    kept: list[Found] = []
    for each in found[: 4 * MOST_FOUND]:
        if not any(other.start < each.end and each.start < other.end for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda each: each.start)


def _iso(reading: Reading) -> Iterator[Found]:
    for match in _ISO.finditer(reading.text):
        yield _found(match, int(match[1]), int(match[2]), int(match[3]))


def _found(match: re.Match[str], year: int, month: int, day: int) -> Found:
    try:
        return Found(date(year, month, day), match.start(), match.end())
    except ValueError:
        return Found(None, match.start(), match.end(), Strength.EVIDENT, "date")


def _numeric(reading: Reading, today: date, needs_year: bool, asked: bool) -> Iterator[Found]:
    for match in _NUMERIC.finditer(reading.text):
        first, mark, second, year = int(match[1]), match[2], int(match[3]), match[4]
        if not year and not asked and not (mark == "." and match[0].endswith(".") and match[0].count(".") == _MARKED):
            continue
        day_first = mark == "." or reading.language.table("number_format").get("day_first") or first > 12
        if not day_first and second <= 12 and first != second:
            yield Found(None, match.start(), match.end(), Strength.EVIDENT, "date_order")
            continue
        day, month = (first, second) if day_first else (second, first)
        yield _dated(match, year, month, day, today, needs_year)


def _dated(match: re.Match[str], year: str | None, month: int, day: int, today: date, needs_year: bool) -> Found:
    """A date whose year may be left out: then it is the next such day, unless the past is meant."""
    if year:
        return _found(match, _full_year(year, today, needs_year), month, day)
    if needs_year:
        return Found(None, match.start(), match.end(), Strength.EVIDENT, "date_year")
    found = _found(match, today.year, month, day)
    if found.value is None or found.value >= today:
        return found
    return _found(match, today.year + 1, month, day)


def _full_year(text: str, today: date, past: bool) -> int:
    if len(text) == 4:
        return int(text)
    year = today.year // 100 * 100 + int(text)
    return year - 100 if past and year > today.year else year


def _written(reading: Reading, today: date, needs_year: bool) -> Iterator[Found]:
    for pattern in _month_patterns(reading.language):
        for match in pattern.finditer(reading.text):
            month = _months(reading.language)[fold(match["month"])]
            yield _dated(match, match["year"], month, int(match["day"]), today, needs_year)


@cache
def _months(language: Language) -> Mapping[str, int]:
    return {fold(name): int(number) for name, number in language.table("months").items()}


@cache
def _month_patterns(language: Language) -> tuple[re.Pattern[str], ...]:
    names = "|".join(sorted(map(re.escape, language.table("months")), key=len, reverse=True))
    month, day, year = rf"(?P<month>{names})\b\.?", r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.|º)?", r"(?P<year>\d{4})"
    before = rf"(?<!\d)(?:the )?{day}\s*(?:of |de )?\s*{month}(?:,? (?:de |del )?{year})?(?!\d)"
    after = rf"\b{month}\s+(?:the )?{day}\b(?:,? {year})?(?!\d)"
    return (compiled(before), compiled(after)) if language.code == "en" else (compiled(before),)


def _relative(reading: Reading, today: date) -> Iterator[Found]:
    language, words = reading.language, reading.words
    days = {tuple(fold(name).split()): int(n) for name, n in language.table("relative_days").items()}
    for start, end in find_phrases(words, days):
        offset = days[tuple(word.folded for word in words[start:end])]
        yield Found(today + timedelta(days=offset), words[start].start, words[end - 1].end)
    weekdays = {fold(name): int(number) for name, number in language.table("weekdays").items()}
    for word in words:
        if word.folded in weekdays:
            ahead = (weekdays[word.folded] - today.weekday() - 1) % 7 + 1
            yield Found(today + timedelta(days=ahead), word.start, word.end)
    yield from _in_days(reading, today)


def _in_days(reading: Reading, today: date) -> Iterator[Found]:
    spans = {fold(name): int(days) for name, days in reading.language.table("spans").items()}
    lead = {word for phrase in reading.language.phrases("in", "time_words") for word in phrase}
    for number in find_numbers(reading):
        before, after = reading.before(number.start, 1), reading.after(number.end, 1)
        if before and after and before[0].folded in lead and after[0].folded in spans and 0 <= number.value < 1000:
            ahead = timedelta(days=int(number.value) * spans[after[0].folded])
            yield Found(today + ahead, before[0].start, after[0].end)


def _hhmm(hour: int, minute: int) -> str:
    return f"{hour % 24:02d}:{minute:02d}"


def _clock(reading: Reading) -> Iterator[Found]:
    for match in _CLOCK.finditer(reading.text):
        dotted = "." in match[0] and not match[3]
        if dotted and not reading.language.table("number_format").get("time_dot"):
            continue
        hour = _shifted(int(match[1]), (match[3] or "").casefold())
        yield Found(_hhmm(hour, int(match[2])), match.start(), match.end())


def _half_day(reading: Reading) -> Iterator[Found]:
    for match in _HALF_DAY.finditer(reading.text):
        yield Found(_hhmm(_shifted(int(match[1]), match[2].casefold()), 0), match.start(), match.end())


def _shifted(hour: int, half: str) -> int:
    if half == "p" and hour < 12:
        return hour + 12
    return 0 if half == "a" and hour == 12 else hour


def _worded(reading: Reading) -> Iterator[Found]:
    """Hours with a word for the clock or the half of the day: "19 Uhr", "siete de la tarde"."""
    language = reading.language
    for number in find_numbers(reading):
        if not _is_hour(number):
            continue
        following = reading.following(number.end, 5)
        clock = next(find_phrases(following[:1], language.phrases("clock")), None)
        rest = following[clock[1] :] if clock else following
        half, length = _half(rest, language)
        if not half and not (clock and (number.value > 12 or language.table("number_format").get("hours_24"))):
            continue
        end = (rest[length - 1] if half else following[0]).end
        yield Found(_hhmm(_shifted(number.value, half), 0), number.start, end)


def _half(words: tuple[object, ...], language: Language) -> tuple[str, int]:
    for half in ("am", "pm"):
        for start, end in find_phrases(words, language.phrases(half)):  # type: ignore[arg-type]
            if start == 0:
                return half[0], end
    return "", 0


def _fractions(reading: Reading) -> Iterator[Found]:
    """Half and quarter hours such as "half past seven in the evening"; without the half of the day they stay open."""
    language, words = reading.language, reading.words
    table = {"half_past": 30, "quarter_past": 15, "quarter_to": -15, "half_before": -30}
    numbers = {each.start: each for each in find_numbers(reading)}
    for name, minutes in table.items():
        for start, end in find_phrases(words, language.phrases(name, "time_words")):
            number = numbers.get(words[end].start) if end < len(words) else None
            if number is None or not isinstance(number.value, int) or not 1 <= number.value <= 12:
                continue
            rest = reading.following(number.end, 4)
            half, length = _half(rest, language)
            total = _shifted(number.value, half) * 60 + minutes
            place = (words[start].start, rest[length - 1].end if half else number.end)
            if half:
                yield Found(_hhmm(total // 60, total % 60), *place)
            else:
                yield Found(None, *place, Strength.EVIDENT, "time_half")


def _named(reading: Reading) -> Iterator[Found]:
    for name, hour in (("noon", 12), ("midnight", 0)):
        for start, end in find_phrases(reading.words, reading.language.phrases(name)):
            yield Found(_hhmm(hour, 0), reading.words[start].start, reading.words[end - 1].end)
