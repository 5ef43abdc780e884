"""Fills parameters from a text, by evidence only.

Rules:

1. What the words name or what is evident by form may fill any parameter; what would merely do as an answer fills only
   one that was asked for.
2. Words are used once: a value found for one parameter is blanked out before the next is looked for.
3. Where a text offers several values for one parameter, none is taken, unless the person corrects themselves.
4. As many values as parameters of a kind go in order; fewer go to the one that was asked for, or is required, if
   there is just one; else to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agent_runtime_core.llm._offline.answers import find_flag, find_object, find_text, pieces, trimmed, yes_or_no
from agent_runtime_core.llm._offline.choices import find_choices, find_many
from agent_runtime_core.llm._offline.constraints import Problem, shaped
from agent_runtime_core.llm._offline.dates import find_dates, find_times
from agent_runtime_core.llm._offline.found import Found, Reading, Strength
from agent_runtime_core.llm._offline.language import kind_words
from agent_runtime_core.llm._offline.names import find_names
from agent_runtime_core.llm._offline.numbers import find_money, find_numbers, units_after, with_unit
from agent_runtime_core.llm._offline.schema import Kind, Parameter
from agent_runtime_core.llm._offline.text import blank, find_phrases, stem
from agent_runtime_core.llm._offline.tokens import find_codes, find_emails, find_phones, find_urls

_ORDER = (
    Kind.EMAIL, Kind.URL, Kind.CHOICES, Kind.CHOICE, Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.PHONE, Kind.CODE,
    Kind.MONEY, Kind.NUMBER, Kind.NAME, Kind.BOOLEAN, Kind.LIST, Kind.TEXT,
)  # fmt: skip

_NUMBER_LIKE = re.compile(r"[\d.,]+[^\W\d_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What surrounds a text.

    Attributes:
        asked: Names of the parameters that the text answers a question for.
        today: What relative dates count from.
        actions: Where the words for the tool's action stand, as text spans.
        elsewhere: Where words stand that name other tools.
    """

    today: date
    asked: frozenset[str] = frozenset()
    actions: tuple[tuple[int, int], ...] = ()
    elsewhere: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Filling:
    """Values found for parameters, what did not fit, and how strong the evidence is in all."""

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    problems: dict[str, Problem] = field(default_factory=dict[str, Problem])
    strength: int = 0

    def missing(self, parameters: Sequence[Parameter]) -> list[Parameter]:
        """The required parameters without a value, in order."""
        return [each for each in parameters if each.required and each.name not in self.values]


def fill(parameters: Sequence[Parameter], reading: Reading, context: Context) -> Filling:
    """Look for every parameter in one text."""
    work = _Work(reading, context, parameters)
    for kind in _ORDER:
        work.fill_kind([each for each in parameters if each.kind is kind])
    return work.filling


