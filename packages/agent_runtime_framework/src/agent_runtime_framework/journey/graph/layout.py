"""Where the steps of a graph stand: in layers from top to bottom, so that no line runs through a box or a label.

Our own, because what there is would weigh more than it lays out: the pure-Python libraries either have no layered
layout at all, or know nothing of labels. The usual way (Sugiyama's), with two choices of ours: a label is a place in a
layer of its own, as a step is, so it can never cover anything; and within a layer places are found by least squares, so
that lines run straight wherever they can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """The free space that is kept.

    Attributes:
        beside: Between two neighbours of a layer.
        below: Between two layers.
        port: Between two lines that meet the same side of a box.
        slope: How much further apart two layers are, for each unit that a line between them goes to the side.
    """

    beside: float
    below: float
    port: float
    slope: float = 0


@dataclass(frozen=True, slots=True)
class Box:
    """A step as the layout sees it; lines meet it within `side`, which is its whole width if it is 0."""

    name: str
    width: float
    height: float
    side: float = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A line as the layout sees it; width and height are those of its label."""

    source: str
    target: str
    width: float = 0
    height: float = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands: the middle of it across, its upper and its lower end."""

    x: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """Half way down."""
        return (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The way of a line, always from top to bottom.

    Attributes:
        spots: The ports at both ends and, between them, what it passes; a line is vertical within a spot.
        label: The number of the spot that holds the label.
        is_upward: True if it has to be drawn from its last spot to its first.
    """

    spots: tuple[Spot, ...]
    label: int
    is_upward: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The result.

    Attributes:
        boxes: By name.
        routes: One for each link, in their order.
        width: Of it all.
        height: Of it all.
    """

    boxes: Mapping[str, Spot]
    routes: tuple[Route, ...]
    width: float
    height: float


@dataclass(slots=True)
class _Place:
    """Something in a layer: a box, a label, or where a long line passes."""

    layer: int
    width: float
    height: float
    is_box: bool = False
    side: float = 0
    x: float = 0
    above: list[int] = field(default_factory=list[int])
    below: list[int] = field(default_factory=list[int])


def lay_out(boxes: Sequence[Box], links: Sequence[Link], gaps: Gaps) -> Layout:
    """Give every box and every line its place; the first box is where all begins. No link leads to its own start."""
    return _Layouter(boxes, links, gaps).run()


class _Layouter:
    def __init__(self, boxes: Sequence[Box], links: Sequence[Link], gaps: Gaps) -> None:
        self.gaps = gaps
        self.boxes = boxes
        self.links = links
        self.numbers = {box.name: number for number, box in enumerate(boxes)}
        self.upward = _upward(len(boxes), [self._ends(link) for link in links])
        ranks = _ranks(len(boxes), [self._downward(number) for number in range(len(links))])
        self.places = [
            _Place(2 * rank, box.width, box.height, is_box=True, side=box.side or box.width)
            for box, rank in zip(boxes, ranks, strict=True)
        ]
        self._straight: set[tuple[int, int]] = set()
        self.chains = [self._chain(number) for number in range(len(links))]
        self.layers = self._layers()

    def run(self) -> Layout:
        self._order()
        for sweep in range(SWEEPS):
            self._straighten(downward=sweep % 2 == 0, from_both=sweep >= 4)
        for _ in range(3):
            self._stretch()
        left = min((place.x - place.width / 2 for place in self.places), default=0)
        for place in self.places:
            place.x -= left
        tops, heights = self._heights()
        spots = [
            Spot(each.x, middle - each.height / 2, middle + each.height / 2)
            if each.is_box
            else Spot(each.x, tops[each.layer], tops[each.layer] + heights[each.layer])
            for each in self.places
            for middle in [tops[each.layer] + heights[each.layer] / 2]
        ]
        width = max((place.x + place.width / 2 for place in self.places), default=0)
        return Layout(
            boxes={box.name: spots[number] for number, box in enumerate(self.boxes)},
            routes=tuple(self._route(number, spots) for number in range(len(self.links))),
            width=width,
            height=tops[-1] + heights[-1] if tops else 0,
        )

    def _ends(self, link: Link) -> tuple[int, int]:
        return self.numbers[link.source], self.numbers[link.target]

    def _downward(self, number: int) -> tuple[int, int]:
        source, target = self._ends(self.links[number])
        return (target, source) if number in self.upward else (source, target)

    def _chain(self, number: int) -> list[int]:
        """The places of a line, one in every layer, with the label in the first layer it has to itself."""
        link = self.links[number]
        upper, lower = self._downward(number)
        first, last = self.places[upper].layer, self.places[lower].layer
        labelled = last - 1 if number in self.upward else first + 1
        chain = [upper]
        for layer in range(first + 1, last):
            is_label = layer == labelled
            self.places.append(_Place(layer, link.width if is_label else 0, link.height if is_label else 0))
            chain.append(len(self.places) - 1)
        chain.append(lower)
        for above, below in pairwise(chain):
            self.places[above].below.append(below)
            self.places[below].above.append(above)
        if number not in self.upward and all(self.links[each].source != link.source for each in range(number)):
            self._straight.update(pairwise(chain))
        return chain

    def _pull(self, upper: int, lower: int) -> float:
        """How much it matters that a line is straight here: most where it passes layers, then on a step's first way."""
        if not (self.places[upper].is_box or self.places[lower].is_box):
            return 8
        return 4 if (upper, lower) in self._straight else 1

    def _layers(self) -> list[list[int]]:
        """The places by layer, in the order in which a walk from the first box meets them."""
        layers: dict[int, list[int]] = defaultdict(list)
        seen: set[int] = set()
        ahead = list(reversed(range(len(self.boxes))))
        while ahead:
            number = ahead.pop()
            if number not in seen:
                seen.add(number)
                layers[self.places[number].layer].append(number)
                ahead.extend(reversed(self.places[number].below))
        return [layers[layer] for layer in range(max(layers, default=-1) + 1)]

    def _order(self) -> None:
        """Reorder within layers until lines cross as little as sweeping can bring about."""
        best, fewest = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(2 * SWEEPS):
            if fewest == 0:
                break
            downward = sweep % 2 == 0
            for layer in self.layers if downward else reversed(self.layers):
                self._sort(layer, downward=downward)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _sort(self, layer: list[int], *, downward: bool) -> None:
        at = self._positions()
        own = {number: index for index, number in enumerate(layer)}

        def barycentre(number: int) -> float:
            place = self.places[number]
            beside = place.above if downward else place.below
            return sum(at[each] for each in beside) / len(beside) if beside else own[number]

        layer.sort(key=barycentre)

    def _positions(self) -> dict[int, int]:
        return {number: index for layer in self.layers for index, number in enumerate(layer)}

    def _crossings(self) -> int:
        at = self._positions()
        crossings = 0
        for layer in self.layers:
            lines = [(at[number], at[below]) for number in layer for below in self.places[number].below]
            crossings += sum((a - c) * (b - d) < 0 for index, (a, b) in enumerate(lines) for c, d in lines[index + 1 :])
        return crossings

    def _straighten(self, *, downward: bool, from_both: bool) -> None:
        for layer in self.layers if downward else reversed(self.layers):
            wanted: list[float] = []
            weights: list[float] = []
            for number in layer:
                place = self.places[number]
                ahead = place.above if downward else place.below
                beside = [*place.above, *place.below] if from_both else ahead
                pull = [
                    (self.places[each].x, self._pull(each, number) if each in place.above else self._pull(number, each))
                    for each in beside
                ]
                weight = sum(each for _, each in pull)
                wanted.append(sum(x * each for x, each in pull) / weight if weight else place.x)
                weights.append(weight or 0.1)
            apart = [
                (self.places[left].width + self.places[right].width) / 2 + self.gaps.beside
                for left, right in pairwise(layer)
            ]
            for number, x in zip(layer, _closest(wanted, weights, apart), strict=True):
                self.places[number].x = x

    def _stretch(self) -> None:
        """Make long lines perfectly straight between their ends, where their neighbours leave the room."""
        beside = {number: (layer, index) for layer in self.layers for index, number in enumerate(layer)}
        for chain in self.chains:
            inner = chain[1:-1]
            rooms = [self._room(number, *beside[number]) for number in inner]
            left, right = max(low for low, _ in rooms), min(high for _, high in rooms)
            if left <= right:
                middle = sum(self.places[number].x for number in inner) / len(inner)
                for number in inner:
                    self.places[number].x = min(max(middle, left), right)

    def _room(self, number: int, layer: Sequence[int], index: int) -> tuple[float, float]:
        """Between which places something may be moved aside."""
        own = self.places[number].width
        left, right = float("-inf"), float("inf")
        if index > 0:
            other = self.places[layer[index - 1]]
            left = other.x + (own + other.width) / 2 + self.gaps.beside
        if index + 1 < len(layer):
            other = self.places[layer[index + 1]]
            right = other.x - (own + other.width) / 2 - self.gaps.beside
        return left, right

    def _heights(self) -> tuple[list[float], list[float]]:
        heights = [max(self.places[number].height for number in layer) for layer in self.layers]
        tops: list[float] = []
        top = 0.0
        for layer, height in zip(self.layers, heights, strict=True):
            tops.append(top)
            top += height + self.gaps.below + self._slack(layer)
        return tops, heights

    def _slack(self, layer: Sequence[int]) -> float:
        """Further space below a layer, where a line has to go far to the side."""
        shifts = (abs(self.places[a].x - self.places[b].x) for a in layer for b in self.places[a].below)
        return min(max(shifts, default=0) * self.gaps.slope, 2 * self.gaps.below)

    def _route(self, number: int, spots: Sequence[Spot]) -> Route:
        chain = self.chains[number]
        first, last = spots[chain[0]], spots[chain[-1]]
        out = Spot(self._port(chain[0], chain[1], down=True), first.bottom, first.bottom)
        into = Spot(self._port(chain[-1], chain[-2], down=False), last.top, last.top)
        between = [spots[each] for each in chain[1:-1]]
        is_upward = number in self.upward
        label = len(between) if is_upward else 1
        return Route(spots=(out, *between, into), label=label, is_upward=is_upward)

    def _port(self, number: int, neighbour: int, *, down: bool) -> float:
        """Where a line meets the side of a box: side by side with the others, in the order of where they lead."""
        place = self.places[number]
        beside = sorted(place.below if down else place.above, key=lambda each: (self.places[each].x, each))
        room = min(self.gaps.port, place.side * 0.7 / max(len(beside) - 1, 1))
        return place.x + (beside.index(neighbour) - (len(beside) - 1) / 2) * room


