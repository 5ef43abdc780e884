"""Words a person said: exactly, or inflected, abbreviated, misspelled, in another script."""

from __future__ import annotations

import difflib
import re

from agent_runtime_framework.journey.grounding.numbers import says_number
from agent_runtime_framework.journey.grounding.scripts import cannot_be_told, sounds_like
from agent_runtime_framework.journey.grounding.speech import (
    Speech,
    collapsed,
    fold,
    is_unspaced,
    loosely,
    script_of,
    vocabulary,
)

MOST_OF = 0.6
"""Which part of the words of a longer text has to have been said."""

LONG_TEXT = 4
"""From so many words on, a text may be put in other words."""

_TOKEN = re.compile(r"[^\W_]+")
_SCHEME = re.compile(r"^(?:https?://)?(?:www\.)?|/+$", re.IGNORECASE)
_LONGEST_RUN = 24


def is_exact(text: str) -> bool:
    """True for what is wrong if one character is: addresses, codes, numbers."""
    if "@" in text or "://" in text or re.fullmatch(r"(?:[\w-]+\.)+[a-z]{2,}(?:/\S*)?", text, re.IGNORECASE):
        return True
    digits = sum(map(str.isdecimal, text))
    return digits > 0 and (" " not in text or digits * 2 >= sum(map(str.isalnum, text)))


def says_exactly(speech: Speech, text: str) -> bool:
    """True if letters and digits stand in a row in what was said, whole words of it; signs may be spelled out."""
    wanted = collapsed(_SCHEME.sub("", text))
    if not wanted:
        return False
    if is_unspaced(text):
        return wanted in speech.collapsed
    return _is_run(wanted, speech.tokens) or (
        not vocabulary().symbols.isdisjoint(speech.words)
        and _is_run(wanted, tuple(token for token in speech.tokens if token not in vocabulary().symbols))
    )


def _is_run(wanted: str, tokens: tuple[str, ...]) -> bool:
    """True if some whole tokens in a row make up the wanted letters; www and http may stand in front."""
    for start in range(len(tokens)):
        if not wanted.startswith(tokens[start]):
            continue
        rest = wanted
        for token in tokens[start : start + _LONGEST_RUN]:
            if not rest.startswith(token):
                break
            rest = rest[len(token) :]
            if not rest:
                return True
    return False


def says_text(speech: Speech, text: str) -> bool:
    """True if the words of a text were said, all of a short one and most of a long one."""
    words = [word for word in _TOKEN.findall(fold(text)) if word]
    if not words:
        return collapsed(text) in speech.collapsed
    if is_unspaced(text):
        return _says_unspaced(speech, text)
    if _is_code_for(speech, text):
        return True
    said = [_says_word(speech, word) for word in words]
    if all(said):
        return True
    if len(words) < LONG_TEXT:
        return False
    telling = [ok for word, ok in zip(words, said, strict=True) if len(word) > 3 or word.isdecimal()]
    has_number = all(ok for word, ok in zip(words, said, strict=True) if word.isdecimal())
    return has_number and bool(telling) and sum(telling) >= MOST_OF * len(telling)


def _says_word(speech: Speech, word: str) -> bool:
    if word in speech.words or loosely(word) in speech.words:
        return True
    if word.isdecimal():
        return says_number(speech, float(word))
    full = vocabulary().short.get(word)
    if full is not None and all(part in speech.words for part in full.split()):
        return True
    if len(word) == 1:
        return False
    if any(_is_form_of(loosely(word), other) for other in speech.words):
        return True
    return any(sounds_like(word, other) for other in speech.words) or cannot_be_told(word, speech.words)


def _is_form_of(word: str, other: str) -> bool:
    """The same word inflected, abbreviated, or with one slip."""
    if other.isdecimal() or script_of(word) != script_of(other):
        return False
    if vocabulary().short.get(other) == word:
        return True
    shared = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    shortest, longest = sorted((len(word), len(other)))
    ending = 3 if script_of(word) == "cyrillic" else 2
    if shared >= 4 and (shared >= longest - ending or (shared == shortest and shortest >= 5)):
        return True
    if shortest >= 3 and shared == shortest and longest - shortest <= 2 and shared >= 3:
        return longest - shortest <= 1 or shared >= 4
    return shortest >= 6 and word[0] == other[0] and difflib.SequenceMatcher(None, word, other).ratio() >= 0.86


def _says_unspaced(speech: Speech, text: str) -> bool:
    if collapsed(text) in speech.collapsed:
        return True
    if not any(script_of(word) in ("han", "kana") for word in speech.words):
        # A Latin word that comes back in kana or ideographs: kana can be compared, ideographs cannot.
        own = [part for part in _TOKEN.findall(fold(text)) if part]
        return all(any(sounds_like(part, other) for other in speech.words) for part in own if script_of(part) == "kana")
    characters = [char for char in fold(text) if char.isalnum()]
    return sum(char in speech.folded for char in characters) >= 0.8 * len(characters)


def _is_code_for(speech: Speech, text: str) -> bool:
    names = vocabulary().codes.get(text.upper()) if len(text) in (2, 3) else None
    return names is not None and any(speech.has_phrase(name) or name in speech.folded.split() for name in names)
