"""Names of people in a text: after "my name is", or the answer to a question for one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from agent_runtime_core.llm._offline.found import Found, Reading, Strength
from agent_runtime_core.llm._offline.language import is_question
from agent_runtime_core.llm._offline.text import USED

_TOKEN = re.compile(r"[^\W\d_](?:[^\W\d_]|['\u2019.-](?=[^\W\d_]))*\.?")
_PARTICLES = frozenset(
    {"van", "von", "der", "den", "de", "del", "la", "le", "da", "di", "du", "bin", "al", "zu", "ten", "y"}
)
_TITLES = frozenset(
    {
        "dr.",
        "dr",
        "mr.",
        "mr",
        "mrs.",
        "mrs",
        "ms.",
        "ms",
        "prof.",
        "prof",
        "herr",
        "frau",
        "señor",
        "señora",
        "sr.",
        "sra.",
        "don",
        "doña",
    }
)
_MOST_WORDS = 5
_MOST_PIECES = 20


def find_names(reading: Reading, asked: bool = False) -> list[Found]:
    """Names after an introduction; if the question was for one, also what an answer consists of."""
    found = [*_introduced(reading, "name", False), *_introduced(reading, "name_weak", not asked), *_before(reading)]
    if not found and asked and not is_question(reading.text, reading.language):
        found = list(_bare(reading))
    return found or list(_leading(reading))


def _introduced(reading: Reading, patterns: str, needs_capital: bool) -> Iterator[Found]:
    for pattern in reading.language.patterns(patterns):
        for match in pattern.finditer(reading.text):
            tokens = _run(reading, match.end())
            if tokens and not (needs_capital and _is_doubtful(reading, tokens)):
                yield _name(tokens, Strength.KEYED)


def _before(reading: Reading) -> Iterator[Found]:
    for pattern in reading.language.patterns("name_after"):
        for match in pattern.finditer(reading.text):
            start = max(reading.text.rfind(mark, 0, match.start()) for mark in ",.!;\n\x00") + 1
            tokens = _run(reading, start)
            if tokens and tokens[-1].end() == match.start():
                yield _name(tokens, Strength.KEYED)


def _bare(reading: Reading) -> Iterator[Found]:
    """The pieces of an answer that consist of a name: "Ada Lovelace", "well, ada lovelace please"."""
    for start, end in islice(_pieces(reading.text), _MOST_PIECES):
        start = _past_filler(reading, start, end)
        tokens = _run(reading, start)
        rest = reading.text[tokens[-1].end() : end] if tokens else ""
        if tokens and _is_filler(reading, rest):
            yield _name(tokens, Strength.ANSWER)


def _leading(reading: Reading) -> Iterator[Found]:
    """The name of somebody who begins with it and goes on with their age: "Ada, I'm 36"."""
    start = _past_filler(reading, 0, len(reading.text))
    tokens = _run(reading, start)
    rest = reading.text[tokens[-1].end() :] if tokens and _is_capital(tokens[0][0]) else ""
    number = re.match(rf"\s*[,.;]\s*(?P<lead>[^,.;\d{USED}]{{0,20}}\s)?[\d{USED}]", rest)
    if number and (
        not number["lead"] or any(p.search(number["lead"]) for p in reading.language.patterns("before_age"))
    ):
        yield _name(tokens, Strength.EVIDENT)


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    for match in re.finditer(r"[^,;!?\n\x00]+", text):
        yield match.start(), match.end()


def _past_filler(reading: Reading, start: int, end: int) -> int:
    words = [word for word in reading.words if start <= word.start and word.end <= end]
    phrases = sorted((p for p in reading.language.phrases("filler")), key=len, reverse=True)
    index = 0
    while index < len(words):
        step = next((len(p) for p in phrases if tuple(w.folded for w in words[index : index + len(p)]) == p), 0)
        if not step:
            return words[index].start
        index += step
    return end


def _is_filler(reading: Reading, text: str) -> bool:
    rest = Reading(text, reading.language)
    words = [word.folded for word in rest.words]
    if not words:
        return True
    if rest.text.strip().casefold().startswith(tuple(reading.language.table("patterns").get("is", ()))):
        return False  # "age is 36" is about something else
    allowed = {
        word for name in ("filler", "tail", "thanks", "join") for p in reading.language.phrases(name) for word in p
    }
    return words[0] in allowed


def _run(reading: Reading, start: int) -> list[re.Match[str]]:
    """The words of a name from a place on; a lower-case word ends a capitalised name."""
    tokens: list[re.Match[str]] = []
    position = start
    while len(tokens) < _MOST_WORDS:
        gap = re.compile(r"[ ]{0,3}[\"“”']?").match(reading.text, position)
        match = _TOKEN.match(reading.text, gap.end() if gap else position)
        if match is None or not _may_follow(reading, tokens, match):
            break
        if match[0].endswith(".") and match[0].casefold() not in _TITLES and len(match[0]) > 2:
            short = re.compile(re.escape(match[0][:-1])).match(reading.text, match.start())
            return [*tokens, short] if short else tokens
        tokens.append(match)
        position = match.end()
    while tokens and (tokens[-1][0].casefold() in _PARTICLES or tokens[-1][0].casefold() in _TITLES):
        tokens.pop()
    return tokens


def _may_follow(reading: Reading, tokens: Sequence[re.Match[str]], match: re.Match[str]) -> bool:
    word = match[0]
    following = reading.text[match.end() : match.end() + 1]
    if following.isalnum() or following in ("@", "_"):
        return False
    if word.casefold() in _PARTICLES and tokens:
        return True
    folded = Reading(word, reading.language).words
    if not folded or (reading.language.has("not_a_name", folded[0].folded) and not _is_surname(tokens, word)):
        return False
    if tokens and any(_is_capital(token[0]) for token in tokens):
        return _is_capital(word)
    return not _is_verb_form(word)


def _is_surname(tokens: Sequence[re.Match[str]], word: str) -> bool:
    return bool(tokens) and _is_capital(word) and _is_capital(tokens[0][0])


def _is_capital(word: str) -> bool:
    return word[0].isupper() or not (word[0].isupper() or word[0].islower())


def _is_verb_form(word: str) -> bool:
    return word[0].islower() and len(word) > 5 and word.endswith("ing")


def _is_doubtful(reading: Reading, tokens: Sequence[re.Match[str]]) -> bool:
    """Without capitals, "i'm ada" is an introduction only if the clause ends there."""
    if _is_capital(tokens[0][0]):
        return False
    rest = reading.text[tokens[-1].end() :].lstrip(" ")
    return not (rest == "" or rest[0] in ",.!;\n\x00") or len(tokens) > 3


def _name(tokens: Sequence[re.Match[str]], strength: Strength) -> Found:
    while len(tokens) > 1 and tokens[0][0].casefold() in _TITLES:
        tokens = tokens[1:]
    text = tokens[0].string[tokens[0].start() : tokens[-1].end()]
    return Found(text.strip(), tokens[0].start(), tokens[-1].end(), strength)