def _upward(count: int, ends: Sequence[tuple[int, int]]) -> set[int]:
    """The links that close a circle on a walk from the first box; turned round, the rest has no circle left."""
    leaving: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, (source, target) in enumerate(ends):
        leaving[source].append((number, target))
    upward: set[int] = set()
    done: set[int] = set()
    for root in range(count):
        if root in done:
            continue
        on_way = {root}
        way = [(root, iter(leaving[root]))]
        while way:
            box, rest = way[-1]
            number, target = next(rest, (-1, -1))
            if number < 0:
                way.pop()
                on_way.discard(box)
                done.add(box)
            elif target in on_way:
                upward.add(number)
            elif target not in done:
                on_way.add(target)
                way.append((target, iter(leaving[target])))
    return upward


def _ranks(count: int, ends: Iterable[tuple[int, int]]) -> list[int]:
    """How far down each box stands: below everything that leads to it."""
    leaving: dict[int, list[int]] = defaultdict(list)
    waiting = [0] * count
    for upper, lower in ends:
        leaving[upper].append(lower)
        waiting[lower] += 1
    ranks = [0] * count
    ready = [box for box in range(count) if not waiting[box]]
    for box in ready:
        for lower in leaving[box]:
            ranks[lower] = max(ranks[lower], ranks[box] + 1)
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    return ranks


def _closest(wanted: Sequence[float], weights: Sequence[float], apart: Sequence[float]) -> list[float]:
    """Places as close as possible to those wanted, in their order and far enough apart: least squares, exactly."""
    offsets = [0.0]
    for each in apart:
        offsets.append(offsets[-1] + each)
    # Pooled neighbours share one place, measured without the distances they have to keep.
    pools: list[tuple[float, float, int]] = []
    for place, weight, offset in zip(wanted, weights, offsets, strict=False):
        mean, total, count = place - offset, weight, 1
        while pools and pools[-1][0] >= mean:
            before, heavy, many = pools.pop()
            mean, total, count = (before * heavy + mean * total) / (heavy + total), heavy + total, count + many
        pools.append((mean, total, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]
