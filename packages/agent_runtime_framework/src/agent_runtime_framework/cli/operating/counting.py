"""What `agent-runtime stats` shows."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator

from agent_runtime_framework.cli.failures import OK
from agent_runtime_framework.cli.operating.opened import table, with_store, write, write_json
from agent_runtime_framework.runtime.receipts.account import tokens_in
from agent_runtime_framework.runtime.receipts.funnel import Figures, funnel_of

_MOST = 8
"""How many of a kind are shown."""


def show_figures(args: Namespace) -> int:
    """Write how the journeys in a store fare."""
    found = with_store(args, lambda store: funnel_of(store, args.agent))
    if args.json:
        write_json({key: figures.to_dict() for key, figures in found.items()})
    elif not found:
        write("There are no turns yet.\n")
    else:
        write("\n".join("".join(f"{line}\n" for line in _shown(key, each)) for key, each in sorted(found.items())))
    return OK


def _shown(key: str, figures: Figures) -> Iterator[str]:
    rate = f" ({_percent(figures.completed, figures.started)})" if figures.started else ""
    still = figures.started - figures.completed - figures.ended
    otherwise = f", {figures.ended:,} ended otherwise" if figures.ended else ""
    yield f"{key}: {figures.started:,} begun, {figures.completed:,} completed{rate}{otherwise}, {still:,} open"
    yield ""
    header = ("STEP", "REACHED", "", "LEFT HERE", "ENDED HERE")
    rows = [
        (name, each.reached, _percent(each.reached, figures.started), each.left_here, each.ended_here)
        for name, each in figures.steps.items()
    ]
    yield table(header, rows)
    yield from _costs(figures)
    refused = Counter({f"{tool} ({why or 'refused'})": times for (tool, why), times in figures.refused.items()})
    for title, counts in (
        ("asked again", figures.asked_again), ("changed after they were set", figures.corrected),
        ("calls refused", refused), ("calls failed", figures.failed_calls), ("outcome unknown", figures.unknown_calls),
    ):  # fmt: skip
        if counts:
            shown = ", ".join(f"{name} {times}" for name, times in counts.most_common(_MOST))
            yield f"{title + ':':<30}{shown}{', ...' if len(counts) > _MOST else ''}"


def _costs(figures: Figures) -> Iterator[str]:
    if figures.median_turns is not None:
        yield f"{'turns to complete, median:':<30}{figures.median_turns:g}"
    broken = f", {figures.failed_turns:,} broke" if figures.failed_turns else ""
    resumed = f", {figures.resumed_turns:,} resumed after a crash" if figures.resumed_turns else ""
    yield f"{'turns:':<30}{figures.turns:,}{broken}{resumed}"
    yield f"{'model requests:':<30}{figures.requests:,}, {tokens_in(figures.usage):,} tokens"
    if figures.cost_usd is not None:
        by = figures.cost_per_completed
        yield f"{'cost:':<30}${figures.cost_usd:,.4f}{'' if by is None else f', ${by:,.4f} by completed journey'}"
    elif figures.tokens_per_completed is not None:
        yield f"{'tokens by completed journey:':<30}{figures.tokens_per_completed:,.0f}"
    if figures.handoffs:
        yield f"{'handed over to a person:':<30}{figures.handoffs:,}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"
