"""Which part of a reply may be shown while the model is still writing it.

Rules:
    - Text that may still turn out to be a call is held back until it is clear that it is not, or the reply is whole.
    - Where a request asks for a tool call, all text is held back.
    - Showing too late is a delay; showing call text is a fault. In doubt, hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from agent_runtime_framework.toolcalls import clean_text

_BLANK = r"[^\S\n]*"
_HOLD = (
    r"\{{|```|\[\s*[\[{{]|<\|?(?:tool_call|function_call)"
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

    __slots__ = ("_doubt", "_is_held", "_released", "_text")

    def __init__(self, tool_names: Iterable[str], *, holds_all: bool = False) -> None:
        names = tuple(tool_names)
        self._doubt = _doubt(names) if names else None
        self._is_held = holds_all
        self._text = ""
        self._released = 0

    @property
    def text(self) -> str:
        """All that has been written so far, without blank space before it."""
        return self._text

    @property
    def released(self) -> str:
        """What has been shown so far."""
        return self._text[: self._released]

    def feed(self, delta: str) -> str:
        """Take in a piece; returns what may be shown now, perhaps nothing."""
        delta = clean_text(delta)
        self._text = self._text + delta if self._text else delta.lstrip()
        if self._is_held:
            return ""
        # Blank space at the end waits for what follows it: the final text is trimmed.
        end = len(self._text[: self._safe_end()].rstrip())
        if end <= self._released:
            return ""
        shown = self._text[self._released : end]
        self._released = end
        return shown

    def _safe_end(self) -> int:
        found = self._doubt.search(self._text, self._released) if self._doubt else None
        if found is None:
            return len(self._text)
        self._is_held = found.lastgroup == "hold"
        return found.start()


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
