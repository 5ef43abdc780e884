"""Figures from turns: made by hand, so that what is counted can be counted."""

from __future__ import annotations

import pytest

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.runtime.receipts.funnel import Funnel, funnel_of
from agent_runtime_framework.store.delivery import TurnInfo
from agent_runtime_framework.store.operations import TurnOf
from agent_runtime_framework.store.sqlite import SQLiteStore


def turn(conversation: str, no: int, *moves: str, agent: str = "quote", status: str = "answered", **receipt: object):
    before: object = receipt.pop("before", None)
    calls: list[JSONObject] = receipt.pop("calls", [])  # type: ignore[assignment]  tests pass what fits
    usage = receipt.pop("usage", {"total_tokens": 10})
    done: list[JSONObject] = [{"model": {"offered": [], "calls": [], "usage": usage}}]
    done += [{"call": each} for each in calls]
    done += [{"move": {"to": each, "by": "call"}} for each in moves]
    after = moves[-1] if moves else before or receipt.get("began_in")
    info = TurnInfo(
        no=no,
        agent_key=agent,
        status=status,
        step=None,
        attempts=1,
        started_at=None,
        ended_at="x",
        reply=None,
        receipt={"step_before": before, "step_after": after, "done": done, **receipt},
    )
    return TurnOf(place=(1, no), conversation_id=conversation, turn=info)


def figures_of(*turns: TurnOf, agent: str = "quote"):
    funnel = Funnel()
    for each in turns:
        funnel.take(each)
    funnel.close()
    return funnel.figures[agent]


def test_journeys_are_counted_by_where_they_came_to() -> None:
    figures = figures_of(
        turn("a", 1, "offer", began_in="ask"),
        turn("a", 2, "done", before="offer", over="completed"),
        turn("b", 1, "offer", began_in="ask"),
        turn("c", 1, "gone", began_in="ask", over="ended"),
        turn("d", 1, began_in="ask"),
    )

    assert (figures.started, figures.completed, figures.ended) == (4, 1, 1)
    shown = {name: (each.reached, each.left_here, each.ended_here) for name, each in figures.steps.items()}
    assert shown == {"ask": (4, 1, 0), "offer": (2, 1, 0), "done": (1, 0, 1), "gone": (1, 0, 1)}
    assert figures.turns_to_complete == [2]


def test_words_after_the_end_do_not_make_a_journey_longer_or_count_it_twice() -> None:
    figures = figures_of(
        turn("a", 1, "done", began_in="ask", over="completed"), turn("a", 2, before="done", over="completed")
    )

    assert (figures.started, figures.completed, figures.turns_to_complete, figures.turns) == (1, 1, [1], 2)


def test_two_agents_in_one_conversation_are_two_journeys() -> None:
    turns = (turn("a", 1, began_in="ask"), turn("a", 2, began_in="help", agent="claim"), turn("a", 3, before="ask"))

    assert (figures_of(*turns).started, figures_of(*turns, agent="claim").started) == (1, 1)


def test_what_went_wrong_is_counted() -> None:
    calls: list[JSONObject] = [
        {"name": "buy", "ok": False, "refused": True, "why": "withheld"},
        {"name": "pay", "ok": False, "unknown": True},
        {"name": "look", "ok": False, "why": "raised"},
    ]
    fields = {"changed": ["plate"], "asked_again": ["form.email"]}
    figures = figures_of(
        turn("a", 1, calls=calls, fields=fields, began_in="ask"),
        turn("a", 2, status="failed", before="ask", stopped_reason="failed:OSError"),
        turn("a", 3, before="ask", stopped_reason="handed_off"),
    )

    assert figures.refused == {("buy", "withheld"): 1}
    assert (figures.failed_calls, figures.unknown_calls) == ({"look": 1}, {"pay": 1})
    assert (figures.corrected, figures.asked_again) == ({"plate": 1}, {"form.email": 1})
    assert (figures.failed_turns, figures.handoffs) == (1, 1)


def test_what_a_completed_journey_costs_includes_those_that_led_nowhere() -> None:
    usage = {"total_tokens": 100, "cost_usd": 0.25}
    figures = figures_of(
        turn("a", 1, "done", usage=usage, over="completed", began_in="ask"), turn("b", 1, usage=usage, began_in="ask")
    )

    assert (figures.cost_per_completed, figures.tokens_per_completed) == (0.5, 200)
    assert figures.to_dict()["completion_rate"] == 0.5


def test_without_anything_completed_nothing_is_divided() -> None:
    figures = figures_of(turn("a", 1, began_in="ask"))

    assert (figures.cost_per_completed, figures.tokens_per_completed, figures.median_turns) == (None, None, None)


@pytest.mark.asyncio
async def test_turns_are_read_in_pages() -> None:
    class Pages(SQLiteStore):
        def __init__(self) -> None:
            super().__init__(":memory:")
            self.rows = [turn("a", no, began_in="ask") for no in range(1, 6)]

        async def all_turns(self, *, after=(0, 0), limit=1000):  # type: ignore[no-untyped-def]
            return [each for each in self.rows if each.place > after][:limit]

    assert (await funnel_of(Pages(), page=2))["quote"].turns == 5
    assert await funnel_of(Pages(), ["claim"], page=2) == {}
