"""Rows of characters on which boxes and lines join properly."""

from __future__ import annotations

import unicodedata

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8

_JOINTS = {
    0: " ",
    UP: "│",
    DOWN: "│",
    UP | DOWN: "│",
    LEFT: "─",
    RIGHT: "─",
    LEFT | RIGHT: "─",
    DOWN | RIGHT: "╭",
    DOWN | LEFT: "╮",
    UP | RIGHT: "╰",
    UP | LEFT: "╯",
    UP | DOWN | RIGHT: "├",
    UP | DOWN | LEFT: "┤",
    DOWN | LEFT | RIGHT: "┬",
    UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
}

_FRAMES = {"─": "╭─╮│╰╯", "━": "┏━┓┃┗┛", "═": "╔═╗║╚╝"}
"""By the character of the upper side: the two upper corners around it, the other sides, and the lower corners."""


class Canvas:
    """A drawing in characters, as large as what is drawn on it."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int], int] = {}
        self._texts: dict[tuple[int, int], str] = {}

    def down(self, x: int, row: int, end: int) -> None:
        """A line from the top of `row` to the top of `end`."""
        for each in range(row, end):
            self._lines[x, each] = self._lines.get((x, each), 0) | UP | DOWN

    def across(self, start: int, end: int, rows: tuple[int, int, int]) -> None:
        """A line from the top of the first row, aside in the second, down to the top of the third."""
        top, turn, bottom = rows
        if start == end:
            self.down(start, top, bottom)
            return
        self.down(start, top, turn)
        self.down(end, turn + 1, bottom)
        onward, back = (RIGHT, LEFT) if end > start else (LEFT, RIGHT)
        self._join(start, turn, UP | onward)
        self._join(end, turn, DOWN | back)
        for x in range(min(start, end) + 1, max(start, end)):
            self._join(x, turn, LEFT | RIGHT)

    def box(self, left: int, row: int, width: int, height: int, side: str) -> None:
        """A frame; what is inside is wiped."""
        first, over, second, beside, third, fourth = _FRAMES[side]
        self.write(first + over * (width - 2) + second, left, row)
        for each in range(row + 1, row + height - 1):
            self.write(beside + " " * (width - 2) + beside, left, each)
        self.write(third + over * (width - 2) + fourth, left, row + height - 1)

    def write(self, text: str, x: int, row: int) -> None:
        """Text over whatever lines are there."""
        for char in text:
            if unicodedata.combining(char):
                self._texts[x - 1, row] = self._texts.get((x - 1, row), "") + char
                continue
            self._texts[x, row] = char
            if unicodedata.east_asian_width(char) in "WF":
                x += 1
                self._texts[x, row] = ""
            x += 1

    def lines(self) -> list[str]:
        """The rows, without spaces at their ends."""
        cells = {place: _JOINTS[joint] for place, joint in self._lines.items()} | self._texts
        if not cells:
            return []
        left, height = min(x for x, _ in cells), max(row for _, row in cells) + 1
        width = max(x for x, _ in cells) - left + 1
        return ["".join(cells.get((left + x, row), " ") for x in range(width)).rstrip() for row in range(height)]

    def _join(self, x: int, row: int, joint: int) -> None:
        self._lines[x, row] = self._lines.get((x, row), 0) | joint
