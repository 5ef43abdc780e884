"""A graph as an SVG picture: no script, nothing from elsewhere, colours that follow the reader's light or dark."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from agent_runtime_framework.journey.graph.graph import Edge, Graph, Node
from agent_runtime_framework.journey.graph.layout import Box, Gaps, Layout, Link, Route, Spot, lay_out

START = ""
"""The box of the dot from which the first step is reached; no step has this name."""

GAPS = Gaps(beside=30, below=20, port=22, slope=0.1)
MARGIN = 24
NODE_HEIGHT, NOTED_HEIGHT = 40, 54
NAME_SIZE, NOTE_SIZE, LABEL_SIZE, LINE_HEIGHT = 14, 11, 12, 16
ARROW = 8
RING = 4
LONGEST = 44

NOTES = {"say": "exact words", "run": "code", "form": "form", "step": ""}

STYLE = """
.journey-graph { --paper: #ffffff; --box: #f8fafc; --line: #94a3b8; --ink: #0f172a; --soft: #526077; --rim: #cbd5e1;
  --walked: #2563eb; --walked-box: #e4edfd; --here: #1d4ed8; --on-here: #ffffff;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
@media (prefers-color-scheme: dark) {
  .journey-graph { --paper: #0f172a; --box: #1e293b; --line: #64748b; --ink: #e8eef6; --soft: #a3b1c6; --rim: #475569;
    --walked: #60a5fa; --walked-box: #1e3458; --here: #3b82f6; --on-here: #06102a; }
}
.journey-graph .paper { fill: var(--paper); }
.journey-graph .box { fill: var(--box); stroke: var(--rim); stroke-width: 1.25; }
.journey-graph .ring { fill: none; stroke: var(--rim); stroke-width: 1.25; }
.journey-graph .name { fill: var(--ink); font-size: 14px; font-weight: 600; text-anchor: middle; }
.journey-graph .note { fill: var(--soft); font-size: 11px; text-anchor: middle; }
.journey-graph .label { fill: var(--soft); font-size: 12px; text-anchor: middle; }
.journey-graph .beside { text-anchor: start; }
.journey-graph .line { fill: none; stroke: var(--line); stroke-width: 1.4; }
.journey-graph .rescue .line { stroke-dasharray: 5 4; }
.journey-graph .head, .journey-graph .dot { fill: var(--line); }
.journey-graph .walked .line { stroke: var(--walked); stroke-width: 2.4; }
.journey-graph .walked .head { fill: var(--walked); }
.journey-graph .walked .label { fill: var(--walked); }
.journey-graph .walked .box { fill: var(--walked-box); stroke: var(--walked); }
.journey-graph .walked .ring { stroke: var(--walked); }
.journey-graph .current .box { fill: var(--here); stroke: var(--here); stroke-width: 2; }
.journey-graph .current .ring { stroke: var(--here); }
.journey-graph .current .name, .journey-graph .current .note { fill: var(--on-here); }
"""


def draw(graph: Graph) -> str:
    """The picture, as an `<svg>` element that is a document, too."""
    return "\n".join(_Picture(graph).lines()) + "\n"


@dataclass(frozen=True, slots=True)
class _Loop:
    """What stands beside a step that can lead back to itself."""

    edge: Edge
    lines: tuple[str, ...]
    width: float


class _Picture:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.loops = {edge.source: _loop(edge) for edge in graph.edges if edge.source == edge.target}
        self.edges = [edge for edge in graph.edges if edge.source != edge.target]
        self.initial = next((node.name for node in graph.nodes if node.is_initial), None)
        self.layout = self._lay_out()

    def lines(self) -> Iterator[str]:
        width, height = round(self.layout.width + 2 * MARGIN), round(self.layout.height + 2 * MARGIN)
        title = escape(f"{self.graph.title}: {len(self.graph.nodes)} steps")
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="journey-graph" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="{title}">'
        )
        yield f"<title>{title}</title>"
        yield f"<style>{STYLE}</style>"
        yield f'<rect class="paper" width="{width}" height="{height}" rx="8"/>'
        yield f'<g transform="translate({MARGIN} {MARGIN})">'
        routes = iter(self.layout.routes)
        if self.initial is not None:
            yield from self._start(next(routes))
        for edge, route in zip(self.edges, routes, strict=True):
            yield from self._edge(edge, route)
        for node in self.graph.nodes:
            yield from self._node(node, self.layout.boxes[node.name])
        yield "</g>"
        yield "</svg>"

    def _lay_out(self) -> Layout:
        start = [Box(START, 12, 12)] if self.initial is not None else []
        to_first = [Link(START, self.initial)] if self.initial is not None else []
        # What stands beside a step is there on both sides for the layout, so that lines meet the step in its middle.
        boxes = [
            Box(node.name, _width(node) + 2 * self._beside(node), _height(node) + 2 * _ring(node), side=_width(node))
            for node in self.graph.nodes
        ]
        boxes.sort(key=lambda box: box.name != self.initial)
        links = [
            Link(edge.source, edge.target, _widest(lines, LABEL_SIZE), LINE_HEIGHT * len(lines))
            for edge in self.edges
            for lines in [_label_lines(edge)]
        ]
        return lay_out([*start, *boxes], [*to_first, *links], GAPS)

    def _beside(self, node: Node) -> float:
        return self.loops[node.name].width if node.name in self.loops else 0

    def _start(self, route: Route) -> Iterator[str]:
        dot = self.layout.boxes[START]
        yield "<g>"
        yield f'<circle class="dot" cx="{dot.x:.1f}" cy="{dot.middle:.1f}" r="6"/>'
        yield from _line(route)
        yield "</g>"

    def _edge(self, edge: Edge, route: Route) -> Iterator[str]:
        yield f'<g class="{self._classes_of(edge)}">'
        yield f"<title>{escape(_told(edge))}</title>"
        yield from _line(route)
        lines = _label_lines(edge)
        spot = route.spots[route.label]
        width, height = _widest(lines, LABEL_SIZE), LINE_HEIGHT * len(lines)
        if lines:
            # The line runs behind its label.
            yield (
                f'<rect class="paper" x="{spot.x - width / 2 - 3:.1f}" y="{spot.middle - height / 2 - 1:.1f}" '
                f'width="{width + 6:.1f}" height="{height + 2:.1f}" rx="3"/>'
            )
        yield from _text(lines, "label", spot.x, spot.middle)
        yield "</g>"

    def _classes_of(self, edge: Edge) -> str:
        walked = " walked" if (edge.source, edge.target) in self.graph.walked else ""
        return f"move{' rescue' if edge.is_rescue else ''}{walked}"

    def _node(self, node: Node, spot: Spot) -> Iterator[str]:
        width, height = _width(node), _height(node)
        left, top = spot.x - width / 2, spot.middle - height / 2
        walked = " walked" if node.name in self.graph.path else ""
        current = " current" if node.name == self.graph.current else ""
        corner = height / 2 if node.is_final else 4 if node.kind in ("say", "run") else 10
        yield f'<g class="step{walked}{current}">'
        yield f"<title>{escape(_hint(node))}</title>"
        yield _rectangle("box", left, top, width, height, corner)
        if ring := _ring(node):
            yield _rectangle("ring", left - ring, top - ring, width + 2 * ring, height + 2 * ring, corner + ring)
        note = _note(node)
        yield from _text([_cut(node.name)], "name", spot.x, spot.middle - (8 if note else 0))
        if note:
            yield from _text([note], "note", spot.x, spot.middle + 11)
        yield "</g>"
        if node.name in self.loops:
            yield from self._drawn_loop(self.loops[node.name], spot.x + width / 2 + _ring(node), spot)

    def _drawn_loop(self, loop: _Loop, right: float, spot: Spot) -> Iterator[str]:
        top, bottom = spot.middle - 9, spot.middle + 9
        yield f'<g class="{self._classes_of(loop.edge)}">'
        yield f"<title>{escape(_told(loop.edge))}</title>"
        yield (
            f'<path class="line" d="M{right:.1f} {top:.1f}c26 -10 26 28 {ARROW - 1} {bottom - top:.1f}"/>'
            f'<path class="head" d="M{right:.1f} {bottom:.1f}l{ARROW} -5v9z"/>'
        )
        yield from _text(loop.lines, "label beside", right + 28, spot.middle)
        yield "</g>"


def _line(route: Route) -> Iterator[str]:
    spots = route.spots
    first, last = spots[0], spots[-1]
    start = first.bottom + (ARROW - 1 if route.is_upward else 0)
    end = last.top - (0 if route.is_upward else ARROW - 1)
    path = [f"M{first.x:.1f} {start:.1f}"]
    x, y = first.x, start
    for spot in spots[1:-1]:
        path.append(_bend(x, y, spot.x, spot.top))
        path.append(f"V{spot.bottom:.1f}")
        x, y = spot.x, spot.bottom
    path.append(_bend(x, y, last.x, end))
    yield f'<path class="line" d="{"".join(path)}"/>'
    if route.is_upward:
        yield f'<path class="head" d="M{first.x:.1f} {first.bottom:.1f}l-4.5 {ARROW}h9z"/>'
    else:
        yield f'<path class="head" d="M{last.x:.1f} {last.top:.1f}l-4.5 -{ARROW}h9z"/>'


def _bend(x: float, y: float, to_x: float, to_y: float) -> str:
    if abs(x - to_x) < 0.5:
        return f"V{to_y:.1f}"
    half = (y + to_y) / 2
    return f"C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {to_y:.1f}"


def _text(lines: Sequence[str], kind: str, x: float, middle: float) -> Iterator[str]:
    size = {"name": NAME_SIZE, "note": NOTE_SIZE}.get(kind, LABEL_SIZE)
    first = middle - LINE_HEIGHT * (len(lines) - 1) / 2 + size * 0.35
    for number, line in enumerate(lines):
        yield f'<text class="{kind}" x="{x:.1f}" y="{first + number * LINE_HEIGHT:.1f}">{escape(line)}</text>'


def _rectangle(kind: str, left: float, top: float, width: float, height: float, corner: float) -> str:
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{corner:.1f}"/>'
    )


def _loop(edge: Edge) -> _Loop:
    lines = _label_lines(edge)
    return _Loop(edge, lines, 34 + _widest(lines, LABEL_SIZE))


def _label_lines(edge: Edge) -> tuple[str, ...]:
    return tuple(_cut(label) for label in edge.labels)


def _told(edge: Edge) -> str:
    way = f"{edge.source} to {edge.target}"
    return f"{way}: {', '.join(edge.labels)}" if edge.labels else way


def _hint(node: Node) -> str:
    return f"{node.name}: {node.instruction}" if node.instruction else node.name


def _note(node: Node) -> str:
    notes = [NOTES[node.kind]] if NOTES[node.kind] else []
    if node.awaits_user:
        notes.append("waits for the person")
    return ", ".join(notes)


def _width(node: Node) -> float:
    return max(72, text_width(_cut(node.name), NAME_SIZE) * 1.06 + 28, text_width(_note(node), NOTE_SIZE) + 28)


def _height(node: Node) -> float:
    return NOTED_HEIGHT if _note(node) else NODE_HEIGHT


def _ring(node: Node) -> float:
    return RING if node.is_final else 0


def _widest(lines: Sequence[str], size: float) -> float:
    return max((text_width(line, size) for line in lines), default=0)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def text_width(text: str, size: float) -> float:
    """About how wide a text will be; rather too wide than too narrow, for whichever font the reader has."""
    return size * sum(_em(char) for char in text)


def _em(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WF":
        return 1.02
    if unicodedata.combining(char):
        return 0
    if char in "ijlI.,:;'|!()[] ":
        return 0.32
    if char in "frt-":
        return 0.42
    if char in "mwMW@%":
        return 0.92
    return 0.7 if char.isupper() else 0.59
