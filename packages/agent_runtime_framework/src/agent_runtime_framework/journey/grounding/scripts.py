"""The same word in another script: compared by what is left when vowels and fine differences are taken away."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from agent_runtime_framework.journey.grounding.speech import script_of

ALIKE = 0.75
"""From this likeness on, two skeletons are the same word."""

_SAME = str.maketrans({
    "b": "p", "v": "f", "w": "f", "d": "t", "g": "k", "q": "k", "c": "k", "x": "k", "z": "s", "j": "s", "l": "r",
    "a": "", "e": "", "i": "", "o": "", "u": "", "y": "", "h": "",
})  # fmt: skip


@lru_cache(maxsize=4096)
def romanised(word: str) -> str:
    """A folded word in Latin letters, roughly; characters without a sound of their own are dropped."""
    return "".join(_sound(char) for char in word)


def _sound(char: str) -> str:
    return _sounds().get(char, char if char.isascii() else "")


@cache
def _sounds() -> Mapping[str, str]:
    tables = json.loads(Path(__file__).with_name("sounds.json").read_text(encoding="utf-8"))
    return {char: sound for table in tables.values() for char, sound in table.items()}


@lru_cache(maxsize=4096)
def skeleton(word: str) -> str:
    """The consonants of a word, those that scripts confuse made one."""
    latin = romanised(word)
    for pair, sound in (
        ("sh", "s"),
        ("ch", "s"),
        ("zh", "s"),
        ("ts", "s"),
        ("kh", "k"),
        ("ph", "f"),
        ("ck", "k"),
        ("dj", "s"),
    ):
        latin = latin.replace(pair, sound)
    bare = latin.translate(_SAME)
    return "".join(char for index, char in enumerate(bare) if index == 0 or bare[index - 1] != char)


def sounds_like(value: str, said: str) -> bool:
    """True if two folded words of different scripts may be the same one."""
    if script_of(value) == script_of(said):
        return False
    own, theirs = skeleton(value), skeleton(said)
    if len(own) < 2 or len(theirs) < 2:
        return bool(own) and own == theirs and romanised(value)[:1] == romanised(said)[:1]
    return difflib.SequenceMatcher(None, own, theirs).ratio() >= ALIKE


def cannot_be_told(value: str, words: frozenset[str]) -> bool:
    """True if the person used ideographs and the value is in letters: only a dictionary could tell."""
    return script_of(value) not in ("han", "kana") and any(script_of(word) == "han" for word in words)
