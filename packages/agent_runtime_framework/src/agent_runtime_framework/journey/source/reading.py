"""What was read of a journey, in either form: its definition, and what the definition has no room for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey.definition import JourneyDefinition, Source
from agent_runtime_framework.journey.source.values import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSchema:
    """A tool as a step offers it.

    Attributes:
        name: What the model calls it.
        wire: The chat-completions function.
        source: Where it was written.
    """

    name: str
    wire: JSONObject
    source: Source | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPrompt:
    """What a step tells the model.

    Attributes:
        texts: The instruction, once for every state it was asked for with, without repetitions.
        source: Where it was written.
    """

    texts: tuple[str, ...]
    source: Source | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A journey, read.

    Attributes:
        definition: Its steps, tools and moves.
        owner: The class it was written as: a `Journey`, or an agent.
        state: The class of its state.
        tools: The class of its tools; of the journey itself in the short form, None if there is none to be found.
        agent: The agent, in the long form.
        offers: What each step offers, whatever the state.
        prompts: What each step tells the model, in the long form.
        moved_at: Where a tool (or "", for code by itself) moves from one step to another.
        methods: The method that runs when a step's tool is called, in the long form, as far as it is known.
        returned: For each tool of the short form, by step and name, what it may return, as far as it is known.
        states: For each step, states in it: the fresh one first.
        open_steps: Steps of which not all moves are known, because some code was not followed.
        notes: What was not followed, and what cannot work.
    """

    definition: JourneyDefinition
    owner: type
    state: type
    tools: type | None
    agent: Any = None
    offers: Mapping[str, tuple[ReadSchema, ...]] = field(default_factory=dict[str, tuple[ReadSchema, ...]])
    prompts: Mapping[str, ReadPrompt] = field(default_factory=dict[str, ReadPrompt])
    moved_at: Mapping[tuple[str, str, str], Source] = field(default_factory=dict[tuple[str, str, str], Source])
    methods: Mapping[tuple[str, str], Callable[..., Any]] = field(
        default_factory=dict[tuple[str, str], Callable[..., Any]]
    )
    returned: Mapping[tuple[str, str], Returned] = field(default_factory=dict[tuple[str, str], "Returned"])
    states: Mapping[str, tuple[Any, ...]] = field(default_factory=dict[str, tuple[Any, ...]])
    open_steps: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()

    @property
    def is_long_form(self) -> bool:
        """True if it was written as an agent."""
        return self.agent is not None

    def unread(self) -> list[str]:
        """What was not followed, as sentences that name the place."""
        return [f"{note.source}: {note.text}" for note in self.notes if note.code == "unread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a tool of the short form may return.

    Attributes:
        steps: Names of the steps.
        nothing: True if it may return no step.
        is_certain: True if that is all.
    """

    steps: tuple[str, ...]
    nothing: bool
    is_certain: bool
