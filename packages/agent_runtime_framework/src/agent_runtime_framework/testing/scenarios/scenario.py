"""What a scenario file says, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.testing.scenarios.errors import Place
from agent_runtime_framework.testing.scripted import Call, Say


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCall:
    """A call that has to have run.

    Attributes:
        name: The tool.
        arguments: Those it has to have had; others may be there too.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedReply:
    """What has to be said.

    Attributes:
        equals: The whole reply.
        contains: Texts that are in it, in any case of letters.
        lacks: Texts that are not.
        matches: Regular expressions that are found in it.
    """

    equals: str | None = None
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What has to hold after a turn, or at the end; None and empty expect nothing.

    Attributes:
        step: The step it is in.
        path: The steps it went through.
        state: Fields of the state; others may be there too.
        called: Calls that ran, in this order.
        not_called: Tools that did not run.
        refused: Tools whose call was refused, or whether any was.
        reply: What was said.
        final: Whether the journey is over.
        requests: The most model requests there may have been.
        places: Where each of them stands.
    """

    step: str | None = None
    path: tuple[str, ...] | None = None
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    called: tuple[ExpectedCall, ...] = ()
    not_called: tuple[str, ...] = ()
    refused: bool | tuple[str, ...] | None = None
    reply: ExpectedReply | None = None
    final: bool | None = None
    requests: int | None = None
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])


ModelReply = list[Say | Call]
"""What the model answers: words, calls, or both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOfScenario:
    """What is said, and what has to come of it.

    Attributes:
        user: The messages, one after the other.
        place: Where they stand.
        model: What the model answers; empty for the offline model.
        expect: What has to hold afterwards.
    """

    user: tuple[str, ...]
    place: Place
    model: tuple[ModelReply, ...] = ()
    expect: Expectation = field(default_factory=Expectation)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOfScenario:
    """A simulated person who talks instead of written turns.

    Attributes:
        record: What they know.
        place: Where that stands.
        options: Habits, seed and language; see `Person`.
        limit: The most messages they send.
    """

    record: JSONObject
    place: Place
    options: JSONObject = field(default_factory=dict[str, Any])
    limit: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A conversation and what is expected of it.

    Attributes:
        name: What it shows.
        place: Where it stands.
        agent: Whom it is about, as on the command line.
        turns: What is said.
        person: Who says it, where there are no turns.
        state: The state it begins with, as far as it differs from the initial one.
        step: The step it begins in.
        expect: What has to hold at the end.
        skip: Why it is not run; empty to run it.
    """

    name: str
    place: Place
    agent: str
    turns: tuple[TurnOfScenario, ...] = ()
    person: PersonOfScenario | None = None
    state: JSONObject = field(default_factory=dict[str, Any])
    step: str | None = None
    expect: Expectation = field(default_factory=Expectation)
    skip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFile:
    """A file of scenarios.

    Attributes:
        path: The file.
        scenarios: Those in it.
    """

    path: Path
    scenarios: tuple[Scenario, ...]
