"""A reply on the screen while it is being written: broken at blanks, and taken back where it has to be."""

from __future__ import annotations

import re

from agent_runtime_framework.cli.screen import Screen
from agent_runtime_framework.cli.spans import cells, printable

# A wide character may be followed by a break, as East Asian text is set.
_PIECE = re.compile(r"\n|[^\S\n]+|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]|[^\s]")


class Reply:
    """One text of the agent.

    On an interactive screen it appears as it comes; elsewhere it is written when it is whole, because there it
    could not be taken back.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._begin()

    def _begin(self) -> None:
        self.text = ""
        self._word = ""
        self._blank = ""
        self._column = 0
        self._rows = 0

    def feed(self, text: str) -> None:
        """Append."""
        text = printable(text)
        self.text += text
        if self._screen.is_interactive:
            for piece in _PIECE.findall(text):
                self._take(piece)

    def replace(self, text: str) -> None:
        """Take back what was shown, and show this instead."""
        if self._screen.is_interactive and self.text:
            if self._screen.can_erase:
                self._screen.erase(self._rows)
            else:
                self._screen.write("\n(taken back)\n", "quiet")
        self._begin()
        self.feed(text)

    def close(self) -> None:
        """The text is whole."""
        if not self._screen.is_interactive:
            if self.text.strip():
                self._screen.write(f"{self.text.strip()}\n")
        elif self.text:
            self._flush()
            self._screen.write("\n")
        self._begin()

    def _take(self, piece: str) -> None:
        if piece == "\n":
            self._flush()
            self._break()
        elif piece.isspace():
            self._flush()
            self._blank = piece if self._column else ""
        elif cells(piece) > 1:
            self._flush()
            self._word = piece
            self._flush()
        else:
            self._word += piece

    def _flush(self) -> None:
        if not self._word:
            return
        size = cells(self._word)
        if self._column and self._column + len(self._blank) + size > self._screen.width - 1:
            self._break()
        self._screen.write(self._blank + self._word)
        self._column += len(self._blank) + size
        self._rows += max(self._column - 1, 0) // self._screen.width
        self._column = self._column % self._screen.width if self._column > self._screen.width else self._column
        self._word = self._blank = ""

    def _break(self) -> None:
        self._screen.write("\n")
        self._rows += 1
        self._column = 0
        self._blank = ""
