"""Coverage of journeys, for a terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.testing.coverage.reach import KINDS, Reach

_NEVER = {
    "steps": "never reached",
    "moves": "never made",
    "guards": "never happened",
    "mishaps": "never tried",
}


def report_lines(journeys: Iterable[Reach]) -> Iterator[str]:
    """What was reached and what was not, journey by journey."""
    journeys = list(journeys)
    if not journeys:
        yield "no conversation was held"
        return
    width = max(len(each.name) for each in journeys)
    for each in journeys:
        yield f"{each.name:<{width}}  {_counts(each)}"
        for kind in KINDS:
            missing = each.missing(kind)
            if missing:
                yield f"  {kind} {_NEVER[kind]}:"
                yield from (f"    {item}" for item in missing)
        beyond = each.beyond("moves")
        if beyond and each.there:
            yield "  moves that were made although nobody declared them:"
            yield from (f"    {item}" for item in beyond)
        yield from (f"  not told from the code: {item}" for item in each.unread)
    yield f"{'TOTAL':<{width}}  {percentage(journeys)} %"


def percentage(journeys: Iterable[Reach]) -> int:
    """How much of everything was reached, rounded down; 100 only if nothing is missing."""
    counts = [each.counts(kind) for each in journeys for kind in KINDS]
    there = sum(count[1] for count in counts)
    return 100 * sum(count[0] for count in counts) // there if there else 100


def report_json(journeys: Iterable[Reach]) -> JSONObject:
    """The same as JSON."""
    journeys = list(journeys)
    return {
        "percentage": percentage(journeys),
        "journeys": [
            {**each.to_json(), "counts": {kind: list(each.counts(kind)) for kind in KINDS}} for each in journeys
        ],
    }


def relative(target: str, base: Path) -> str:
    """A target with its path as seen from a directory."""
    file, colon, name = target.rpartition(":")
    try:
        return f"{Path(file).resolve().relative_to(base.resolve())}{colon}{name}"
    except ValueError:
        return target


def _counts(reach: Reach) -> str:
    parts = [f"{kind} {done}/{there}" for kind in KINDS for done, there in [reach.counts(kind)] if there]
    return "  ".join(parts) or "what there is to reach cannot be told"
