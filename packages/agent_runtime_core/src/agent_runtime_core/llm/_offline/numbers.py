"""Numbers and amounts of money in a text, in digits and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice

from agent_runtime_core.llm._offline.found import MOST_FOUND, Found, Reading, Strength
from agent_runtime_core.llm._offline.language import Language, load
from agent_runtime_core.llm._offline.text import Word, fold

_DIGITS = re.compile(
    r"(?<![\w.,])(?<![^\W\d_]-)(?P<sign>(?<!\S)[-\u2212])?"
    r"(?P<digits>[1-9]\d{0,2}(?:[ ,.'\u2019]\d{3})+(?:[.,]\d{1,2})?|\d{1,15}(?:[.,]\d{1,6})?)"
    r"(?!\d)(?P<suffix>[^\W\d_]{0,12}[²³2]?)(?!\w)"
)
_SYMBOL_BEFORE = re.compile(r"(?:[$€£]|\b(?:usd|eur|gbp|chf)\b) ?-?$", re.IGNORECASE)
_SYMBOL_AFTER = re.compile(r" ?[$€£]")


def find_numbers(reading: Reading, whole: bool = False) -> list[Found]:
    """Every number, with `ANSWER` strength; `whole` reads 40.000 as forty thousand."""
    digits = list(islice(_in_digits(reading, whole), MOST_FOUND))
    taken = [(each.start, each.end) for each in digits]
    worded = islice(_in_words(reading), MOST_FOUND)
    words = [each for each in worded if not any(start <= each.start < end for start, end in taken)]
    return sorted([*digits, *words], key=lambda each: each.start)


def find_money(reading: Reading) -> list[Found]:
    """Every number; those with a currency are evident, and span it."""
    return [_with_currency(reading, each) for each in find_numbers(reading)]


def units_after(reading: Reading, end: int) -> frozenset[str]:
    """Stems of the parameters that the unit right after a number speaks for; empty when there is none."""
    return _unit(reading, end)[1]


def with_unit(reading: Reading, found: Found) -> Found:
    """The number together with its unit, so that nothing else is read into the unit."""
    end = found.end + _unit(reading, found.end)[0]
    return Found(found.value, found.start, end, found.strength)


def _unit(reading: Reading, end: int) -> tuple[int, frozenset[str]]:
    """How far the unit after a number reaches, and whom it speaks for."""
    following = fold(reading.text[end : end + 30])
    text = following.lstrip(" \n-")
    found = [(len(unit), fields) for unit, fields in unit_table(reading.language) if _starts_with(text, unit)]
    length, fields = max(found, key=lambda each: each[0]) if found else (0, frozenset[str]())
    return (length + len(following) - len(text) if length else 0), fields


@cache
def unit_table(language: Language) -> tuple[tuple[str, frozenset[str]], ...]:
    """Units of the language, each with the stems of the parameters it speaks for."""
    groups: Sequence[Mapping[str, list[str]]] = language.groups("units")
    english: Sequence[Mapping[str, list[str]]] = load("en").groups("units")
    rows = [(fold(word), language.stems(group["fields"])) for group in groups for word in group["words"]]
    known = {unit for unit, _ in rows}
    borrowed = [(fold(w), language.stems(g["fields"])) for g in english for w in g["words"] if fold(w) not in known]
    return tuple(rows + borrowed)


def _starts_with(text: str, unit: str) -> bool:
    return text.startswith(unit) and not text[len(unit) : len(unit) + 1].isalnum()


def _in_digits(reading: Reading, whole: bool) -> Iterator[Found]:
    for match in _DIGITS.finditer(reading.text):
        factor = _suffix_factor(reading, match["suffix"], match.end("digits"))
        if not factor:
            continue
        value = to_number(match["digits"], reading.language, whole) * factor
        end = match.end("digits") + (len(match["suffix"]) if factor > 1 else 0)
        following = reading.after(end, 1)
        multiplier = reading.language.multipliers.get(following[0].folded, 0) if following else 0
        if multiplier > 1:
            value, end = value * multiplier, following[0].end
        minus = match["sign"] or (
            reading.before(match.start(), 1) and reading.before(match.start(), 1)[0].folded == "minus"
        )
        yield Found(_plain(-value if minus else value), match.start(), end, Strength.ANSWER)


def _suffix_factor(reading: Reading, suffix: str, start: int) -> int:
    """1 for a number with nothing, a unit or an x attached, more for a multiplier, 0 for a code such as 12AB."""
    if not suffix or fold(suffix) == "x" or units_after(reading, start):
        return 1
    if reading.language.has("currency", fold(suffix)):
        return 1
    return int(reading.language.multipliers.get(fold(suffix), 0))


def to_number(digits: str, language: Language, whole: bool = False) -> int | float:
    """The number that digits with separators mean in a language."""
    decimal = str(language.table("number_format").get("decimal", "."))
    plain = re.sub(r"[ '\u2019]", "", digits)
    marks = [char for char in plain if char in ",."]
    if not marks:
        return int(plain)
    last = marks[-1]
    head, tail = plain.rsplit(last, 1)
    groups = len(tail) == 3 and (len(marks) > 1 or last != decimal or whole) and head != "0"
    if len(set(marks)) == 1 and groups:
        return int(re.sub(r"[,.]", "", plain))
    return _plain(float(f"{re.sub(r'[,.]', '', head)}.{tail}"))


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() else round(value, 6)


def _in_words(reading: Reading) -> Iterator[Found]:
    index = 0
    while index < len(reading.words):
        value, used = _compose(reading, index)
        if used:
            words = reading.words[index : index + used]
            yield Found(value, words[0].start, words[-1].end, Strength.ANSWER)
        index += used or 1


def _compose(reading: Reading, start: int) -> tuple[int, int]:
    """The number written in words from a place on, and how many words it took."""
    if not _counts(reading, start):
        return 0, 0
    language, multipliers = reading.language, reading.language.multipliers
    total, current, used, index = 0, 0, 0, start
    words = reading.words
    while index < len(words) and (index == start or _adjacent(reading, words[index - 1], words[index])):
        word = words[index].folded
        value = language.number(word)
        if value is not None and (index == start or _fits(current, value)):
            current += value
        elif word in multipliers and (current or index == start) and word != "k":
            current, total = _multiplied(current, total, multipliers[word])
        elif not (_joins(language, word, current + total) and _continues(language, words, index, current)):
            break
        index += 1
        used = index - start
    return total + current, used


def _multiplied(current: int, total: int, factor: int) -> tuple[int, int]:
    product = max(current, 1) * factor
    return (product, total) if factor == 100 else (0, total + product)


def _fits(current: int, value: int) -> bool:
    rest = current % 100
    return rest == 0 or (value < 10 and rest >= 20 and rest % 10 == 0)


def _joins(language: Language, word: str, so_far: int) -> bool:
    form = language.table("number_format")
    return word == form.get("number_join") and so_far > 0 and (so_far % 100 == 0 or bool(form.get("join_tens")))


def _continues(language: Language, words: Sequence[Word], index: int, current: int) -> bool:
    value = language.number(words[index + 1].folded) if index + 1 < len(words) else None
    return value is not None and _fits(current, value) and value < 100


def _adjacent(reading: Reading, left: Word, right: Word) -> bool:
    return reading.text[left.end : right.start].strip(" -") == ""


def _counts(reading: Reading, index: int) -> bool:
    """False for words such as the pronoun in "the premium one"."""
    word = reading.words[index].folded
    language = reading.language
    if language.number(word) is None and word not in language.multipliers:
        return False
    if not language.has("pronoun", word):
        return True
    before = reading.before(reading.words[index].start, 1)
    if not before:
        return True
    return not language.has("before_pronoun", before[0].folded) and language.has("before_number", before[0].folded)


def _with_currency(reading: Reading, found: Found) -> Found:
    start, end = found.start, found.end
    before = _SYMBOL_BEFORE.search(reading.text[max(0, start - 6) : start])
    after = _SYMBOL_AFTER.match(reading.text, end)
    word = reading.after(end, 1)
    if before:
        start -= len(before[0])
    elif after:
        end = after.end()
    elif word and reading.language.has("currency", word[0].folded):
        end = word[0].end
    else:
        return found
    return Found(found.value, start, end, Strength.EVIDENT)
