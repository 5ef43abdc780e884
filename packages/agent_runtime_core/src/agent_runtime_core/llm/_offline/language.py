"""What the offline model knows of a language, read from `languages/<code>.toml` when it is first needed.

To add a language, add such a file and its code to `CODES`; the rules are the same for all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any, cast

from agent_runtime_core.llm._offline.text import Word, find_phrases, fold, stem, words_of

CODES = ("en", "de", "es")
"""The languages, the fallback first."""

Phrase = tuple[str, ...]

_LONGEST_NUMBER = 60


class Language:
    """One language: its word lists as folded phrases, its number words, patterns and sentences."""

    def __init__(self, code: str, data: Mapping[str, Any]) -> None:
        self.code = code
        self._data = data
        self._phrases: dict[str, tuple[Phrase, ...]] = {}

    def table(self, name: str) -> Mapping[str, Any]:
        """A table of the data file."""
        return cast("Mapping[str, Any]", self._data.get(name, {}))

    def phrases(self, name: str, table: str = "words") -> tuple[Phrase, ...]:
        """A word list, each entry cut into folded words."""
        key = f"{table}.{name}"
        if key not in self._phrases:
            self._phrases[key] = _cut(self.table(table).get(name, ()))
        return self._phrases[key]

    def has(self, name: str, word: str) -> bool:
        """True if the folded word is an entry of the list."""
        return (word,) in self.phrases(name)

    def groups(self, name: str) -> Sequence[Mapping[str, Any]]:
        """An array of tables of the data file."""
        return cast("Sequence[Mapping[str, Any]]", self._data.get(name, ()))

    def stems(self, words: Sequence[str]) -> frozenset[str]:
        """The stems of words of the data file."""
        return frozenset(stem(fold(word)) for word in words)

    @cached_property
    def action_names(self) -> tuple[str, ...]:
        """The groups of `actions`."""
        return tuple(self.table("actions"))

    @cached_property
    def multipliers(self) -> Mapping[str, int]:
        """Words such as "hundred" with their factor."""
        return {fold(word): int(value) for word, value in self.table("multipliers").items()}

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        table = {fold(word): int(value) for word, value in self.table("numbers").items()}
        compound = str(self.table("number_format").get("compound", ""))
        if not compound:
            return table
        units = {word: value for word, value in table.items() if 0 < value < 10}
        units |= {fold(w): int(v) for w, v in self.table("number_format").get("compound_units", {}).items()}
        tens = {word: value for word, value in table.items() if 20 <= value <= 90}
        return {compound.format(unit=u, ten=t): a + b for u, a in units.items() for t, b in tens.items()} | table

    def number(self, word: str) -> int | None:
        """What a folded number word stands for; where numbers are written as one word, also "zweihundertzehn"."""
        if word in self._numbers or "compound" not in self.table("number_format"):
            return self._numbers.get(word)
        ones = self.table("number_format").get("compound_units", {})
        for factor in sorted(self.multipliers, key=self.multipliers.__getitem__, reverse=True):
            left, found, right = word.partition(factor)
            if found and (left or right) and len(word) < _LONGEST_NUMBER:
                before = ones.get(left) or (self.number(left) if left else 1)
                after = self.number(right) if right else 0
                return before * self.multipliers[factor] + after if before and after is not None else None
        return None

    @cached_property
    def generic_stems(self) -> frozenset[str]:
        """Stems of words that name anything, and so tell nothing."""
        return frozenset(stem(word) for phrase in self.phrases("generic") for word in phrase)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Single words that tell this language from others."""
        lists = ("common", "yes", "no", "greeting", "thanks", "farewell", "unknown", "help", "identity", "retry")
        told = [phrase for name in lists for phrase in self.phrases(name)]
        told += [phrase for name in self.action_names for phrase in self.phrases(name, "actions")]
        told += _cut([word for name in ("months", "weekdays", "relative_days") for word in self.table(name)])
        return frozenset(word for phrase in told for word in phrase)

    def say(self, key: str, table: str = "say", **values: object) -> str:
        """A sentence of this language, else of the fallback."""
        text = self.table(table).get(key)
        if not isinstance(text, str):
            text = load(CODES[0]).table(table).get(key, "")
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def patterns(self, name: str) -> tuple[re.Pattern[str], ...]:
        """Regular expressions of the data file."""
        return tuple(compiled(source) for source in self.table("patterns").get(name, ()))


@cache
def compiled(source: str) -> re.Pattern[str]:
    """A pattern of a data file, without regard to case."""
    return re.compile(source, re.IGNORECASE)


@cache
def kind_words(name: str) -> frozenset[str]:
    """Stems that name a kind of value, in any language."""
    return frozenset(
        stem(word) for each in all_languages() for phrase in each.phrases(name, "kinds") for word in phrase
    )


@cache
def load(code: str) -> Language:
    """The language of that code."""
    # Importing the client must not cost a parser and what finds package data.
    import tomllib
    from importlib.resources import files

    text = files(__package__ or "").joinpath("languages", f"{code}.toml").read_text(encoding="utf-8")
    return Language(code, tomllib.loads(text))


def all_languages() -> tuple[Language, ...]:
    """Every language there is a file for."""
    return tuple(load(code) for code in CODES)


def detect(texts: Sequence[str], otherwise: str = "", fallback: Language | None = None) -> Language:
    """The language of texts, newest first, the newest counting twice; if they show none, that of `otherwise`.

    Where nothing shows a language, `fallback`, or else the first there is.
    """
    weights = (2, 1, 1, 1, 1, 1)
    for weighed in (list(zip(texts, weights, strict=False)), [(otherwise, 1)]):
        scores = {
            each: sum(min(_score(each, text), 4) * weight for text, weight in weighed) for each in all_languages()
        }
        best = max(scores.values())
        winners = [each for each, score in scores.items() if score == best]
        if best and len(winners) == 1:
            return winners[0]
    return fallback or load(CODES[0])


def _score(language: Language, text: str) -> int:
    letters = sum(char in language.table("detect").get("letters", "") for char in text[:400].casefold())
    return letters + sum(
        word.folded in language.vocabulary or language.number(word.folded) is not None for word in words_of(text[:400])
    )


def consists_of(text: str, language: Language, *names: str) -> bool:
    """True if the text is made of phrases of these lists and filler only, with at least one of the first list."""
    words = words_of(text)
    found = {name: _covered(words, language.phrases(name)) for name in names}
    filler = _covered(words, language.phrases("filler"))
    covered = filler.union(*found.values())
    return bool(found[names[0]]) and len(covered) == len(words)


def is_question(text: str, language: Language) -> bool:
    """True if the text asks something: by its mark, or by how it begins."""
    first = [word.folded for word in words_of(text)[:2]]
    starts = language.phrases("question_start")
    return text.rstrip().endswith("?") or any(tuple(first[: len(phrase)]) == phrase for phrase in starts)


def mentions(text: str, language: Language, name: str) -> bool:
    """True if a phrase of the list occurs."""
    return next(find_phrases(words_of(text), language.phrases(name)), None) is not None


def _covered(words: Sequence[Word], phrases: Sequence[Phrase]) -> set[int]:
    return {index for start, end in find_phrases(words, phrases) for index in range(start, end)}


def _cut(entries: object) -> tuple[Phrase, ...]:
    listed = cast("Sequence[str]", entries) if isinstance(entries, list | tuple) else ()
    return tuple(tuple(word.folded for word in words_of(fold(entry))) for entry in listed)
