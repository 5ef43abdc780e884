"""Text with a meaning, and how wide it is: what views produce and screens show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["text", "quiet", "strong", "good", "bad", "warn", "accent"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line.

    Attributes:
        text: Without line breaks.
        tone: What it means; a screen decides how that looks.
    """

    text: str
    tone: Tone = "text"


Line: TypeAlias = Sequence[Span]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def line(text: str, tone: Tone = "text") -> Line:
    """A line of one piece."""
    return (Span(text, tone),)


def printable(text: str) -> str:
    """The text without what would steer a terminal: a model's or a tool's text is not trusted."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, limit: int = 160) -> str:
    """The text on one line, cut after `limit` characters."""
    flat = " ".join(printable(text).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def cells(text: str) -> int:
    """How many columns a text takes."""
    return len(text) if text.isascii() else sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.combining(char) or char in "\u200b\u200c\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrapped(spans: Line, width: int, hanging: int = 0) -> list[list[Span]]:
    """A line broken at blanks into lines that fit; all but the first are indented by `hanging` columns."""
    width = max(width, 8 + hanging)
    lines: list[list[Span]] = [[]]
    used = 0
    for word in _words(spans):
        size = cells(word.text)
        if used + len(word.text.rstrip()) > width and lines[-1] and word.text.strip():
            lines.append([Span(" " * hanging)] if hanging else [])
            used = hanging
        lines[-1].append(word)
        used += size
    return lines


def _words(spans: Iterable[Span]) -> Iterator[Span]:
    for span in spans:
        for word in re.findall(r"\S+\s*|\s+", span.text):
            yield Span(word, span.tone)
