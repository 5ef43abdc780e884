"""Which of the permitted values a text names: by value, label, a telling word, or "the second one"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent_runtime_core.llm._offline.found import Found, Reading, Strength
from agent_runtime_core.llm._offline.language import Language, Phrase
from agent_runtime_core.llm._offline.numbers import find_numbers
from agent_runtime_core.llm._offline.schema import Choice, Parameter
from agent_runtime_core.llm._offline.text import Word, find_phrases, fold, stem, words_of

_MOST_WORDS = 40


def find_choices(parameter: Parameter, reading: Reading, asked: bool = False) -> list[Found]:
    """The values the text names; one that it names only to turn down is left out."""
    found = list(_named(parameter.choices, reading)) or list(_as_number(parameter.choices, reading))
    if not found and "compound" in reading.language.table("number_format"):
        found = list(_compounds(parameter.choices, reading))
    if not found:
        found = list(_ordinal(parameter.choices, reading, asked))
    if not found and asked:
        found = [*_numbered(parameter.choices, reading), *_nearly(parameter.choices, reading)]
    return [each for each in found if not _is_turned_down(reading, each)]


def find_many(parameter: Parameter, reading: Reading, asked: bool = False) -> Found | None:
    """The list of values that the text names, in the order of the text; "all", and "none" as an answer."""
    found = find_choices(parameter, reading, asked)
    words = reading.words
    everything = next(find_phrases(words, reading.language.phrases("all")), None)
    whole = (0, len(reading.text))
    if everything and (asked or found):
        left_out = _excepted(reading, found)
        return Found([each.value for each in parameter.choices if each.value not in left_out], *whole, Strength.ANSWER)
    if found:
        values = list(dict.fromkeys(each.value for each in found))
        return Found(values, found[0].start, found[-1].end, found[0].strength)
    if asked and next(find_phrases(words, reading.language.phrases("none")), None):
        return Found([], *whole, Strength.ANSWER)
    return None


def _excepted(reading: Reading, found: Sequence[Found]) -> list[Any]:
    place = next(find_phrases(reading.words, reading.language.phrases("except")), None)
    return [each.value for each in found if place and each.start > reading.words[place[0]].start]


def _named(choices: Sequence[Choice], reading: Reading) -> Iterator[Found]:
    phrases = _phrases_for(choices, reading.language)
    stems = [Word(word.text, stem(word.folded), word.start, word.end) for word in reading.words]
    for start, end in find_phrases(stems, phrases):
        choice = phrases[tuple(word.folded for word in stems[start:end])]
        span = (stems[start].start, stems[end - 1].end)
        if choice is not None and not _is_only_a_letter(choice, reading.text[slice(*span)]):
            yield Found(choice.value, *span)


def _as_number(choices: Sequence[Choice], reading: Reading) -> Iterator[Found]:
    values = {each.value: each.value for each in choices if isinstance(each.value, int | float)}
    for number in find_numbers(reading) if values else ():
        if number.value in values:
            yield Found(values[number.value], number.start, number.end)


def _phrases_for(choices: Sequence[Choice], language: Language) -> dict[Phrase, Choice | None]:
    """Stemmed phrases for each choice; a word shared by several choices stands for none of them."""
    phrases: dict[Phrase, Choice | None] = {}
    synonyms: Mapping[str, list[str]] = language.table("synonyms")
    for weak in (False, True):
        own: dict[Phrase, Choice | None] = {}
        for choice in choices:
            for phrase in _weak(choice, language) if weak else _strong(choice, synonyms):
                own[phrase] = choice if own.get(phrase, choice) is choice else None
        phrases = {**own, **phrases}
    return phrases


def _strong(choice: Choice, synonyms: Mapping[str, list[str]]) -> Iterator[Phrase]:
    for label in choice.labels:
        phrase = _stemmed(label)
        if phrase:
            yield phrase
        for other in synonyms.get(fold(label), ()):
            yield _stemmed(other)


def _weak(choice: Choice, language: Language) -> Iterator[Phrase]:
    """Single telling words of a label of several words, as "premium" of "premium_plan"."""
    for label in choice.labels:
        words = words_of(label)
        for word in words if len(words) > 1 else ():
            if len(word.folded) >= 3 and not language.has("common", word.folded):
                yield (stem(word.folded),)
                for other in language.table("synonyms").get(word.folded, ()):
                    yield _stemmed(other)


def _stemmed(text: str) -> Phrase:
    return tuple(stem(word.folded) for word in words_of(text))


def _is_only_a_letter(choice: Choice, written: str) -> bool:
    """True for "a" or "s" in running text where the choice is "A" or "S"."""
    return len(written) == 1 and written.isalpha() and written not in (choice.value, *choice.labels)


def _ordinal(choices: Sequence[Choice], reading: Reading, asked: bool) -> Iterator[Found]:
    language = reading.language
    words = [phrase for name in ("ordinals", "ordinal_signs") for phrase in language.phrases(name)]
    places = {phrase: index % 10 for index, phrase in enumerate(words)}
    for phrase in language.phrases("ordinals_inflected"):
        places[phrase] = next(i for i, p in enumerate(language.phrases("ordinals")) if phrase[0].startswith(p[0][:-1]))
    for start, end in find_phrases(reading.words, [*places, *language.phrases("last")]):
        index = places.get(tuple(word.folded for word in reading.words[start:end]), len(choices) - 1)
        if index < len(choices) and (asked or _stands_for_one(reading, end)):
            yield Found(choices[index].value, reading.words[start].start, reading.words[end - 1].end)


def _stands_for_one(reading: Reading, end: int) -> bool:
    following = reading.words[end : end + 1]
    return bool(following) and reading.language.has("ordinal_noun", following[0].folded)


def _numbered(choices: Sequence[Choice], reading: Reading) -> Iterator[Found]:
    """A place in the list, as in "option b", unless the values are numbers themselves."""
    if any(isinstance(each.value, int | float) for each in choices):
        return
    content = [w for w in reading.words if not reading.language.has("filler", w.folded)]
    content = [w for w in content if not reading.language.has("option_words", w.folded)]
    if len(content) != 1:
        return
    word = content[0]
    index = int(word.folded) - 1 if word.folded.isdecimal() and len(word.folded) < 3 else -1
    if len(word.folded) == 1 and "a" <= word.folded <= "z":
        index = ord(word.folded) - ord("a")
    if 0 <= index < len(choices):
        yield Found(choices[index].value, word.start, word.end, Strength.ANSWER)


def _compounds(choices: Sequence[Choice], reading: Reading) -> Iterator[Found]:
    """Words that begin with a choice, as "Doppelzimmer" does, where the language makes one word of two."""
    for word in reading.words[:_MOST_WORDS]:
        labels = [(label, each) for each in choices for name in each.labels for label in _stemmed(name)]
        begun = {each.value for label, each in labels if len(label) >= 5 and word.folded.startswith(label)}
        if len(begun) == 1:
            yield Found(begun.pop(), word.start, word.end)


def _nearly(choices: Sequence[Choice], reading: Reading) -> Iterator[Found]:
    """A long word with a single slip of the keyboard, if only one choice is that near."""
    for word in reading.words[:_MOST_WORDS]:
        near = [
            c
            for c in choices
            if any(_one_slip(word.folded, other.folded) for label in c.labels for other in words_of(label))
        ]
        if len(near) == 1:
            yield Found(near[0].value, word.start, word.end, Strength.ANSWER)


def _one_slip(written: str, meant: str) -> bool:
    if len(meant) < 5 or abs(len(written) - len(meant)) > 1 or re.search(r"\d", written):
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(written, meant, strict=False)) if a != b), min(len(written), len(meant))
    )
    left, right = written[start:], meant[start:]
    swapped = left[:2] == right[:2][::-1] and left[2:] == right[2:]
    return left[1:] == right[1:] or left[1:] == right or left == right[1:] or swapped


def _is_turned_down(reading: Reading, found: Found) -> bool:
    before = reading.before(found.start, 2)
    if any(reading.language.has("negation", word.folded) for word in before):
        return True
    ahead = reading.before(found.start, 4)
    return any(True for _ in find_phrases(ahead, reading.language.phrases("instead")))
