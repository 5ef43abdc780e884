"""A graph as a drawing for a terminal: the picture's layout, in characters; a list where that would be too wide."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent_runtime_framework.journey.graph.canvas import Canvas
from agent_runtime_framework.journey.graph.graph import Graph, Node
from agent_runtime_framework.journey.graph.layout import Box, Gaps, Layout, Link, Route, lay_out

WIDTH = 110
"""The widest drawing."""

START = ""
GAPS = Gaps(beside=3, below=1, port=2)
NOTES = {"step": "", "say": "exact words", "run": "code", "form": "form"}


def draw(graph: Graph, width: int = WIDTH) -> str:
    """The drawing, ending in a line break."""
    drawing = _Drawing(graph)
    lines = drawing.lines() if drawing.width <= width else list(_listed(graph))
    return "\n".join([*lines, *_legend(graph)]) + "\n"


@dataclass(frozen=True, slots=True)
class _Segment:
    """The way of a line between two layers: down, aside, and down again."""

    start: int
    end: int

    @property
    def left(self) -> int:
        return min(self.start, self.end)

    @property
    def right(self) -> int:
        return max(self.start, self.end)


class _Drawing:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.loops = {edge.source: edge.labels for edge in graph.edges if edge.source == edge.target}
        self.edges = [edge for edge in graph.edges if edge.source != edge.target]
        self.initial = next((node.name for node in graph.nodes if node.is_initial), None)
        self.layout = self._lay_out()
        self.width = round(self.layout.width) + 1
        self.layers = sorted({spot.middle for spot in self.layout.boxes.values()} | self._label_layers())

    def lines(self) -> list[str]:
        """The drawing, line by line."""
        canvas = Canvas()
        segments = self._segments()
        row = 0
        for number, layer in enumerate(self.layers):
            self._draw_layer(canvas, layer, row)
            row += self._height(layer)
            if number + 1 < len(self.layers):
                row = self._draw_gap(canvas, segments[number], row, number)
        return canvas.lines()

    def _lay_out(self) -> Layout:
        start = [Box(START, 1, 1)] if self.initial is not None else []
        to_first = [Link(START, self.initial)] if self.initial is not None else []
        ways: dict[str, int] = defaultdict(int)
        for edge in self.edges:
            ways[edge.source] += 1
            ways[edge.target] += 1
        boxes = [
            Box(node.name, _odd(max(self._inner(node), 2 * ways[node.name]) + 4 + 2 * self._beside(node)), 3)
            for node in self.graph.nodes
        ]
        boxes.sort(key=lambda box: box.name != self.initial)
        links = [Link(e.source, e.target, max(map(_columns, e.labels), default=0), 1) for e in self.edges]
        return lay_out([*start, *boxes], [*to_first, *links], GAPS)

    def _inner(self, node: Node) -> int:
        return max(_columns(node.name), _columns(_note(node)))

    def _beside(self, node: Node) -> int:
        return max(map(_columns, self.loops[node.name]), default=0) + 3 if node.name in self.loops else 0

    def _label_layers(self) -> set[float]:
        return {spot.middle for route in self.layout.routes for spot in route.spots[1:-1]}

    def _height(self, layer: float) -> int:
        heights = [0]
        for node in self.graph.nodes:
            if self.layout.boxes[node.name].middle == layer:
                heights.append(max(4 if _note(node) else 3, len(self.loops.get(node.name, ()))))
        if START in self.layout.boxes and self.layout.boxes[START].middle == layer:
            heights.append(1)
        for edge, route in self._routes():
            if route.spots[route.label].middle == layer and edge is not None:
                heights.append(len(self.edges[edge].labels))
        return max(heights)

    def _routes(self) -> Iterator[tuple[int | None, Route]]:
        """The lines, each with the number of its edge; the line from the start has none."""
        offset = 0 if self.initial is None else 1
        for number, route in enumerate(self.layout.routes):
            yield (number - offset if number >= offset else None), route

    def _segments(self) -> list[list[tuple[_Segment, Route, int]]]:
        """For every gap between two layers, what passes it: its way, its line, and the number of its upper spot."""
        gaps: list[list[tuple[_Segment, Route, int]]] = [[] for _ in self.layers]
        for _, route in self._routes():
            below = self.layers.index(route.spots[1].middle)
            for number in range(len(route.spots) - 1):
                upper, lower = route.spots[number], route.spots[number + 1]
                gaps[below - 1 + number].append((_Segment(round(upper.x), round(lower.x)), route, number))
        return gaps

    def _draw_layer(self, canvas: Canvas, layer: float, row: int) -> None:
        height = self._height(layer)
        for node in self.graph.nodes:
            spot = self.layout.boxes[node.name]
            if spot.middle == layer:
                self._draw_node(canvas, node, round(spot.x), row, height)
        if START in self.layout.boxes and self.layout.boxes[START].middle == layer:
            canvas.write("●", round(self.layout.boxes[START].x), row)
        for edge, route in self._routes():
            for number, spot in enumerate(route.spots[1:-1], 1):
                if spot.middle != layer:
                    continue
                labels = self.edges[edge].labels if edge is not None and number == route.label else ()
                canvas.down(round(spot.x), row, row + height)
                for line, label in enumerate(labels):
                    canvas.write(label, round(spot.x) - _columns(label) // 2, row + line)

    def _draw_node(self, canvas: Canvas, node: Node, x: int, row: int, height: int) -> None:
        spot = next(each for each in self.layout.boxes.items() if each[0] == node.name)[1]
        ways = sum(node.name in (edge.source, edge.target) for edge in self.edges)
        width = _odd(max(self._inner(node), 2 * ways) + 4)
        left = round(spot.x) - width // 2
        style = "═" if node.name == self.graph.current else "━" if node.name in self.graph.path else "─"
        canvas.box(left, row, width, height, style)
        texts = [text for text in (node.name, _note(node)) if text]
        for line, text in enumerate(texts, row + max(1, (height - len(texts)) // 2)):
            canvas.write(text, x - _columns(text) // 2, line)
        for line, label in enumerate(self.loops.get(node.name, ()), row + (0 if height <= 3 else 1)):
            canvas.write(f"↺ {label}", left + width + 1, line if len(self.loops[node.name]) > 1 else line + 1)

    def _draw_gap(self, canvas: Canvas, passing: Sequence[tuple[_Segment, Route, int]], row: int, number: int) -> int:
        """Draw what passes between two layers; returns the row in which the lower one begins."""
        tracks = _tracks([segment for segment, _, _ in passing])
        leaves = any(route.is_upward and at == 0 for _, route, at in passing)
        arrives = any(at == len(route.spots) - 2 and not route.is_upward for _, route, at in passing)
        first = row + int(leaves)
        end = max(first + (max(tracks, default=-1) + 1), row + 1) + int(arrives)
        for (segment, route, at), track in zip(passing, tracks, strict=True):
            canvas.across(segment.start, segment.end, (row, first + track, end))
            if route.is_upward and at == 0:
                canvas.write("▲", segment.start, row)
            if not route.is_upward and at == len(route.spots) - 2:
                canvas.write("▼", segment.end, end - 1)
        return end


def _tracks(segments: Sequence[_Segment]) -> list[int]:
    """The row in which each line goes aside: none shares one with another, and none runs down on another's column."""
    tracks = [-1] * len(segments)
    waiting = [number for number, each in enumerate(segments) if each.start != each.end]
    waiting.sort(key=lambda number: segments[number].left)
    track = 0
    while waiting:
        right = -1
        placed: list[int] = []
        for number in waiting:
            each = segments[number]
            # What begins on the column that this one ends on has to have turned aside before.
            blocked = any(segments[other].start == each.end for other in waiting if other != number)
            if each.left > right and (not blocked or (not placed and number == waiting[-1])):
                tracks[number] = track
                right = each.right
                placed.append(number)
        waiting = [number for number in waiting if number not in placed]
        track += 1
    return tracks