class _Work:
    """One text being used up, parameter by parameter."""

    def __init__(self, reading: Reading, context: Context, parameters: Sequence[Parameter]) -> None:
        self.reading = reading
        self.context = context
        self.parameters = parameters
        self.filling = Filling()

    def fill_kind(self, group: Sequence[Parameter]) -> None:
        if not group:
            return
        if group[0].kind in (Kind.CHOICE, Kind.CHOICES, Kind.BOOLEAN):
            for each in group:
                self._take(each, self._pick(self._candidates(each)))
            return
        if group[0].kind is Kind.NAME and self._fill_name_parts(group):
            return
        waiting = [each for each in group if not self._take(each, self._pick_keyed(each))]
        self._share_out(waiting)

    def _share_out(self, waiting: Sequence[Parameter]) -> None:
        """Give unkeyed values to those who wait: rule 4."""
        asked = [each for each in waiting if each.name in self.context.asked]
        wanted = [each for each in waiting if each in asked or each.required] or list(waiting)
        for receivers in (wanted, asked):
            if not receivers:
                continue
            found = self._candidates(receivers[0], many=len(receivers) > 1)
            if len(receivers) == 1:
                self._take(receivers[0], self._pick(found))
                return
            if len(found) == len(receivers):
                for parameter, each in zip(receivers, found, strict=True):
                    self._take(parameter, each)
                return

    def _fill_name_parts(self, group: Sequence[Parameter]) -> bool:
        """Split "Ada King Lovelace" where first and last name are two parameters."""
        parts = {each.part: each for each in group}
        if not {"first", "last"} <= parts.keys():
            return False
        asked = any(each.name in self.context.asked for each in group)
        found = self._pick(find_names(self.reading, asked))
        if found is None or " " not in found.value:
            return False
        first, last = found.value.rsplit(" ", 1)
        for part, value in (("first", first), ("last", last)):
            self._store(parts[part], value, found.strength)
        self.reading = self.reading.without(found)
        return True

    def _pick_keyed(self, parameter: Parameter) -> Found | None:
        keyed = [each for each in self._candidates(parameter) if each.strength is Strength.KEYED]
        return self._pick(keyed)

    def _pick(self, found: Sequence[Found]) -> Found | None:
        """The one value among those best supported; of several the one after a correction; else none."""
        strongest = max((each.strength for each in found), default=None)
        best = [each for each in found if each.strength is strongest]
        if len({repr(each.value) for each in best}) <= 1:
            return best[0] if best else None
        ordered = sorted(best, key=lambda each: each.start)
        if self._corrects(ordered[-2].end, ordered[-1].start):
            return ordered[-1]
        return None

    def _corrects(self, start: int, end: int) -> bool:
        between = [word for word in self.reading.words if start <= word.start and word.end <= end]
        return next(find_phrases(between, self.reading.language.phrases("correction")), None) is not None

    def _take(self, parameter: Parameter, found: Found | None) -> bool:
        if found is None:
            return False
        self.reading = self.reading.without(found)
        if found.problem:
            self.filling.problems[parameter.name] = Problem(found.problem)
            return False
        return self._store(parameter, found.value, found.strength)

    def _store(self, parameter: Parameter, value: Any, strength: Strength) -> bool:
        result = shaped(parameter, value)
        if isinstance(result, Problem):
            self.filling.problems[parameter.name] = result
            return False
        self.filling.values[parameter.name] = result
        self.filling.problems.pop(parameter.name, None)
        self.filling.strength += strength
        return True

    def _candidates(self, parameter: Parameter, many: bool = False) -> list[Found]:
        asked = parameter.name in self.context.asked
        found = _FINDERS[parameter.kind](self, parameter, asked)
        if many and asked and parameter.kind in (Kind.TEXT, Kind.CODE):
            found = pieces(self.reading)
        keyed = [self.with_key(parameter, each) for each in found]
        return [each for each in keyed if asked or each.strength > Strength.ANSWER]

    def with_key(self, parameter: Parameter, found: Found) -> Found:
        if found.strength is not Strength.KEYED and self.is_keyed(parameter, found):
            return Found(found.value, found.start, found.end, Strength.KEYED, found.problem)
        return found

    def is_keyed(self, parameter: Parameter, found: Found) -> bool:
        """True if the parameter's own words stand right before the value, or right after it."""
        keys = keys_of(parameter, self.reading)
        before, after = self.reading.before(found.start, 3), self.reading.after(found.end, 1)
        numbers = [word for word in before if word.text[0].isdigit()]
        near = [word for word in before if not numbers or word.start > numbers[-1].start]
        return any(stem(word.folded) in keys for word in (*near, *after))


def keys_of(parameter: Parameter, reading: Reading) -> frozenset[str]:
    """The stems that name a parameter in running text; words that name anything are left out."""
    generic = reading.language.generic_stems
    own = parameter.stems - generic
    if parameter.kind in (Kind.TEXT, Kind.BOOLEAN, Kind.NAME):
        return own or parameter.stems
    return (own | (parameter.hints - generic)) or parameter.stems


def _numbers(work: _Work, parameter: Parameter, asked: bool) -> list[Found]:
    reading = work.reading
    for each in [*find_dates(reading, work.context.today), *find_times(reading), *find_phones(reading)]:
        if not each.problem and not (asked and each.strength is Strength.ANSWER):
            reading = reading.without(each)
    if parameter.kind is Kind.MONEY:
        found = find_money(reading)
        with_currency = [each for each in found if each.strength > Strength.ANSWER]
        return with_currency or found
    found = [_by_unit(work, parameter, each, asked) for each in find_numbers(reading, parameter.type == "integer")]
    evident = {each.start for each in find_money(reading) if each.strength is Strength.EVIDENT}
    usable = [each for each in found if each is not None and each.start not in evident]
    if len(usable) > 1:
        usable = [each for each in usable if not _is_hour(work.reading, each)] or usable
    return [with_unit(work.reading, each) for each in usable] or _articles(work, parameter)


def _by_unit(work: _Work, parameter: Parameter, found: Found, asked: bool) -> Found | None:
    """A number with a unit speaks for the parameters of that unit, and for others only as an answer."""
    speaks_for = units_after(work.reading, found.end) or (kind_words("age") if _is_age(work.reading, found) else ())
    if parameter.hints.intersection(speaks_for):
        return Found(found.value, found.start, found.end, Strength.KEYED)
    if speaks_for and (not asked or any(other.hints.intersection(speaks_for) for other in work.parameters)):
        return None
    if _is_quantity(parameter) and (work.context.actions or work.context.asked) and not asked:
        return Found(found.value, found.start, found.end, Strength.EVIDENT)
    return found


def _is_age(reading: Reading, found: Found) -> bool:
    """True for the 36 of "I'm 36", where the clause ends there or goes on to something else."""
    following = reading.after(found.end, 1)
    if following and not reading.language.has("join", following[0].folded):
        return False
    return any(pattern.search(reading.text[: found.start]) for pattern in reading.language.patterns("before_age"))


def _is_hour(reading: Reading, found: Found) -> bool:
    """True for the 7 of "at 7"."""
    before = reading.before(found.start, 1)
    return bool(before) and reading.language.has("before_hour", before[0].folded)


