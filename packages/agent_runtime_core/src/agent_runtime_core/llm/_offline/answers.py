"""Yes and no, and free text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from agent_runtime_core.llm._offline.found import Found, Reading, Strength
from agent_runtime_core.llm._offline.language import Language, Phrase, consists_of, kind_words
from agent_runtime_core.llm._offline.schema import Parameter
from agent_runtime_core.llm._offline.text import USED, Word, find_phrases, stem

_PIECE = re.compile(rf"[^,;.!?\n{USED}]+")
_PART = re.compile(rf"[^,;\n{USED}]+")
_SENTENCE = re.compile(r"[^.;!?\n]{0,400}")
_MOST_PIECES = 50
_MOST_ACTIONS = 8
_EDGE = " \t\n.,;:!?-\u2013\u2014\"\u201c\u201d'"


def yes_or_no(reading: Reading) -> Found | None:
    """What a text that answers a yes/no question says; None if it says both or neither."""
    words, language = reading.words, reading.language
    places = [(*place, False) for place in find_phrases(words, language.phrases("no"))]
    places += [(*place, True) for place in find_phrases(words, language.phrases("yes"))]
    places = [
        p
        for p in places
        if not any(o is not p and o[0] <= p[0] and p[1] <= o[1] and o[1] - o[0] > p[1] - p[0] for o in places)
    ]
    if not places:
        return None
    first = min(places)
    opens = first[0] == 0 or all(language.has("filler", w.folded) for w in words[: first[0]])
    if not opens or (
        len(places) > 1 and len({value for *_, value in places}) > 1 and not _agrees(words, places, language)
    ):
        return None
    return Found(first[2], words[first[0]].start, words[first[1] - 1].end, Strength.ANSWER)


def _agrees(words: Sequence[Word], places: Sequence[tuple[int, int, bool]], language: Language) -> bool:
    """True for "no, that's fine": the text opens with one word and the rest is polite."""
    first = min(places)
    soft = {index for start, end in find_phrases(words, language.phrases("soft")) for index in range(start, end)}
    others = [place for place in places if place[2] != first[2]]
    return all(index in soft for start, end, _ in others for index in range(start, end))


def find_flag(parameter: Parameter, reading: Reading, keys: frozenset[str]) -> Found | None:
    """What a statement about the parameter's own words says: "no newsletter please", "I am a smoker"."""
    if reading.text.rstrip().endswith("?"):
        return None
    for match in islice(_PIECE.finditer(reading.text), _MOST_PIECES):
        words = [word for word in reading.words if match.start() <= word.start < match.end()]
        named = [word for word in words if stem(word.folded) in keys]
        if named:
            negated = any(reading.language.has("negation", word.folded) for word in words)
            last = words[-1]
            said_no = reading.language.has("no", last.folded) and last is not words[0]
            return Found(not (negated or said_no), words[0].start, last.end, Strength.KEYED)
    return None


def find_text(parameter: Parameter, reading: Reading, asked: bool, keys: frozenset[str]) -> list[Found]:
    """Free text: after the parameter's name and a colon or "is", or all of an answer but the polite words around it."""
    keyed = list(_after_key(reading, keys))
    if keyed or not asked:
        return keyed
    parts = pieces(reading, cut=True) if USED in reading.text else []
    parts = [part for part in parts if _has_content(part, reading.language)]
    left = [part for part in parts if not _introduces_what_was_used(part, reading)]
    if parts and not left:
        return []
    parts = left
    found = parts[0] if len(parts) == 1 else trimmed(reading, 0, len(reading.text))
    if found is None or _says_nothing(reading, parameter, found):
        return []
    return [found]


def _introduces_what_was_used(part: Found, reading: Reading) -> bool:
    """True for the "email is" of a sentence whose email was found already."""
    links = reading.language.table("patterns").get("is", ())
    words = str(part.value).casefold().split()
    return bool(words) and words[-1] in links and reading.text[part.end :].lstrip().startswith(USED)


