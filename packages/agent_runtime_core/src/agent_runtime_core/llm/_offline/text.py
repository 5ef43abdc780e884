"""Text as the offline model reads it: cleaned, cut into words, with spans that can be blanked out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

USED = "\x00"
"""Stands where words were that an earlier call has used; no word and no space, so nothing is read across it."""

_LONGEST = 4000
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\n\s*\n")
_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ENDINGS = ("ings", "ing", "ers", "er", "ed", "es", "en", "s", "e", "n")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text; `folded` is without case and accents."""

    text: str
    folded: str
    start: int
    end: int


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """The text without case, accents and typographic quotes, for comparing."""
    decomposed = unicodedata.normalize("NFKD", text.replace("\u2019", "'").casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """A folded word without the endings of number and tense, so that "apples" meets "apple"."""
    trimmed = True
    while trimmed:
        trimmed = False
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                word, trimmed = word[: -len(ending)], True
                break
    return word


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a text, in order."""
    return tuple(Word(m[0], fold(m[0]), m.start(), m.end()) for m in _WORD.finditer(text))


def stems_of(text: str) -> tuple[str, ...]:
    """The stems of a text or of an identifier such as `yearly_mileage` or `yearlyMileage`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).replace("_", " ")
    return tuple(stem(word.folded) for word in words_of(spaced))


def readable(content: object) -> str:
    """The text in a message's content, a string or content blocks.

    Control characters and runs of spaces become one space; a very long text is read at both ends only.
    """
    if isinstance(content, Mapping):
        content = [cast("object", content)]
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        content = "\n".join(_block_texts(cast("Sequence[object]", content)))
    if not isinstance(content, str):
        return ""
    if len(content) > 2 * _LONGEST:
        content = f"{content[:_LONGEST]}\n{content[-_LONGEST:]}"
    clean = _UNREADABLE.sub(" ", content.encode("utf-8", "replace").decode("utf-8"))
    return _LINES.sub("\n\n", _SPACES.sub(" ", clean))


def _block_texts(blocks: Sequence[object]) -> Iterator[str]:
    for block in blocks[:100]:
        if isinstance(block, str):
            yield block
        elif isinstance(block, Mapping):
            text = cast("Mapping[str, object]", block).get("text")
            if isinstance(text, str):
                yield text


def blank(text: str, start: int, end: int) -> str:
    """The text of the same length with a span marked as used."""
    return text[:start] + USED * (end - start) + text[end:]


def find_phrases(words: Sequence[Word], phrases: Iterable[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Where any of the phrases (sequences of folded words) occurs, as word indices; longest first at each place."""
    by_first: dict[str, list[Sequence[str]]] = {}
    for phrase in phrases:
        if phrase:
            by_first.setdefault(phrase[0], []).append(phrase)
    index = 0
    while index < len(words):
        length = max((len(p) for p in by_first.get(words[index].folded, ()) if _matches(words, index, p)), default=0)
        if length:
            yield index, index + length
        index += length or 1


def _matches(words: Sequence[Word], index: int, phrase: Sequence[str]) -> bool:
    return [word.folded for word in words[index : index + len(phrase)]] == list(phrase)
