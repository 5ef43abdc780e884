"""What a person said, read once: words, numbers, and the words that any language has for these."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

MOST_CHARS = 20_000
"""How much of a long conversation is read, from its end, in characters."""

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_DIGITS_AND_LETTERS = re.compile(r"\d+|[^\W\d_]+")
_LATIN_OR_NOT = re.compile(r"\d+|[a-z]+|[^\Wa-z\d_]+")
_HIRAGANA = re.compile("[ぁ-ゖ]")
_UMLAUTS = re.compile(r"([aou])e(?![aeiouy])")


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """The text without case, accents and width; digits of every script become ASCII."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_letters())
    text = _HIRAGANA.sub(_katakana, text)
    plain = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)


def _katakana(match: re.Match[str]) -> str:
    return chr(ord(match[0]) + 0x60)


@cache
def _letters() -> Mapping[int, str]:
    return str.maketrans(_data()["letters"])


@lru_cache(maxsize=8192)
def loosely(text: str) -> str:
    """A folded text in which ä, ae and a are the same."""
    return _UMLAUTS.sub(r"\1", text)


def collapsed(text: str) -> str:
    """Letters and digits alone, folded."""
    return "".join(char for char in fold(text) if char.isalnum())


@dataclass(frozen=True)
class Vocabulary:
    """Words for numbers, dates and signs, of all languages together, folded."""

    numbers: Mapping[str, int]
    multipliers: Mapping[str, int]
    joins: frozenset[str]
    endings: tuple[str, ...]
    halves: frozenset[str]
    quarters: frozenset[str]
    repeats: Mapping[str, int]
    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    days: Mapping[str, int]
    spans: Mapping[str, int]
    symbols: frozenset[str]
    short: Mapping[str, str]
    codes: Mapping[str, tuple[str, ...]]


@cache
def vocabulary() -> Vocabulary:
    """What `words.json` holds."""
    data = _data()
    languages: list[Mapping[str, Any]] = list(data["languages"].values())

    def table(name: str) -> dict[str, Any]:
        return {fold(word): value for each in languages for word, value in each.get(name, {}).items()}

    def words(name: str) -> frozenset[str]:
        return frozenset(fold(word) for each in languages for word in each.get(name, ()))

    return Vocabulary(
        numbers=table("numbers"),
        multipliers=table("multipliers"),
        joins=words("joins"),
        endings=tuple(sorted(words("endings"), key=len, reverse=True)),
        halves=words("halves"),
        quarters=words("quarters"),
        repeats=table("repeats"),
        months=table("months"),
        weekdays=table("weekdays"),
        days=table("days"),
        spans=table("spans"),
        symbols=words("symbols"),
        short={word: fold(value) for word, value in table("short").items()},
        codes={code: tuple(map(fold, names)) for code, names in data["codes"].items()},
    )


@cache
def _data() -> Mapping[str, Any]:
    return json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))


class Speech:
    """A person's messages.

    Args:
        said: The messages.
        today: What relative dates count from; by default the local date.
    """

    def __init__(self, said: Sequence[str], today: date | None = None) -> None:
        self.text = "\n".join(said)[-MOST_CHARS:]
        self.today = today or datetime.now().astimezone().date()
        self._messages = said

    @cached_property
    def folded_texts(self) -> frozenset[str]:
        """Whole messages, without case."""
        return frozenset(each.strip().casefold() for each in self._messages)

    @cached_property
    def folded(self) -> str:
        """Everything, folded."""
        return fold(self.text)

    @cached_property
    def collapsed(self) -> str:
        """Everything, letters and digits alone."""
        return collapsed(self.text)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The words, folded; "3rd" and "40km" are two words each, and contractions their parts too."""
        return tuple(part for token in _TOKEN.findall(self.folded) for part in _parts(token))

    @cached_property
    def words(self) -> frozenset[str]:
        """The words, each once, in loose spelling too."""
        whole = _TOKEN.findall(self.folded)
        short = vocabulary().short
        full = [part for word in self.tokens if word in short for part in short[word].split()]
        return frozenset(form for word in (*self.tokens, *whole, *full) for form in (word, loosely(word)))

    def has_phrase(self, phrase: str) -> bool:
        """True if these folded words occur in a row; in scripts without spaces, if the characters do."""
        if not phrase.isascii() and is_unspaced(phrase):
            return phrase in self.folded
        return phrase in self.words or (
            not phrase.isalnum() and f" {' '.join(_TOKEN.findall(phrase))} " in self._spaced
        )

    @cached_property
    def _spaced(self) -> str:
        return f" {' '.join(_TOKEN.findall(self.folded))} "


def _parts(token: str) -> Iterator[str]:
    for piece in re.split(r"['\u2019]", token):
        yield from (_LATIN_OR_NOT if is_unspaced(piece) else _DIGITS_AND_LETTERS).findall(piece)


@lru_cache(maxsize=4096)
def script_of(text: str) -> str:
    """The script of the first letter: "latin", "cyrillic", "han", …; empty without letters."""
    letter = next((char for char in text if char.isalpha()), "")
    name = unicodedata.name(letter, "") if letter else ""
    first = name.split(" ")[0].lower()
    return {"cjk": "han", "hiragana": "kana", "katakana": "kana", "katakana-hiragana": "kana"}.get(first, first)


def is_unspaced(text: str) -> bool:
    """True if a text is written without spaces between words."""
    return any(script_of(char) in ("han", "kana", "thai") for char in text if char.isalpha())
