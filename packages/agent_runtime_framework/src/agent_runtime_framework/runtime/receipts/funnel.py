"""How journeys fare: begun, completed, where people leave, what it takes and costs. One pass over all turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.sums import add_into
from agent_runtime_framework.runtime.receipts.account import Account, account_of, tokens_in
from agent_runtime_framework.store.delivery import DurableStore
from agent_runtime_framework.store.operations import TurnOf


@dataclass(slots=True)
class StepFigures:
    """How one step fares.

    Attributes:
        reached: In how many conversations it was entered.
        left_here: In how many it was the last one so far, and the journey is not over.
        ended_here: In how many the journey ended in it.
    """

    reached: int = 0
    left_here: int = 0
    ended_here: int = 0


@dataclass(slots=True)
class Figures:
    """How the journeys of one agent fare.

    Attributes:
        started: Conversations in which it answered.
        completed: Of these, those that got where they had to.
        ended: Those that ended otherwise.
        steps: By step, in the order in which they were first seen.
        turns_to_complete: How many turns each completed journey took.
        turns: All turns.
        failed_turns: Those that broke.
        resumed_turns: Those that another process had to continue.
        requests: Model requests.
        usage: What they used.
        asked_again: How often each field had to be asked for again.
        corrected: How often each field was changed after it had a value.
        refused: How often each call was refused, by tool and reason.
        failed_calls: How often each tool failed.
        unknown_calls: How often the outcome of a tool's call is unknown.
        handoffs: How often a person took over.
    """

    started: int = 0
    completed: int = 0
    ended: int = 0
    steps: dict[str, StepFigures] = field(default_factory=dict[str, StepFigures])
    turns_to_complete: list[int] = field(default_factory=list[int])
    turns: int = 0
    failed_turns: int = 0
    resumed_turns: int = 0
    requests: int = 0
    usage: JSONObject = field(default_factory=dict[str, Any])
    asked_again: Counter[str] = field(default_factory=Counter[str])
    corrected: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    failed_calls: Counter[str] = field(default_factory=Counter[str])
    unknown_calls: Counter[str] = field(default_factory=Counter[str])
    handoffs: int = 0

    @property
    def cost_usd(self) -> float | None:
        """What all requests cost; None where prices are not known."""
        cost = self.usage.get("cost_usd")
        return float(cost) if isinstance(cost, int | float) else None

    @property
    def cost_per_completed(self) -> float | None:
        """What all requests cost, those of journeys that led nowhere too, by completed journey."""
        return None if self.cost_usd is None or not self.completed else self.cost_usd / self.completed

    @property
    def tokens_per_completed(self) -> float | None:
        """The same in tokens."""
        return tokens_in(self.usage) / self.completed if self.completed else None

    @property
    def median_turns(self) -> float | None:
        """How many turns a completed journey takes."""
        return median(self.turns_to_complete) if self.turns_to_complete else None

    def to_dict(self) -> JSONObject:
        """As JSON; keys are added, never renamed."""
        return {
            "started": self.started,
            "completed": self.completed,
            "ended": self.ended,
            "open": self.started - self.completed - self.ended,
            "completion_rate": self.completed / self.started if self.started else None,
            "steps": [
                {"step": name, "reached": each.reached, "left_here": each.left_here, "ended_here": each.ended_here}
                for name, each in self.steps.items()
            ],
            "median_turns_to_complete": self.median_turns,
            "turns": self.turns,
            "failed_turns": self.failed_turns,
            "resumed_turns": self.resumed_turns,
            "requests": self.requests,
            "usage": self.usage,
            "cost_usd": self.cost_usd,
            "cost_usd_per_completed": self.cost_per_completed,
            "tokens_per_completed": self.tokens_per_completed,
            "asked_again": dict(self.asked_again),
            "corrected": dict(self.corrected),
            "refused": [
                {"tool": tool, "why": why, "times": times} for (tool, why), times in self.refused.most_common()
            ],
            "failed_calls": dict(self.failed_calls),
            "unknown_calls": dict(self.unknown_calls),
            "handoffs": self.handoffs,
        }


@dataclass(slots=True)
class _Way:
    """One journey of one conversation."""

    steps: dict[str, None] = field(default_factory=dict[str, None])
    last: str | None = None
    over: str | None = None
    turns: int = 0


class Funnel:
    """Adds turns up, each conversation's in order; `figures` are right once `close` was called."""

    def __init__(self) -> None:
        self.figures: dict[str, Figures] = {}
        self._conversation: str | None = None
        self._ways: dict[str, _Way] = {}

    def take(self, each: TurnOf) -> None:
        """Add a turn. Messages that were added outside a turn count as none."""
        if not each.turn.agent_key:
            return
        if each.conversation_id != self._conversation:
            self.close()
            self._conversation = each.conversation_id
        account = account_of(each.turn)
        way = self._ways.setdefault(account.agent_key, _Way())
        way.turns += 1
        way.steps |= dict.fromkeys((*account.steps, *([account.step_after] if account.step_after else ())))
        way.last = account.step_after or way.last
        if account.over is not None and way.over is None:
            self._of(account.agent_key).turns_to_complete += [way.turns] if account.over == "completed" else []
        way.over = account.over
        self._count(account)

    def close(self) -> None:
        """The conversation has no further turns."""
        for agent_key, way in self._ways.items():
            figures = self._of(agent_key)
            figures.started += 1
            figures.completed += way.over == "completed"
            figures.ended += way.over == "ended"
            for step in way.steps:
                figures.steps.setdefault(step, StepFigures()).reached += 1
            if way.last is not None:
                last = figures.steps[way.last]
                last.left_here += way.over is None
                last.ended_here += way.over is not None
        self._ways = {}

    def _of(self, agent_key: str) -> Figures:
        return self.figures.setdefault(agent_key, Figures())

    def _count(self, account: Account) -> None:
        figures = self._of(account.agent_key)
        figures.turns += 1
        figures.failed_turns += account.status == "failed"
        figures.resumed_turns += account.attempts > 1
        figures.requests += len(account.requests)
        figures.handoffs += account.stopped_reason == "handed_off"
        add_into(figures.usage, account.usage)
        figures.asked_again.update(account.fields.get("asked_again", ()))
        figures.corrected.update(account.fields.get("changed", ()))
        figures.refused.update((call["name"], call.get("why", "")) for call in account.refused)
        figures.failed_calls.update(call["name"] for call in account.failed)
        figures.unknown_calls.update(call["name"] for call in account.unknown)


async def funnel_of(store: DurableStore, agent_keys: Sequence[str] = (), *, page: int = 1000) -> dict[str, Figures]:
    """The figures of each agent in a store.

    Args:
        store: The store.
        agent_keys: Only these agents; by default all.
        page: How many turns are read at a time.
    """
    funnel = Funnel()
    after = (0, 0)
    while found := await store.all_turns(after=after, limit=page):
        for each in found:
            if not agent_keys or each.turn.agent_key in agent_keys:
                funnel.take(each)
        after = found[-1].place
    funnel.close()
    return funnel.figures