def _is_quantity(parameter: Parameter) -> bool:
    return bool(parameter.stems & kind_words("quantity"))


def _articles(work: _Work, parameter: Parameter) -> list[Found]:
    """The article in "add an apple" counts as one, where a quantity is wanted and something follows."""
    if not _is_quantity(parameter):
        return []
    ends = {end for _, end in work.context.actions}
    found: list[Found] = []
    for index, word in enumerate(work.reading.words[:-1]):
        starts_off = index == 0 or any(end <= word.start <= end + 2 for end in ends)
        if starts_off and work.reading.language.has("article", word.folded):
            found.append(Found(1, word.start, word.end, Strength.EVIDENT))
    return found[:1] if ends or work.context.asked else []


def _dates(work: _Work, parameter: Parameter, asked: bool) -> list[Found]:
    needs_year = bool(parameter.hints & kind_words("birth"))
    return find_dates(work.reading, work.context.today, needs_year, asked)


def _datetimes(work: _Work, parameter: Parameter, asked: bool) -> list[Found]:
    days, times = _dates(work, parameter, asked), find_times(work.reading, asked)
    if len(days) != 1 or len(times) != 1 or days[0].problem or times[0].problem:
        return [each for each in (*days, *times) if each.problem][:1]
    start, end = min(days[0].start, times[0].start), max(days[0].end, times[0].end)
    return [Found(f"{days[0].value.isoformat()}T{times[0].value}:00", start, end)]


def _names(work: _Work, parameter: Parameter, asked: bool) -> list[Found]:
    found = find_names(work.reading, asked)
    if parameter.part != "first":
        return found
    return [Found(e.value.rsplit(" ", 1)[0], e.start, e.end, e.strength) for e in found]


def _flags(work: _Work, parameter: Parameter, asked: bool) -> list[Found]:
    flag = find_flag(parameter, work.reading, keys_of(parameter, work.reading))
    flags_asked = [each for each in work.parameters if each.kind is Kind.BOOLEAN and each.name in work.context.asked]
    answer = yes_or_no(work.reading) if asked and len(flags_asked) == 1 else None
    return [each for each in (answer or flag,) if each is not None]


def _texts(work: _Work, parameter: Parameter, asked: bool) -> list[Found]:
    reading = work.reading
    if work.context.actions:
        text = reading.text
        for start, end in work.context.elsewhere:
            text = blank(text, start, end)
        found = find_object(Reading(text, reading.language), work.context.actions)
        if found:
            return found[:1]
    elif work.context.elsewhere:
        return []
    return find_text(parameter, reading, asked, keys_of(parameter, reading))


def _lists(work: _Work, parameter: Parameter, asked: bool) -> list[Found]:
    whole = trimmed(work.reading, 0, len(work.reading.text)) if asked else None
    if whole is None or parameter.schema.get("items", {}).get("type", "string") != "string":
        return []
    parts = [part.value for part in _list_parts(work.reading)]
    return [Found(parts, whole.start, whole.end, Strength.ANSWER)] if parts else []


def _list_parts(reading: Reading) -> list[Found]:
    joins = [word for word in reading.words if reading.language.has("join", word.folded)]
    text = reading.text
    for word in joins:
        text = f"{text[: word.start]},{' ' * (word.end - word.start - 1)}{text[word.end :]}"
    return pieces(Reading(text, reading.language))


def _many(work: _Work, parameter: Parameter, asked: bool) -> list[Found]:
    found = find_many(parameter, work.reading, asked)
    return [found] if found else []


def _codes(work: _Work, parameter: Parameter, asked: bool) -> list[Found]:
    pattern = parameter.schema.get("pattern")
    found = find_codes(work.reading, pattern if isinstance(pattern, str) else "", asked=True)
    if any(each.kind in (Kind.NUMBER, Kind.MONEY) for each in work.parameters):
        numbers = {each.start for each in find_numbers(work.reading)}
        found = [each for each in found if each.start not in numbers or not _NUMBER_LIKE.fullmatch(each.value)]
    return [work.with_key(parameter, each) for each in found]


_Finder = Callable[[_Work, Parameter, bool], list[Found]]
_FINDERS: dict[Kind, _Finder] = {
    Kind.EMAIL: lambda work, parameter, asked: find_emails(work.reading),
    Kind.URL: lambda work, parameter, asked: find_urls(work.reading),
    Kind.PHONE: lambda work, parameter, asked: find_phones(work.reading, asked),
    Kind.CODE: _codes,
    Kind.CHOICE: lambda work, parameter, asked: find_choices(parameter, work.reading, asked),
    Kind.CHOICES: _many,
    Kind.DATE: _dates,
    Kind.TIME: lambda work, parameter, asked: find_times(work.reading, asked),
    Kind.DATETIME: _datetimes,
    Kind.MONEY: _numbers,
    Kind.NUMBER: _numbers,
    Kind.NAME: _names,
    Kind.BOOLEAN: _flags,
    Kind.LIST: _lists,
    Kind.TEXT: _texts,
    Kind.OTHER: lambda work, parameter, asked: [],
}
