"""What the model may call in each step of a journey class: the schemas of its tools, and what guards withhold.

Rules:
    - A tool's schema is derived once for its class: deriving one costs more than a turn, and agents are made freely.
    - What a step offers whatever the state is, is put together once.
    - A guard that does not hold, or breaks, withholds its tool, with the reason.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from agent_runtime_core.callables import CallableSchema
from agent_runtime_framework.agents.agreement import approval_rules
from agent_runtime_framework.config import should_swallow_exceptions
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.definition import StepDefinition, ToolDefinition
from agent_runtime_framework.journey.hints import hint_names
from agent_runtime_framework.tools.compiled import Offerable
from agent_runtime_framework.tools.offer import NO_RULES, Offer

if TYPE_CHECKING:
    from agent_runtime_framework.agents.collecting import Collecting

logger = logging.getLogger(__name__)


class _Plain(NamedTuple):
    """A step, and its offer where nothing but the step decides on it."""

    step: StepDefinition
    offer: Offer | None


class Offering:
    """What a journey class offers.

    Args:
        journey: The class.
        is_strict: Whether schemas are those of OpenAI's strict mode.
    """

    def __init__(self, journey: type[Journey], *, is_strict: bool) -> None:
        self._names = hint_names(journey)
        self._is_strict = is_strict
        self._schemas: dict[int, tuple[ToolDefinition, CallableSchema]] = {}
        self._plain: dict[int, _Plain] = {}

    def schema(self, tool: ToolDefinition) -> CallableSchema:
        """The schema of a tool."""
        known = self._schemas.get(id(tool))
        if known is None:
            hidden = frozenset(tool.hidden)
            schema = CallableSchema(
                tool.function, name=tool.name, hidden=hidden, names=self._names, strict=self._is_strict
            )
            # The tool is kept with it, so that nothing else can get its id.
            known = self._schemas[id(tool)] = (tool, schema)
        return known[1]

    def offer(self, step: StepDefinition, state: Journey, form: Collecting | None, closed: str | None) -> Offer:
        """What is offered in a step now.

        Args:
            step: The step.
            state: The journey.
            form: The form that the step is, if it is one.
            closed: Why nothing of it may be called now; None if it may.
        """
        plain = self._plain.get(id(step)) or self._look_at(step)
        if plain.offer is not None:
            return plain.offer.again(closed)
        own: list[Offerable] = []
        withheld: dict[str, str] = {}
        special: list[ToolDefinition] = []
        for tool in step.tools:
            reason = why_not(tool, state) if tool.guards else None
            if reason is None:
                own.append(self.schema(tool))
                if tool.requires_approval or tool.independent:
                    special.append(tool)
            else:
                withheld[tool.name] = reason
        return Offer(
            own if form is None else [*form.schemas(), *own],
            withheld=withheld if form is None else {**form.withheld, **withheld},
            closed=closed,
            requires_call=step.requires_tool or (form is not None and form.requires_call),
            approvals=approval_rules(special, state, self.schema) if special else NO_RULES,
            independent=frozenset(tool.name for tool in special if tool.independent),
        )

    def _look_at(self, step: StepDefinition) -> _Plain:
        depends = step.collect is not None or any(
            tool.guards or tool.requires_approval or tool.independent for tool in step.tools
        )
        offer = None if depends else Offer(map(self.schema, step.tools), requires_call=step.requires_tool)
        found = self._plain[id(step)] = _Plain(step, offer)
        return found


def offering_of(journey: type[Journey], *, is_strict: bool) -> Offering:
    """What a journey class offers, put together once for all its agents."""
    known = _OFFERINGS.setdefault(journey, {})
    if is_strict not in known:
        known[is_strict] = Offering(journey, is_strict=is_strict)
    return known[is_strict]


_OFFERINGS: WeakKeyDictionary[type[Journey], dict[bool, Offering]] = WeakKeyDictionary()


def why_not(tool: ToolDefinition, state: Journey) -> str | None:
    """Why a tool is not possible now; None if it is."""
    for guard in tool.guards:
        try:
            verdict = guard.function(state)
        except Exception:  # a guard is the author's; one that breaks has not allowed anything
            if not should_swallow_exceptions():
                raise
            logger.warning("guard %r of tool %r failed; the tool is withheld", guard.name, tool.name, exc_info=True)
            return f"{guard.name} cannot be told yet"
        if verdict is not True:
            return verdict if isinstance(verdict, str) and verdict else f"{guard.name} does not hold"
    return None
