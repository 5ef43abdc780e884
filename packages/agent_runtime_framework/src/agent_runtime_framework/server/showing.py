"""How agents, conversations, messages and states look from outside; what is sensitive stays masked."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast
from weakref import WeakKeyDictionary

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.scene import state_dict, step_name, step_of
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.form import MASK, masked
from agent_runtime_framework.journey.form_journey import FormConversation, own_docstring
from agent_runtime_framework.journey.graph import Graph, called, walked
from agent_runtime_framework.journey.graph import graph_of as drawn
from agent_runtime_framework.journey.sensitive import hide
from agent_runtime_framework.journey.source import read
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.server.problems import Problem
from agent_runtime_framework.store.protocol import ConversationInfo, StoredMessage

Agent = JourneyAgent[Any, Any, Any]


def agent_of(runtime: Runtime, key: str) -> Agent:
    """An agent by its key.

    Raises:
        Problem: There is none.
    """
    if key not in runtime.agents:
        detail = f"there is no agent {key[:80]!r}; there are: {', '.join(runtime.agents)}"
        raise Problem(422, "unknown-agent", detail)
    return runtime.agents[key]


def described(agent: Agent) -> JSONObject:
    """An agent as a list of them shows it."""
    journey: Any = getattr(cast("object", agent), "journey", None)
    if journey is not None:
        kind = "form" if FormConversation in journey.__mro__ else "journey"
        title = journey.definition.title
    else:
        journey, kind = cast("Any", type(agent)), "agent"
        title = journey.__name__
    about = inspect.cleandoc(own_docstring(journey)).strip().partition("\n")[0]
    return {"key": agent.key, "title": title, "kind": kind, "description": about}


def shown_conversation(info: ConversationInfo) -> JSONObject:
    """A conversation as a list of them shows it."""
    return {
        "conversation_id": info.conversation_id,
        "agent": info.agent_key,
        "turns": info.revision,
        "messages": info.messages,
        "created_at": info.created_at,
        "updated_at": info.updated_at,
        "is_busy": info.running is not None,
    }


def shown_message(stored: StoredMessage, *, includes_tools: bool) -> JSONObject:
    """A message; what was heard in it is masked already."""
    body = dict(stored.body)
    if not includes_tools:
        body.pop("tool_calls", None)
    return {**body, "seq": stored.seq, "turn": stored.turn, "at": stored.at}


def shown_state(state: Any) -> tuple[JSONObject, str | None]:
    """A state as JSON without what is sensitive, and without the engine's own notes; and its step."""
    step = step_name(step_of(state))
    data = dict(state_dict(state))
    if not isinstance(state, Journey):
        return data, step
    cls = type(state)
    forms = state.forms
    for name in [each for each in data if each.startswith("_")]:
        del data[name]
    secrets = [str(each) for each in state.secrets()]
    for name in cls.state_fields.sensitive:
        if data.get(name) not in (None, ""):
            data[name] = MASK
    shown = {name: _hidden(value, secrets) for name, value in data.items()}
    for name, progress in forms.items():
        known = cls.definition.steps.get(name)
        if known is not None and known.collect is not None:
            shown.setdefault("forms", {})[name] = answers_of(known.collect, progress)
    return shown, step


def answers_of(form: Any, progress: JSONObject) -> JSONObject:
    """The answers to a form, sensitive ones masked."""
    found: Mapping[str, Any] = form.answers(progress)
    return {each.name: masked(each, found[each.name]) for each in form.fields if each.name in found}


def is_over(agent: Agent, state: Any) -> bool:
    """True if the journey is over."""
    return bool(agent.is_terminal_state(state))


_READINGS: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def graph_of(agent: Agent, step: str | None, messages: Sequence[JSONObject]) -> Graph:
    """The graph of an agent's journey, with where a conversation is in it.

    Raises:
        ConfigurationError: It cannot be read.
    """
    reading = _READINGS.get(agent)
    if reading is None:
        reading = _READINGS[agent] = read(agent)
    graph = drawn(reading.definition, unread=reading.unread())
    if step is None or step not in reading.definition.steps:
        return graph
    return graph.at(step, walked(reading.definition, list(called(messages)), step))


def _hidden(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return hide(value, secrets) if secrets else value
    if isinstance(value, list):
        return [_hidden(each, secrets) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _hidden(each, secrets) for name, each in cast("dict[str, Any]", value).items()}
    return value
