"""Numbers a person said: in digits with any separators, in words of any language, as years, digit by digit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from weakref import WeakKeyDictionary

from agent_runtime_framework.journey.grounding.speech import Speech, collapsed, fold, vocabulary

SHORTEST_PHONE = 6
"""How many digits make a number that is told apart by its last ones, as phone numbers are."""

_SURELY_A_PHONE = 10
_LONGEST_WORD = 60
_DIGITS = re.compile(r"\d+(?:[ .,'\u2019\u00a0\u202f\u066b\u066c_]\d+)*")
_HAN_DIGITS = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2, "二": 2, "元": 1}
_HAN_FACTORS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "萬": 10_000, "億": 10**8, "亿": 10**8}
_HAN = re.compile(f"[{''.join(_HAN_DIGITS)}{''.join(_HAN_FACTORS)}\\d.]+")
_known: WeakKeyDictionary[Speech, tuple[frozenset[float], str]] = WeakKeyDictionary()


def says_number(speech: Speech, value: float) -> bool:
    """True if the person said the number."""
    numbers, _ = _numbers_in(speech)
    return any(math.isclose(value, each, rel_tol=1e-12, abs_tol=1e-9) for each in numbers) or (
        value < 0
        and says_number(speech, -value)
        and re.search(r"[-\u2212]|minus|menos|moins|meno|минус", speech.folded) is not None
    )


def says_digits(speech: Speech, text: str) -> bool:
    """True if the person said a number such as a phone's: the last digits, whatever stands in front and between."""
    digits = "".join(char for char in fold(text) if char.isdecimal())
    if len(digits) < SHORTEST_PHONE or any(char.isalpha() for char in text):
        return False
    _, stream = _numbers_in(speech)
    local = re.sub(r"^(?:00)?0*", "", digits)
    for run in stream.split():
        own = re.sub(r"^(?:00)?0*", "", run)
        shorter, longer = sorted((own, local), key=len)
        if len(shorter) >= SHORTEST_PHONE and longer.endswith(shorter) and len(longer) - len(shorter) <= 4:
            return True
        if len(shorter) >= _SURELY_A_PHONE and longer.endswith(shorter[1 - _SURELY_A_PHONE :]):
            return True  # a trunk digit of its own, as the 8 for +7
        # A trunk zero stands between the code of the country and the number: +44 (0)20 …
        if len(own) > len(local) and any(own[:i] + own[i + 1 :] == local for i in range(1, 4) if own[i : i + 1] == "0"):
            return True
    return False


def numbers_of(speech: Speech) -> frozenset[float]:
    """Every number that was said, in every sense that the words allow."""
    return _numbers_in(speech)[0]


def _numbers_in(speech: Speech) -> tuple[frozenset[float], str]:
    if speech not in _known:
        runs = list(_worded_runs(speech))
        digits = [_plain(match[0]) for match in _DIGITS.finditer(speech.folded)]
        spelled = (form for run in runs for form in (_spelled(run), _spelled(_two_by_two(run))))
        streams = [*digits, *spelled, *_joined_digits(speech.folded)]
        found = {*_in_digits(speech), *(n for run in runs for n in _senses(run)), *_in_han(speech.text)}
        found |= set(_halved(speech, found))
        if "%" in speech.folded:
            found |= {each / 100 for each in list(found)}
        _known[speech] = frozenset(found), " ".join(streams)
    return _known[speech]


def _halved(speech: Speech, numbers: set[float]) -> Iterator[float]:
    """Two and a half, and two and a half million, where a half was mentioned at all."""
    words = vocabulary()
    if not speech.words & words.halves:
        return
    factors = {1, *(factor for word, factor in words.multipliers.items() if word in speech.words)}
    yield from ((number + 0.5) * factor for number in list(numbers) for factor in factors)


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())


def _joined_digits(text: str) -> Iterator[str]:
    """Digits with whatever people put between the groups of a phone number or an account."""
    for match in re.finditer(r"\+?\(?\d[\d\s()/.\-\u2013\u2010]{4,40}\d", text):
        yield _plain(match[0])


def _in_digits(speech: Speech) -> Iterator[float]:
    multipliers = vocabulary().multipliers
    for match in _DIGITS.finditer(speech.folded):
        following = re.match(r"\s?([^\W\d_]+)", speech.folded[match.end() : match.end() + 20])
        factor = multipliers.get(following[1], 1) if following else 1
        for number in _readings(match[0]):
            yield number
            yield number * factor
            for power in _HAN_FACTORS:
                if following and following[1].startswith(power):
                    yield number * _HAN_FACTORS[power]


def _readings(text: str) -> Iterator[float]:
    """What digits with separators may mean: the parts, the whole, the whole with a decimal mark."""
    parts = re.split(r"\D", text)
    yield from (float(part) for part in parts if part)
    yield float(_plain(text))
    if len(parts) > 1:
        yield float(f"{''.join(parts[:-1])}.{parts[-1]}")