def _listed(graph: Graph) -> Iterator[str]:
    """The graph as a list, of any width."""
    yield f"{graph.title}: {len(graph.nodes)} steps"
    for node in graph.nodes:
        sign = "◆" if node.name == graph.current else "●" if node.name in graph.path else "○"
        notes = ", ".join(each for each in ("first step" if node.is_initial else "", _note(node)) if each)
        yield ""
        yield f"{sign} {node.name}{f'  ({notes})' if notes else ''}"
        leaving = [edge for edge in graph.edges if edge.source == node.name]
        for number, edge in enumerate(leaving, 1):
            branch = "└─" if number == len(leaving) else "├─"
            by = f"  {', '.join(edge.labels)}" if edge.labels else ""
            yield f"{branch}▶ {edge.target}{by}"


def _legend(graph: Graph) -> Iterator[str]:
    if graph.current is not None or graph.unread:
        yield ""
    if graph.current is not None:
        way = f", by {' > '.join(graph.path[:-1])}" if len(graph.path) > 1 else ""
        yield f"The conversation is in {graph.current}{way}."
    for sentence in graph.unread:
        yield f"Not in the drawing: {sentence}"


def _note(node: Node) -> str:
    notes = [NOTES[node.kind]] if NOTES[node.kind] else []
    notes += ["waits for the person"] if node.awaits_user else []
    notes += ["end"] if node.is_final else []
    return ", ".join(notes)


def _columns(text: str) -> int:
    """How many columns a text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _odd(number: int) -> int:
    """A width that has a middle."""
    return number | 1
