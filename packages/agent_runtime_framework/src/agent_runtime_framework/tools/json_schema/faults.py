"""What does not fit in a call's arguments, said so that a model can mend it."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

PREVIEW_CHARS = 80
"""How much of a value that does not fit is shown again."""

MAX_FAULTS = 10
"""How many faults of one call are told; a model mends no more at once."""

_MAX_CHOICES = 30

_repr = reprlib.Repr()
_repr.maxlevel = 3
_repr.maxstring = _repr.maxother = _repr.maxlong = PREVIEW_CHARS


@dataclass(slots=True)
class Fault:
    """One place that does not fit.

    Attributes:
        found: What is there, as the middle of the sentence: `is 5`, `is missing`.
        expected: What fits.
        keyword: The schema's keyword that was broken.
        path: Keys and indexes that lead to the place, innermost first.
    """

    found: str
    expected: str
    keyword: str
    path: list[str | int] = field(default_factory=list[str | int])

    def __str__(self) -> str:
        return f"{self._place()} {self.found}; expected {self.expected}"

    def _place(self) -> str:
        if not self.path:
            return "the value"
        text = ""
        for part in reversed(self.path):
            if isinstance(part, int):
                text += f"[{part}]"
            else:
                text += f".{part}" if text else part
        return preview(text)


def sentences(faults: Sequence[Fault]) -> list[str]:
    """The faults as text for the model, at most `MAX_FAULTS` and a word on the rest."""
    told = [str(fault) for fault in faults[:MAX_FAULTS]]
    if len(faults) > MAX_FAULTS:
        told.append(f"and {len(faults) - MAX_FAULTS} more")
    return told


def preview(value: Any) -> str:
    """The value on one line, at most `PREVIEW_CHARS` long, safe to encode; constants are written as in JSON."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    try:
        text = _repr.repr(value)
    except ValueError:  # Python refuses to write out an integer of more than 4,300 digits
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= PREVIEW_CHARS else text[: PREVIEW_CHARS - 1] + "…"


def choices(values: Iterable[Any]) -> str:
    """The values as a list to choose from; text stands without quotes."""
    shown = [value if isinstance(value, str) and value.isprintable() and value else preview(value) for value in values]
    rest = len(shown) - _MAX_CHOICES
    listed = ", ".join(text if len(text) <= PREVIEW_CHARS else preview(text) for text in shown[:_MAX_CHOICES])
    return f"{listed} and {rest} more" if rest > 0 else listed
