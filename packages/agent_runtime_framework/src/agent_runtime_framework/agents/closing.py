"""Whether a message only says goodbye.

A message closes a conversation when, without punctuation and short filler words, nothing but closing phrases is left:
"Thank you!", "ok thanks, bye". A request that is polite ("thanks, but please change my email") does not.
Fillers, and the phrases of further languages, are in `closing.json`, one entry per language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

MAX_CLOSING_CHARS = 200
"""A longer message is never only a goodbye, in characters."""

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"['\u2019]")


def is_closing(text: str, phrases: Iterable[str]) -> bool:
    """True if `text` consists of closing phrases and fillers, and holds at least one phrase."""
    if len(text) > MAX_CLOSING_CHARS:
        return False
    words = _words(text)
    pattern, fillers = _compiled(tuple(phrases))
    rest, found = pattern.subn(" ", f" {' '.join(words)} ")
    return found > 0 and all(word in fillers for word in rest.split())


@lru_cache(maxsize=64)
def _compiled(phrases: tuple[str, ...]) -> tuple[re.Pattern[str], frozenset[str]]:
    languages = json.loads(Path(__file__).with_name("closing.json").read_text(encoding="utf-8")).values()
    # An agent without closing phrases of its own switched the check off, for every language.
    further = [phrase for each in languages for phrase in each.get("closing", ())] if phrases else []
    known = {" ".join(_words(phrase)) for phrase in (*phrases, *further)} - {""}
    longest_first = sorted(known, key=len, reverse=True)
    alternatives = "|".join(map(re.escape, longest_first)) or r"(?!)"
    return re.compile(rf"(?<= )(?:{alternatives})(?= )"), frozenset(
        word for each in languages for word in each["fillers"]
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(_APOSTROPHE.sub("", text.casefold()))
