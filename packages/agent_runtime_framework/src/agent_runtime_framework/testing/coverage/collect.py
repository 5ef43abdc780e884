"""Listens to conversations, and notes what they reached."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.making import Agent
from agent_runtime_framework.agents.short_form import ClassAgent
from agent_runtime_framework.errors import AgentRuntimeError
from agent_runtime_framework.journey import Form, Journey, JourneyDefinition
from agent_runtime_framework.journey.definition import GuardDefinition
from agent_runtime_framework.journey.form_journey import FormConversation
from agent_runtime_framework.journey.source import read
from agent_runtime_framework.testing.conversation.record import Exchange
from agent_runtime_framework.testing.conversation.talk import Talk
from agent_runtime_framework.testing.conversation.visible import visible_state
from agent_runtime_framework.testing.coverage.reach import (
    Reach,
    changed,
    guard_text,
    off_topic,
    refused_in,
    there_is,
    walked_text,
)

logger = logging.getLogger(__name__)


class Coverage:
    """What the conversations it is told of reached; an observer of `Talk`.

    Attributes:
        journeys: What was reached, by journey.
    """

    def __init__(self) -> None:
        self.journeys: dict[str, Reach] = {}
        self._definitions: dict[str, JourneyDefinition | None] = {}
        self._states: WeakKeyDictionary[Talk[Any], JSONObject] = WeakKeyDictionary()

    def __call__(self, talk: Talk[Any], exchange: Exchange) -> None:
        """Note what came of a message."""
        name = _identity(talk.agent)
        reach = self._reach(name, talk)
        definition = self._definitions[name]
        is_first = len(talk.exchanges) == 1
        reach.add("steps", exchange.before, *(move.target for move in exchange.moves))
        reach.add("moves", *(walked_text(move.source, move.target, move.tool) for move in exchange.moves))
        reach.add("moves", *_stays(exchange, reach))
        reach.add("mishaps", *_mishaps(exchange))
        if definition is not None:
            states = [talk.first_state, talk.state] if is_first else [talk.state]
            reach.add("guards", *_verdicts(definition, exchange, states))
        now = visible_state(talk.state)
        before = visible_state(talk.first_state) if is_first else self._states.get(talk, now)
        reach.add("mishaps", *_changes(_dependents(talk.agent), before, now))
        self._states[talk] = now

    def join(self, journeys: list[JSONObject]) -> None:
        """Take in what another process found."""
        for data in journeys:
            other = Reach.from_json(data)
            key = f"{other.target} {other.name}"
            if key in self.journeys:
                self.journeys[key].join(other)
            else:
                self.journeys[key] = other

    def to_json(self) -> list[JSONObject]:
        """Everything, for another process."""
        return [each.to_json() for each in self.journeys.values()]

    def _reach(self, name: str, talk: Talk[Any]) -> Reach:
        if name not in self.journeys:
            definition, unread = _definition_of(talk.agent)
            self._definitions[name] = definition
            there = there_is(definition, _dependents(talk.agent)) if definition is not None else {}
            self.journeys[name] = Reach(talk.title, target_of(talk.agent), there, unread=unread)
        elif name not in self._definitions:
            self._definitions[name] = _definition_of(talk.agent)[0]
        return self.journeys[name]


def target_of(agent: Agent) -> str:
    """How the command line names an agent; empty if it cannot be told."""
    written = _written(agent)
    try:
        file = inspect.getsourcefile(written)
    except TypeError:
        return ""
    return f"{file}:{written.__qualname__}" if file and "<" not in written.__qualname__ else ""


def _written(agent: Agent) -> type:
    """The class that the author wrote."""
    journey = cast("type", getattr(agent, "journey", type(agent)))
    form = getattr(journey, "form", None)
    return cast("Form[Any]", form).model if isinstance(form, Form) else journey


def _identity(agent: Agent) -> str:
    return f"{target_of(agent)} {_written(agent).__name__}"


def _definition_of(agent: Agent) -> tuple[JourneyDefinition | None, list[str]]:
    if isinstance(agent, ClassAgent):
        return cast("type[Journey]", agent.journey).definition, []
    try:
        reading = read(agent)
    except AgentRuntimeError as error:
        return None, [str(error)]
    return reading.definition, reading.unread()


def _dependents(agent: Agent) -> Mapping[str, list[str]]:
    """The fields that fall back with another one; a form's by the form's rules."""
    if not isinstance(agent, ClassAgent):
        return {}
    journey = cast("type[Journey]", agent.journey)
    if not issubclass(journey, FormConversation):
        return journey.state_fields.dependents
    found: dict[str, list[str]] = {}
    for each in journey.form.fields:
        for source in each.sources:
            found.setdefault(source, []).append(each.name)
    return found


def _stays(exchange: Exchange, reach: Reach) -> Iterator[str]:
    """Moves from a step to itself, which are not told where the step is a field of the author's own state."""
    declared = reach.there.get("moves", [])
    for call in exchange.calls:
        stay = walked_text(call.step, call.step, call.name)
        if call.ok and stay in declared and call.step == exchange.after:
            yield stay


def _mishaps(exchange: Exchange) -> Iterator[str]:
    for each in exchange.refused:
        yield refused_in(each.step)
    for call in exchange.calls:
        if not call.ok:
            yield refused_in(call.step)
    if exchange.error is None and not exchange.moves and not any(call.ok for call in exchange.calls):
        yield off_topic(exchange.before)


def _changes(dependents: Mapping[str, list[str]], before: JSONObject, now: JSONObject) -> Iterator[str]:
    for name, fallen in dependents.items():
        earlier = before.get(name)
        if earlier not in (None, "", 0, [], {}) and now.get(name) != earlier:
            yield changed(name, fallen)


def _verdicts(definition: JourneyDefinition, exchange: Exchange, states: list[Any]) -> Iterator[str]:
    for state in states:
        step = definition.steps.get(str(getattr(getattr(state, "step", None), "value", "")))
        for tool in step.tools if step is not None else ():
            for guard in tool.guards:
                verdict = _verdict(guard, state)
                if verdict is not None:
                    yield guard_text(guard.name, verdict)
    for call in exchange.calls:
        step = definition.steps.get(call.step)
        for tool in step.tools if step is not None else ():
            if tool.name == call.name:
                yield from (guard_text(guard.name, held=True) for guard in tool.guards)


def _verdict(guard: GuardDefinition, state: Any) -> bool | None:
    method = getattr(state, guard.name, None)
    try:
        return (method() if callable(method) else guard.function(state)) is True
    except Exception:  # the author's code, asked out of turn
        logger.debug("guard %r could not be asked", guard.name, exc_info=True)
        return None
