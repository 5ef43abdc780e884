"""Sensitive answers: found in a person's words by code, and taken out before anybody else reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from agent_runtime_framework.journey.ask import FormField
from agent_runtime_framework.journey.form import MASK

if TYPE_CHECKING:
    from agent_runtime_framework.journey.form import Form, Progress

MOST_TOKENS = 10
"""How many words in a row are tried as one answer, as the groups of a card number are."""

LONG = 8
"""From so many letters and digits on, a value that fits is taken for the answer although nobody asked."""

SHORTEST_ATTEMPT = 3
"""Fewer characters with digits are no attempt at an answer."""

_TOKEN = re.compile(r"[^\s,;!?\"“”()]+")
_SEPARATORS = r"[\s\-./]*"
_PROBES = ("qqq zzz", "Zzz")


@dataclass(slots=True)
class Withheld:
    """A message without its sensitive answers.

    Attributes:
        text: What is left, a mask in the place of each answer.
        found: The answers, by field.
        reasons: Why what looked like an answer is none, by field.
    """

    text: str
    found: dict[str, Any] = field(default_factory=dict[str, Any])
    reasons: dict[str, str] = field(default_factory=dict[str, str])


def withhold(form: Form[Any], progress: Progress, text: str, asked: str | None) -> Withheld:
    """Take the answers to sensitive questions out of a message; what looks like a failed one goes too.

    Args:
        form: The form.
        progress: How far it is.
        text: What the person said.
        asked: The field they were asked for, if any.
    """
    result = Withheld(text)
    wanted = [each for each in form.applicable(progress) if each.is_sensitive]
    for each in sorted(wanted, key=lambda field: field.name != asked):
        _take_out(form, progress, each, result, is_asked=each.name == asked)
    return result


def hide(text: str, secrets: Iterable[Any]) -> str:
    """The text with a mask in the place of every secret, however it is grouped."""
    for secret in secrets:
        pattern = _notation(secret)
        if pattern is not None:
            text = pattern.sub(MASK, text)
    return text


def hide_in_message(message: Mapping[str, Any], secrets: Iterable[Any]) -> dict[str, Any]:
    """A message in wire form with its texts hidden."""
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": hide(content, secrets)}
    if isinstance(content, list):
        blocks = cast("list[object]", content)
        return {**message, "content": [_hide_in_block(each, secrets) for each in blocks]}
    return dict(message)


def _hide_in_block(block: object, secrets: Iterable[Any]) -> object:
    if not isinstance(block, dict):
        return block
    known = cast("dict[str, Any]", block)
    return {**known, "text": hide(known["text"], secrets)} if isinstance(known.get("text"), str) else known


def _take_out(form: Form[Any], progress: Progress, each: FormField, result: Withheld, *, is_asked: bool) -> None:
    answers = form.answers(progress)
    is_telling = not any(form.checker.check(each, probe, answers)[1] is None for probe in _PROBES)
    is_named = _is_named(each, result.text)
    if is_telling:
        place = _place_of(form, each, answers, result.text, needs_length=not is_asked and not is_named)
        if place is not None:
            _withdraw(result, each, *place)
            return
    if not is_telling or not any(map(str.isdigit, result.text)):
        _take_out_words(form, each, answers, result, is_asked=is_asked)
        return
    if is_asked or is_named:
        _hide_attempts(form, each, answers, result)


def _place_of(
    form: Form[Any], each: FormField, answers: Mapping[str, Any], text: str, *, needs_length: bool
) -> tuple[Any, int, int] | None:
    """The answer, and where it stands: as it is or without separators, else the fewest words that mean it."""
    windows = [
        (start, end)
        for start, end in _windows(text)
        if not needs_length or sum(map(str.isalnum, text[start:end])) >= LONG
    ]
    for start, end in windows:
        part = text[start:end]
        for form_of_it in (part, "".join(char for char in part if char.isalnum())):
            value, reason = form.checker.fits(each, form_of_it, answers)
            if reason is None:
                return value, start, end
    for start, end in reversed(windows):
        value, reason = form.checker.check(each, text[start:end], answers)
        if reason is None and form.checker.check(each, text, answers)[0] == value:
            return value, start, end
    return None


def _take_out_words(
    form: Form[Any], each: FormField, answers: Mapping[str, Any], result: Withheld, *, is_asked: bool
) -> None:
    """An answer in free words, as a password is: all of it if it was asked for, else what follows its name."""
    from agent_runtime_core.llm.offline import find_value

    said = find_value(each.schema, each.name, result.text, question=each.label if is_asked else None)
    if not isinstance(said, str) or MASK in said:
        return
    start = result.text.find(said)
    value, reason = form.checker.check(each, said, answers)
    if start < 0:
        return
    if reason is None:
        _withdraw(result, each, value, start, start + len(said))
    else:
        result.reasons[each.name] = hide(reason, [said])
        result.text = result.text.replace(said, MASK)


def _hide_attempts(form: Form[Any], each: FormField, answers: Mapping[str, Any], result: Withheld) -> None:
    """Nothing fits; whatever holds digits may be a slip of the keyboard away from it."""
    attempts = [m for m in _TOKEN.finditer(result.text) if any(map(str.isdigit, m[0]))]
    if sum(len(m[0]) for m in attempts) < SHORTEST_ATTEMPT:
        return
    said = result.text[attempts[0].start() : attempts[-1].end()]
    reason = form.checker.check(each, said, answers)[1]
    result.reasons[each.name] = hide(reason or "", [said])
    for match in reversed(attempts):
        result.text = result.text[: match.start()] + MASK + result.text[match.end() :]


def _withdraw(result: Withheld, each: FormField, value: Any, start: int, end: int) -> None:
    said = result.text[start:end]
    result.found[each.name] = value
    # Once more at another place is no less telling.
    result.text = hide(result.text[:start] + MASK + result.text[end:], [said, value])


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Where an answer with digits may stand, the longest runs of words first."""
    tokens = [(m.start(), m.start() + len(m[0].rstrip(".:"))) for m in _TOKEN.finditer(text)][:200]
    for length in range(min(MOST_TOKENS, len(tokens)), 0, -1):
        for index in range(len(tokens) - length + 1):
            start, end = tokens[index][0], tokens[index + length - 1][1]
            if any(map(str.isdigit, text[start:end])) and MASK not in text[start:end]:
                yield start, end


def _is_named(each: FormField, text: str) -> bool:
    words = [word for word in each.label.casefold().split() if len(word) > 2]
    return any(word in text.casefold() for word in words)


def _notation(secret: Any) -> re.Pattern[str] | None:
    """Finds a secret in a text, with or without separators between its letters and digits."""
    text = str(secret).strip()
    if len(text) < 3:
        return None
    letters = [char for char in text if char.isalnum()]
    if len(letters) >= 6 and any(map(str.isdigit, letters)):
        body = _SEPARATORS.join(map(re.escape, letters))
    else:
        body = r"\s+".join(map(re.escape, text.split()))
    return re.compile(rf"(?<![^\W_]){body}(?![^\W_])", re.IGNORECASE)
