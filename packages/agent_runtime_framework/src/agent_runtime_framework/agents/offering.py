"""What the model may call in each step of a journey class: the schemas of its tools, and what guards withhold.

Rules:
    - A tool's schema is derived once for its class: deriving one costs more than a turn, and agents are made freely.
    - What a step offers whatever the state is, is put together once.
    - A guard that does not hold, or breaks, withholds its tool, with the reason.
    - Who lends tools is asked for them before a step is offered; what was learnt holds until they say otherwise.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from agent_runtime_core.callables import CallableSchema
from agent_runtime_framework.agents.agreement import approval_rules
from agent_runtime_framework.agents.borrowing import Lent, lent_to, sources_in, sources_of
from agent_runtime_framework.config import should_swallow_exceptions
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.definition import StepDefinition, ToolDefinition
from agent_runtime_framework.journey.hints import hint_names
from agent_runtime_framework.tools.compiled import Offerable
from agent_runtime_framework.tools.offer import NO_RULES, Offer
from agent_runtime_framework.tools.remote import ToolSource

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

    Attributes:
        sources: Everybody whose tools it borrows.
    """

    def __init__(self, journey: type[Journey], *, is_strict: bool) -> None:
        self._names = hint_names(journey)
        self._is_strict = is_strict
        self._schemas: dict[int, tuple[ToolDefinition, CallableSchema]] = {}
        self._plain: dict[int, _Plain] = {}
        self.sources: tuple[ToolSource, ...] = tuple(sources_of(journey.definition))
        self._sources_in = {step.name: sources_in(step) for step in journey.definition.steps.values()}
        self._lent: dict[int, Lent] = {}

    def is_ready(self, step: StepDefinition) -> bool:
        """True if it is known what can be offered in a step."""
        return not self.sources or all(source.is_current for source in self._sources_in[step.name])

    async def prepare(self, step: StepDefinition) -> None:
        """Ask those who lend tools to a step what they have."""
        for source in self._sources_in[step.name]:
            if not source.is_current:
                await source.refresh()

    def tools(self, step: StepDefinition) -> tuple[ToolDefinition, ...]:
        """A step's tools, those that are borrowed as far as they are known."""
        return self._lent_to(step).tools if self._sources_in[step.name] else step.tools

    def _lent_to(self, step: StepDefinition) -> Lent:
        sources = self._sources_in[step.name]
        known = self._lent.get(id(step))
        if known is None or any(
            was is not source.listing() for was, source in zip(known.listings, sources, strict=True)
        ):
            known = self._lent[id(step)] = lent_to(step, sources)
        return known

    def schemas(self, step: StepDefinition) -> list[Offerable]:
        """The schemas of a step's tools, guards aside."""
        lent = self._lent_to(step) if self._sources_in[step.name] else None
        if lent is None:
            return [self.schema(tool) for tool in step.tools]
        return [self.schema(tool) if tool.borrowed is None else lent.schemas[tool.name] for tool in lent.tools]

    def schema(self, tool: ToolDefinition) -> CallableSchema:
        """The schema of a tool of the journey's own."""
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
        lent = self._lent_to(step) if self._sources_in[step.name] else None
        withheld: dict[str, str] = {} if lent is None else {**lent.withheld}
        special: list[ToolDefinition] = []
        for tool in step.tools if lent is None else lent.tools:
            if form is not None and tool.borrowed is not None and form.owns(tool.name):
                continue
            reason = why_not(tool, state) if tool.guards else None
            if reason is None:
                own.append(self.schema(tool) if lent is None or tool.borrowed is None else lent.schemas[tool.name])
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
            tool.guards or tool.requires_approval or tool.independent or tool.borrowed is not None
            for tool in step.tools
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