def _worded_runs(speech: Speech) -> Iterator[list[int]]:
    """Runs of words for numbers, as their values; words that join them are left out, repeats spelled out."""
    words = vocabulary()
    run: list[int] = []
    repeat = 1
    for token in speech.tokens:
        values = _word_values(token)
        if values:
            run += values * repeat
            repeat = 1
        elif token in words.repeats:
            repeat = words.repeats[token]
        elif not (run and token in words.joins):
            if run:
                yield run
            run, repeat = [], 1
    if run:
        yield run


@lru_cache(maxsize=4096)
def _word_values(token: str) -> list[int]:
    """The numbers a word is made of: "zweihundertzehn" is 2, 100 and 10."""
    words = vocabulary()
    if token.isdecimal():
        return [int(token)] if len(token) <= 15 else []
    if token in words.numbers or token in words.multipliers:
        return [words.numbers.get(token) or words.multipliers.get(token, 0)]
    stripped = token.removeprefix("و") if token.startswith("و") else token
    if stripped != token and (stripped in words.numbers or stripped in words.multipliers):
        return [words.numbers.get(stripped) or words.multipliers[stripped]]
    return _cut(token) or _ordinal(token)


def _ordinal(token: str) -> list[int]:
    """A number with the ending of a rank, as in "zehnter"; empty if it is none."""
    for ending in vocabulary().endings:
        stem = token.removesuffix(ending)
        if stem != token:
            value = vocabulary().numbers.get(stem)
            found = _cut(stem) if value is None else [value]
            if found:
                return found
    return []


def _cut(token: str) -> list[int]:
    """A compound of at least two numbers, cut; empty if it is none."""
    words = vocabulary()
    if not 6 <= len(token) <= _LONGEST_WORD:
        return []
    best: dict[int, list[int]] = {0: []}
    for end in range(1, len(token) + 1):
        for start in range(max(0, end - 16), end):
            part = token[start:end]
            if start not in best or end in best:
                continue
            value = words.numbers.get(part, words.multipliers.get(part) if len(part) > 2 else None)
            if value is not None:
                best[end] = [*best[start], value]
            elif part in words.joins and start > 0:
                best[end] = best[start]
    found = best.get(len(token), [])
    return found if len(found) > 1 else []


def _senses(run: Sequence[int]) -> Iterator[float]:
    """What a run of number words may mean: every part of it as one number, as a year, as digits."""
    most = 12
    for start in range(len(run)):
        for end in range(start + 1, min(len(run), start + most) + 1):
            part = run[start:end]
            yield _added(part)
            yield from _as_pairs(part)
            if len(part) > 1 and all(0 <= each <= 9 for each in part):
                yield float("".join(map(str, part)))


def _added(run: Sequence[int]) -> float:
    total, current = 0, 0
    for value in run:
        if value >= 1000 and value % 1000 == 0:
            total, current = total + max(current, 1) * value, 0
        elif value == 100 and 0 < current < 100:
            current *= 100
        elif value == 20 and current % 100 == 4:
            current += 76  # quatre-vingt
        else:
            current += value
    return float(total + current)


def _as_pairs(run: Sequence[int]) -> Iterator[float]:
    """Nineteen eighty-five, two fifty: hundreds, and what is below, side by side."""
    for cut in range(1, len(run)):
        left, right = _added(run[:cut]), _added(run[cut:])
        if 1 <= left <= 99 and (10 <= right <= 99 or (left >= 10 and right >= 0)) and right <= 99:
            yield left * 100 + right


def _two_by_two(run: Sequence[int]) -> list[int]:
    """Thirty-four as one number of two digits, as French phone numbers are read out."""
    grouped: list[int] = []
    for value in run:
        last = grouped[-1] if grouped else 0
        if last == 4 and value == 20:
            grouped[-1] = 80
        elif (
            last >= 20 and last % 10 == 0 and last < 100 and (0 < value < 10 or (last in (60, 80) and 10 <= value < 20))
        ) or (last in (70, 90) and 0 < value < 10):
            grouped[-1] = last + value
        else:
            grouped.append(value)
    return grouped


def _spelled(run: Sequence[int]) -> str:
    return "".join(map(str, run))


def _in_han(text: str) -> Iterator[float]:
    for match in _HAN.finditer(text):
        if any(char in _HAN_FACTORS or char in _HAN_DIGITS for char in match[0]):
            yield from _han_senses(match[0])


def _han_senses(text: str) -> Iterator[float]:
    if all(char in _HAN_DIGITS for char in text):
        yield float("".join(str(_HAN_DIGITS[char]) for char in text))
    total, section, current = 0.0, 0.0, ""
    for char in text:
        if char in _HAN_DIGITS or char.isdigit() or char == ".":
            current += str(_HAN_DIGITS.get(char, char))
            continue
        factor = _HAN_FACTORS[char]
        number = _float(current)
        current = ""
        if factor >= 10_000:
            total, section = total + (section + number or 1) * factor, 0
        else:
            section += (number or 1) * factor
    yield total + section + _float(current)


def _float(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def said_together(speech: Speech, text: str) -> bool:
    """True if letters and digits of a text stand in a row in what was said."""
    return collapsed(text) in speech.collapsed
