"""What is done about a person who has fallen silent: `remind` and `expire`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast

from agent_runtime_framework.journey.definition import IdleRule, Source
from agent_runtime_framework.journey.mistakes import fail

if TYPE_CHECKING:
    from agent_runtime_framework.journey.declare import Step

Idle: TypeAlias = IdleRule | Sequence[IdleRule]
"""One rule, or several, the earliest first."""

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(w|d|h|m|s|weeks?|days?|hours?|min|minutes?|seconds?)\b", re.IGNORECASE)
_TOGETHER = re.compile(r"(?<=[wdhms])(?=\d)", re.IGNORECASE)


def remind(after: timedelta | str, *, say: str | None = None, tell: str | None = None) -> IdleRule:
    """Speak to a person who has been silent for a while.

    Args:
        after: For how long: a `timedelta`, or a text such as "2h", "1h 30m", "7 days". It counts from the end of the
            last turn that was not a reminder.
        say: Exact words, without a model request; `$name` stands for a field or a property, such as `$recap`.
        tell: What the model is told instead, so that it finds the words; `$name` as in `say`.

    Raises:
        ConfigurationError: The time cannot be read or is not positive, or there is nothing to say, or two things are.
    """
    source = _caller()
    if (say is None) == (tell is None):
        fail(source, "remind() takes either say=, exact words, or tell=, what the model is told; write one of them")
    return IdleRule(kind="remind", after=duration(after, source), say=say, tell=tell, source=source)


def expire(after: timedelta | str, *, to: Step | str | Enum | None = None, say: str | None = None) -> IdleRule:
    """Stop waiting for a person who has been silent for a while; nothing they said is forgotten.

    Args:
        after: For how long, as with `remind`.
        to: The step the journey is moved to, in code: its `on_enter` runs and its exact words are said, but no model
            is asked. Without one the journey stays where it is, `is_expired` until the person speaks again.
        say: Exact words before those of the step; `$name` stands for a field or a property.

    Raises:
        ConfigurationError: The time cannot be read or is not positive.
    """
    source = _caller()
    return IdleRule(kind="expire", after=duration(after, source), say=say, to=to, source=source)


def in_short(time: timedelta) -> str:
    """A time as `remind` reads it: "2h", "1h 30m"."""
    seconds = time.total_seconds()
    parts: list[str] = []
    for letter, unit in list(_UNITS.items())[1:]:
        size = timedelta(**{unit: 1}).total_seconds()
        count, seconds = (seconds, 0.0) if letter == "s" else divmod(seconds, size)
        if count:
            parts.append(f"{count:g}{letter}")
    return " ".join(parts) or "0s"


def rules_of(
    declared: Idle, who: str, resolve: Callable[[object, IdleRule], str], *, is_final: bool = False
) -> tuple[IdleRule, ...]:
    """The rules of a step or a journey, with the names of the steps they lead to.

    Args:
        declared: What was declared.
        who: Whose they are, for messages.
        resolve: Gives the name of a step.
        is_final: The journey is over there.

    Raises:
        ConfigurationError: They contradict each other; the text gives file, line and the way out.
    """
    rules: list[IdleRule] = []
    for rule in _listed(declared, who):
        _check_place(rule, rules[-1] if rules else None, who, is_final=is_final)
        rules.append(rule if rule.to is None else replace(rule, to=resolve(rule.to, rule)))
    return tuple(rules)


def _listed(declared: object, who: str) -> Iterable[IdleRule]:
    each = cast("Iterable[object]", declared if isinstance(declared, (list, tuple)) else (declared,))
    for rule in each:
        if not isinstance(rule, IdleRule):
            fail(None, f"on_idle of {who} holds {rule!r:.80}; expected remind(...) and expire(...)")
        yield rule


def _check_place(rule: IdleRule, earlier: IdleRule | None, who: str, *, is_final: bool) -> None:
    if is_final and rule.kind == "expire":
        fail(rule.source, f"{who} is final, so nobody is waited for and nothing expires; drop expire(...)")
    if earlier is None:
        return
    if earlier.kind == "expire":
        fail(rule.source, f"on_idle of {who} goes on after expire(...), where nobody is waited for; put it last")
    if rule.after <= earlier.after:
        fail(
            rule.source,
            f"on_idle of {who} has {in_short(rule.after)} after {in_short(earlier.after)}; "
            "all times count from the moment the person fell silent, so write them in rising order",
        )


def duration(after: timedelta | str, source: Source | None = None) -> timedelta:
    """A time to wait, from a text such as "2h", "1h 30m" or "7 days".

    Raises:
        ConfigurationError: It cannot be read, or is not positive.
    """
    time = _read(after) if isinstance(after, str) else after
    if not isinstance(time, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]  authors are not all checked
        _refuse(after, source)
    if time <= timedelta(0):
        fail(source, f"{after!r} is no time to wait; expected more than nothing, such as '2h'")
    return time


def _read(text: str) -> timedelta | None:
    spaced = _TOGETHER.sub(" ", text)
    parts = _PART.findall(spaced)
    if not parts or _PART.sub("", spaced).strip():
        return None
    return sum((timedelta(**{_UNITS[unit[0].lower()]: float(count)}) for count, unit in parts), timedelta())


def _refuse(after: object, source: Source | None) -> NoReturn:
    fail(source, f"{after!r} is no time that can be read; expected a timedelta, or a text such as '2h' or '1h 30m'")


def _caller() -> Source:
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]  as cheap as it gets, and documented
    return Source(frame.f_code.co_filename, frame.f_lineno)
