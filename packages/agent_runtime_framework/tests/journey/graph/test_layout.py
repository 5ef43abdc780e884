"""Nothing covers anything, whatever the journey looks like."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_framework.journey.graph.layout import Box, Gaps, Layout, Link, Spot, lay_out

GAPS = Gaps(beside=10, below=8, port=12, slope=0.1)
SIZES = st.integers(min_value=1, max_value=200)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Link]]:
    count = draw(st.integers(min_value=1, max_value=9))
    boxes = [Box(str(number), draw(SIZES), draw(SIZES)) for number in range(count)]
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] != pair[1])
    pairs = draw(st.lists(ends, max_size=16, unique=True)) if count > 1 else []
    return boxes, [Link(str(source), str(target), draw(SIZES), draw(SIZES)) for source, target in pairs]


def overlap(one: Spot, its_width: float, other: Spot, other_width: float) -> bool:
    beside = abs(one.x - other.x) >= (its_width + other_width) / 2 - 0.01
    return not beside and one.top < other.bottom - 0.01 and other.top < one.bottom - 0.01


def occupied(boxes: list[Box], links: list[Link], layout: Layout) -> list[tuple[Spot, float]]:
    """Boxes and labels, with their widths."""
    places = [(layout.boxes[box.name], box.width) for box in boxes]
    for link, route in zip(links, layout.routes, strict=True):
        spot = route.spots[route.label]
        half = link.height / 2
        places.append((Spot(spot.x, spot.middle - half, spot.middle + half), link.width))
    return places


@given(graphs())
def test_no_box_or_label_covers_another(graph: tuple[list[Box], list[Link]]):
    boxes, links = graph

    places = occupied(boxes, links, lay_out(boxes, links, GAPS))

    assert not any(overlap(*one, *other) for one, other in combinations(places, 2))


@given(graphs())
def test_no_line_runs_through_a_box(graph: tuple[list[Box], list[Link]]):
    boxes, links = graph

    layout = lay_out(boxes, links, GAPS)

    for route in layout.routes:
        for spot in route.spots[1:-1]:
            assert not any(overlap(spot, 0.1, layout.boxes[box.name], box.width) for box in boxes)


@given(graphs())
def test_a_line_runs_from_its_source_to_its_target_and_only_downwards(graph: tuple[list[Box], list[Link]]):
    boxes, links = graph

    layout = lay_out(boxes, links, GAPS)

    for link, route in zip(links, layout.routes, strict=True):
        upper, lower = (link.target, link.source) if route.is_upward else (link.source, link.target)
        assert route.spots[0].top == layout.boxes[upper].bottom
        assert route.spots[-1].top == layout.boxes[lower].top
        assert all(one.bottom <= other.top + 0.01 for one, other in pairwise(route.spots))


@given(graphs())
def test_all_of_it_is_within_its_size(graph: tuple[list[Box], list[Link]]):
    boxes, links = graph

    layout = lay_out(boxes, links, GAPS)

    for spot, width in occupied(boxes, links, layout):
        assert spot.x - width / 2 >= -0.01
        assert spot.x + width / 2 <= layout.width + 0.01
        assert -0.01 <= spot.top <= spot.bottom <= layout.height + 0.01


@given(graphs())
def test_the_same_graph_is_laid_out_the_same(graph: tuple[list[Box], list[Link]]):
    boxes, links = graph

    assert lay_out(boxes, links, GAPS) == lay_out(boxes, links, GAPS)


def test_a_straight_journey_is_a_straight_line():
    boxes = [Box(str(number), 40 + 7 * number, 20) for number in range(15)]
    links = [Link(str(number), str(number + 1), 30, 10) for number in range(14)]

    layout = lay_out(boxes, links, GAPS)

    middles = {round(layout.boxes[box.name].x, 3) for box in boxes}
    assert len(middles) == 1


@pytest.mark.parametrize("count", [0, 1, 400])
def test_any_number_of_boxes_will_do(count: int):
    boxes = [Box(str(number), 10, 10) for number in range(count)]
    links = [Link(str(number), str(number + 1)) for number in range(count - 1)]

    assert len(lay_out(boxes, links, GAPS).boxes) == count
