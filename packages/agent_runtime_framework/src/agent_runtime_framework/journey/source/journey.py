"""Reads a `Journey` class: its definition is complete; its methods tell which of the declared moves they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from agent_runtime_core.callables import CallableSchema
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.declare import Step
from agent_runtime_framework.journey.definition import JourneyDefinition, Source, StepDefinition, ToolDefinition
from agent_runtime_framework.journey.source.code import is_authors, place_of
from agent_runtime_framework.journey.source.follow import Follower, World
from agent_runtime_framework.journey.source.reading import Reading, ReadSchema, Returned
from agent_runtime_framework.journey.source.states import trial_states
from agent_runtime_framework.journey.source.values import Instance, Known, Notes, Outcome, Parts, Values

if TYPE_CHECKING:
    from agent_runtime_framework.journey.journey import Journey


def read_journey(journey: type[Journey]) -> Reading:
    """What a journey class is; none of its tools is run."""
    return _JourneyReader(journey).read()


class _JourneyReader:
    def __init__(self, journey: type[Journey]) -> None:
        self.journey = journey
        self.declared = journey.definition
        self.notes = Notes()
        self.open_steps: set[str] = set()
        self.moved_at: dict[tuple[str, str, str], Source] = {}
        self.returned: dict[tuple[str, str], Returned] = {}
        self.world = World(
            tools=journey,
            state=journey,
            agent=None,
            initial=getattr(journey, self.declared.initial, None),
            is_step=self._is_step,
        )

    def read(self) -> Reading:
        """Read it all."""
        steps = {name: self._step(step) for name, step in self.declared.steps.items()}
        definition: JourneyDefinition = replace(self.declared, steps=steps)
        initial = self._initial()
        return Reading(
            definition=definition,
            owner=self.journey,
            state=self.journey,
            tools=self.journey,
            offers={name: tuple(self._schemas(step)) for name, step in steps.items()},
            moved_at=self.moved_at,
            returned=self.returned,
            states={name: tuple(trial_states(initial, name)) for name in steps} if initial is not None else {},
            open_steps=frozenset(self.open_steps),
            notes=tuple(self.notes.found.values()),
        )

    def _initial(self) -> Journey | None:
        try:
            return self.journey()
        except Exception as error:  # noqa: BLE001  an author's __post_init__ may raise anything; it is reported
            place = place_of(self.journey) or Source("<unknown>", 1)
            text = f"{self.journey.__name__}() fails with {type(error).__name__}: {str(error)[:100]}"
            self.notes.add(place, text, "initial-state")
            return None

    def _is_step(self, value: Any) -> bool:
        name = value.name if isinstance(value, Step) else value
        return isinstance(name, str) and name in self.declared.steps

    def _step(self, step: StepDefinition) -> StepDefinition:
        for tool in step.tools:
            self._read_tool(step, tool)
        for hook in (*step.on_enter, *step.on_exit):
            self._note_assignments(step, hook, self._follow(step, hook))
        if step.run is None or not callable(step.run):
            return step
        outcome = self._follow(step, step.run)
        self._note_assignments(step, step.run, outcome)
        returned = _steps_in(outcome.returned)
        self.returned[step.name, ""] = returned
        if step.to:
            return step
        if not returned.is_certain:
            self.open_steps.add(step.name)
        for target in returned.steps:
            self.moved_at[step.name, "", target] = place_of(step.run) or Source("<unknown>", 1)
        return replace(step, to=returned.steps)

    def _read_tool(self, step: StepDefinition, tool: ToolDefinition) -> None:
        outcome = self._follow(step, tool.function)
        self.returned[step.name, tool.name] = _steps_in(outcome.returned)
        self._note_assignments(step, tool.function, outcome)
        for target in tool.targets:
            if tool.source is not None:
                self.moved_at[step.name, tool.name, target] = tool.source

    def _note_assignments(self, step: StepDefinition, function: Callable[..., Any], outcome: Outcome) -> None:
        for at in outcome.step:
            if at.source is not None and isinstance(at.value, Known):
                name = getattr(at.value.value, "name", at.value.value)
                text = f"{function.__name__} sets the step to {name!r} itself, past what is declared"
                self.notes.add(at.source, text, "undeclared-move")

    def _follow(self, step: StepDefinition, function: Callable[..., Any]) -> Outcome:
        if not is_authors(function):
            return Outcome()
        current = getattr(self.journey, step.name, step.name)
        return Follower(self.world, self.notes).follow(function, [(Instance("journey", self.journey),)], current)

    def _schemas(self, step: StepDefinition) -> list[ReadSchema]:
        found: list[ReadSchema] = []
        for tool in step.tools:
            if tool.borrowed is not None:
                continue  # what it takes is known to who runs it
            try:
                schema = CallableSchema(tool.function, name=tool.name, hidden=tool.hidden, owner=self.journey)
            except (ConfigurationError, NameError, TypeError) as error:
                self.notes.add(tool.source or Source("<unknown>", 1), str(error), "tool-hints")
                continue
            found.append(ReadSchema(name=tool.name, wire=schema.to_openai_format(), source=tool.source))
        return found


def _steps_in(values: Values) -> Returned:
    steps: list[str] = []
    nothing = certain = False
    certain = bool(values)
    for value in values:
        found = _steps_of(value)
        if found is None:
            certain = False
            continue
        steps += found
        nothing = nothing or not found
    return Returned(steps=tuple(dict.fromkeys(steps)), nothing=nothing, is_certain=certain)


def _steps_of(value: object) -> list[str] | None:
    """The step in a returned value, none if there is surely none; None if that is open."""
    match value:
        case Known(value=Step() as step):
            return [step.name]
        case Known(value=tuple()):
            parts = cast("tuple[object, ...]", value.value)
            return [each.name for each in parts if isinstance(each, Step)]
        case Known():
            return []
        case Parts(parts=parts):
            inner = [_steps_of(each) for part in parts for each in part]
            known = [name for names in inner if names for name in names]
            return known or (None if None in inner else [])
        case _:
            return None