def find_object(reading: Reading, actions: Sequence[tuple[int, int]]) -> list[Found]:
    """What follows the word for an action up to the end of the clause: "add two apples to the cart" -> "apples"."""
    found: list[Found] = []
    for _, end in actions[:_MOST_ACTIONS]:
        sentence = _SENTENCE.match(reading.text, end)
        parts = islice(_PIECE.finditer(reading.text, end, sentence.end() if sentence else end), _MOST_ACTIONS)
        objects = (trimmed(reading, part.start(), part.end(), cut=True) for part in parts)
        each = next((part for part in objects if part is not None), None)
        if each is not None and _has_content(each, reading.language):
            found.append(Found(each.value, each.start, each.end, Strength.EVIDENT))
    return found


def trimmed(reading: Reading, start: int, end: int, cut: bool = False) -> Found | None:
    """The text between two places without filler at its edges; `cut` also drops articles and ends it at "and"."""
    language = reading.language
    words = [word for word in reading.words if start <= word.start and word.end <= end]
    skipped = [phrase for name in ("filler", "skip", "join")[: 3 if cut else 1] for phrase in language.phrases(name)]
    words = _strip(words, skipped, at_start=True)
    if cut:
        joins = [index for index, word in enumerate(words) if language.has("join", word.folded)]
        words = words[: joins[0]] if joins else words
    words = _strip(words, language.phrases("tail"), at_start=False)
    if not words:
        return None
    first, last = words[0].start, words[-1].end
    text = reading.text[first:last] if USED not in reading.text[first:last] else ""
    return Found(text.strip(_EDGE), first, last, Strength.ANSWER) if text.strip(_EDGE) else None


def _has_content(found: Found, language: Language) -> bool:
    """False for what is only small words and numbers."""
    said = Reading(str(found.value), language)
    small = {word for name in ("common", "join", "skip") for phrase in language.phrases(name) for word in phrase}
    return any(word.folded not in small and not word.folded.isdecimal() for word in said.words)


def pieces(reading: Reading, cut: bool = False) -> list[Found]:
    """The parts of an answer that commas, or words already used, keep apart."""
    found = [
        trimmed(reading, m.start(), m.end(), cut)
        for m in islice(re.finditer(rf"[^,;\n{USED}]+", reading.text), _MOST_PIECES)
    ]
    return [each for each in found if each is not None]


def _strip(words: Sequence[Word], phrases: Sequence[Phrase], at_start: bool) -> list[Word]:
    kept = list(words)
    ordered = sorted(phrases, key=len, reverse=True)
    while kept:
        folded = [word.folded for word in kept]
        length = next(
            (len(p) for p in ordered if p and (folded[: len(p)] if at_start else folded[-len(p) :]) == list(p)), 0
        )
        if not length:
            break
        kept = kept[length:] if at_start else kept[:-length]
    return kept


def _after_key(reading: Reading, keys: frozenset[str]) -> Iterator[Found]:
    links = "|".join(
        sorted((re.escape(p) for p in reading.language.table("patterns").get("is", ())), key=len, reverse=True)
    )
    link = re.compile(rf"\s*(?:(?:{links})(?!\w)\s*)", re.IGNORECASE)
    for word in reading.words:
        after = link.match(reading.text, word.end) if stem(word.folded) in keys else None
        if after is None:
            continue
        match = re.compile(rf"[^,;!?\n{USED}]+").match(reading.text, after.end())
        found = trimmed(reading, match.start(), match.end()) if match else None
        if found is not None:
            yield Found(_until_clause(found.value, reading.language), found.start, found.end, Strength.KEYED)


def _until_clause(text: str, language: Language) -> str:
    """The text up to an "and my" or "but I" that begins another statement."""
    joins = "|".join(map(re.escape, language.table("words").get("join", ())))
    cut = re.search(rf" (?:{joins}) (?:{language.say('own', 'patterns')})\b", text)
    return text[: cut.start()] if cut else text


def _says_nothing(reading: Reading, parameter: Parameter, found: Found) -> bool:
    """True for greetings, thanks, questions back and the like, which are no answer."""
    language, text = reading.language, reading.text
    if any(
        consists_of(text, language, name, "thanks")
        for name in ("greeting", "thanks", "farewell", "help", "unknown", "yes", "no", "identity")
    ):
        return True
    commands = language.phrases("command")
    is_command = any(tuple(w.folded for w in reading.words[: len(phrase)]) == phrase for phrase in commands)
    asks_back = (is_command or text.rstrip().endswith("?")) and not parameter.stems & kind_words("question")
    return asks_back or not any(map(str.isalnum, str(found.value)))
