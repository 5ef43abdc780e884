"""How everything here is measured: CPU time of all threads, medians, rounds run in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

ROUNDS = 9


@dataclass(frozen=True)
class Cost:
    """Median CPU time and wall time of one unit, in microseconds."""

    cpu: float
    wall: float


async def side_by_side(
    contestants: Mapping[str, Callable[[], Awaitable[int]]], rounds: int = ROUNDS
) -> dict[str, Cost]:
    """The cost per unit of each contestant.

    Args:
        contestants: Each runs a batch and returns how many units it was. One after another they take a turn in every
            round, so that whatever disturbs the machine disturbs all of them; the first round only warms up.
        rounds: How often.
    """
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, batch in contestants.items():
            cpu, wall = time.process_time(), time.perf_counter()
            units = await batch()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if number:
                samples[name].append((cpu / units * 1e6, wall / units * 1e6))
    return {
        name: Cost(statistics.median(cpu for cpu, _ in taken), statistics.median(wall for _, wall in taken))
        for name, taken in samples.items()
    }


_noted: list[tuple[str, float]] = []


def note(label: str, ratio: float) -> None:
    """Keep a ratio for the table at the end."""
    _noted.append((label, ratio))


def table() -> None:
    """Print every ratio that was noted."""
    print("All ratios of this run; smaller is better")
    for label, ratio in _noted:
        print(f"  {label:<72} {ratio:6.2f}")


def row(label: str, cost: Cost, base: Cost | None = None, against: str = "") -> None:
    """Print one line of a table.

    Args:
        label: Who.
        cost: What it costs them.
        base: What it costs the others.
        against: Who these are; with that, the ratio is noted.
    """
    if base is not None and against:
        note(f"{label} / {against}", cost.cpu / base.cpu)
    ratio = f"{cost.cpu / base.cpu:6.2f}x" if base else "       "
    print(f"  {label:<44} {cost.cpu:9.1f} µs CPU  {cost.wall:9.1f} µs wall  {ratio}")
