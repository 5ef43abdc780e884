"""Which part of a reply may be shown while the model is still writing it.

Rules:
    - Text that may still turn out to be a call is held back until it is clear that it is not, or the reply is whole.
    - What looks like the beginning of a tool's result is held, too: a model that writes one makes it up.
    - Where a request asks for a tool call, all text is held back.
    - Showing too late is a delay; showing call text is a fault. In doubt, hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from agent_runtime_framework.toolcalls import clean_text

MAX_PENDING_CHARS = 1_000
"""How much text in doubt is looked at again with every piece; beyond that, all is held, in characters."""

_BLANK = r"[^\S\n]*"
_HOLD = (
    r"\{{|```|\[\s*[\[{{]|<\|?(?:tool|function)_(?:call|response|result|output)"
    rf"|^{_BLANK}\[?TOOL_CALLS|^{_BLANK}`[^`]|(?:^{_BLANK}|\[\s*)(?:{{names}}){_BLANK}\("
)
_WAIT = rf"`{{{{1,2}}}}\Z|<\|?[a-z_]*\Z|(?:^{_BLANK}|\[\s*)(?:{{beginnings}}){_BLANK}\Z"
_MARKS = ("TOOL_CALLS",)


class Preview:
    """Releases the text of one streamed reply, piece by piece; what is released is always the text's beginning.

    Args:
        tool_names: The offered tools; without any, everything is released at once.
        holds_all: Release nothing before the reply is whole.
    """

    __slots__ = ("_before", "_doubt", "_held", "_is_held", "_pending", "_shown")

    def __init__(self, tool_names: Iterable[str], *, holds_all: bool = False) -> None:
        names = tuple(tool_names)
        self._doubt = _doubt(names) if names else None
        self._is_held = holds_all
        self._shown: list[str] = []
        self._before = ""  # the last character shown, which says whether a line begins behind it
        self._pending = ""
        self._held: list[str] = []

    @property
    def text(self) -> str:
        """All that has been written so far, without blank space before it."""
        return "".join([*self._shown, self._pending, *self._held])

    @property
    def released(self) -> str:
        """What has been shown so far."""
        return "".join(self._shown)

    def feed(self, delta: str) -> str:
        """Take in a piece; returns what may be shown now, perhaps nothing."""
        delta = clean_text(delta)
        if not (self._shown or self._pending or self._held):
            delta = delta.lstrip()
        if self._is_held:
            self._held.append(delta)
            return ""
        self._pending += delta
        # Blank space at the end waits for what follows it: the final text is trimmed.
        shown = self._pending[: self._safe_end()].rstrip()
        if shown:
            self._shown.append(shown)
            self._before = shown[-1]
            self._pending = self._pending[len(shown) :]
        if len(self._pending) > MAX_PENDING_CHARS:
            self._is_held = True
        return shown

    def _safe_end(self) -> int:
        offset = len(self._before)
        found = self._doubt.search(self._before + self._pending, offset) if self._doubt else None
        if found is None:
            return len(self._pending)
        self._is_held = found.lastgroup == "hold"
        return found.start() - offset


@lru_cache(maxsize=256)
def _doubt(names: tuple[str, ...]) -> re.Pattern[str]:
    """Where a text may become a call: `hold` for good, or `wait` for more of it."""
    hold = _HOLD.format(names="|".join(map(re.escape, names)))
    wait = _WAIT.format(beginnings="|".join(map(_beginning, (*names, *_MARKS))))
    return re.compile(f"(?P<hold>{hold})|(?P<wait>{wait})", re.MULTILINE)


def _beginning(name: str) -> str:
    """Matches any beginning of the name, the empty one included."""
    pattern = ""
    for character in reversed(name):
        pattern = f"(?:{re.escape(character)}{pattern})?"
    return pattern
