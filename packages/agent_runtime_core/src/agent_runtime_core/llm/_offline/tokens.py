"""Values whose form says what they are: addresses, phone numbers, codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent_runtime_core.llm._offline.found import Found, Reading, Strength

_EMAIL = re.compile(r"(?<![\w.+%-])[^\W_](?:[\w.+%'-]{0,62}[\w+%-])?@[^\W_](?:[\w-]{0,62}\.)+[^\W\d_]{2,24}(?![\w@])")
_URL = re.compile(
    r"(?<![\w@])(?:https?://[^\s\x00<>\"']{1,300}|(?:www\.)?(?:[a-z0-9-]{1,62}\.){1,4}[a-z]{2,12}(?:/[^\s\x00]{0,200})?)(?![\w@])",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w.,+-])(?:\+|00)?\(?\d[\d ()/.-]{4,22}\d(?![\w]|[.,]\d)")
_CODE = re.compile(r"(?<![\w@.])[^\W_]{1,12}(?:[ -][^\W_]{1,8}){0,2}(?![\w@])")
_THOUSANDS = re.compile(r"^\d{1,3}(?:[ .]\d{3})+$")


def find_emails(reading: Reading) -> list[Found]:
    """Every email address."""
    return [Found(m[0], m.start(), m.end()) for m in _EMAIL.finditer(reading.text)]


def find_urls(reading: Reading) -> list[Found]:
    """Every web address."""
    return [Found(m[0].rstrip(".,;!?)"), m.start(), m.end()) for m in _URL.finditer(reading.text)]


def find_phones(reading: Reading, asked: bool = False) -> list[Found]:
    """Every phone number of seven to fifteen digits; bare digits without a leading zero are only an answer."""
    return list(_phones(reading, asked))


def _phones(reading: Reading, asked: bool) -> Iterator[Found]:
    for match in _PHONE.finditer(reading.text):
        digits = re.sub(r"\D", "", match[0])
        if not 7 <= len(digits) <= 15 or re.fullmatch(r"\d{4}-\d\d?-\d\d?|\d\d?[./]\d\d?[./]\d{2,4}", match[0]):
            continue
        is_written_as_one = match[0].startswith(("+", "0", "(")) or re.search(r"\d[ /-]\d", match[0]) is not None
        if is_written_as_one and not _THOUSANDS.match(match[0]):
            yield Found(match[0].strip(), match.start(), match.end())
        elif asked:
            yield Found(match[0].strip(), match.start(), match.end(), Strength.ANSWER)


def find_codes(reading: Reading, pattern: str = "", asked: bool = False) -> list[Found]:
    """Every code: what fits the pattern, else what mixes capitals and digits; digits alone only as an answer."""
    found = list(_codes(reading, pattern, asked))
    strongest = max((each.strength for each in found), default=Strength.ANSWER)
    return [each for each in found if each.strength == strongest]


def _codes(reading: Reading, pattern: str, asked: bool) -> Iterator[Found]:
    matcher = _compiled(pattern)
    taken = 0
    for word in reading.words:
        if word.start < taken:
            continue
        for text in _joined(reading, word.start):
            found = _as_code(text, word.start, matcher, asked)
            if found:
                taken = found.end
                yield found
                break


def _joined(reading: Reading, start: int) -> Iterator[str]:
    """The longest to the shortest run of up to four words from a place on, held together by spaces or dashes."""
    match = re.compile(r"[^\W_]{1,24}(?:[ -][^\W_]{1,12}){0,4}").match(reading.text, start)
    text = match[0] if match else ""
    while text:
        yield text
        cut = max(text.rfind(" "), text.rfind("-"))
        text = text[:cut] if cut > 0 else ""


def _as_code(text: str, start: int, matcher: re.Pattern[str] | None, asked: bool) -> Found | None:
    end = start + len(text)
    has_digit, has_letter = any(map(str.isdigit, text)), any(map(str.isalpha, text))
    if matcher is not None:
        for form in (text, text.upper(), re.sub(r"[ -]", "", text), re.sub(r"[ -]", "", text).upper()):
            if matcher.fullmatch(form):
                return Found(form, start, end, Strength.EVIDENT if has_digit and len(form) > 3 else Strength.ANSWER)
        return None
    if not has_digit or not all(map(_is_piece, re.split(r"[ -]", text))):
        return None
    if has_letter and text == text.upper() and len(text) >= 3:
        return Found(text, start, end, Strength.EVIDENT)
    if asked and " " not in text and len(text) >= 2:
        return Found(text, start, end, Strength.ANSWER)
    return None


def _is_piece(piece: str) -> bool:
    return piece.isdigit() or len(piece) <= 3 or any(map(str.isdigit, piece))


def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern.removeprefix("^").removesuffix("$")) if pattern and _is_tame(pattern) else None
    except (re.error, RecursionError, OverflowError):
        return None


def _is_tame(pattern: str) -> bool:
    """False for a repeated group with a repetition inside, which can take forever to fail."""
    return len(pattern) < 500 and re.search(r"[+*}][^()]*\)[+*{]", pattern) is None
