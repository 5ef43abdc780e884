"""The graph of a journey, and the ways to show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.definition import JourneyDefinition, Move, StepDefinition
from agent_runtime_framework.journey.idle import in_short

Kind: TypeAlias = Literal["step", "say", "run", "form"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A step.

    Attributes:
        name: Its name.
        kind: What happens there: a conversation, exact words, code, or a form.
        is_initial: True if the journey begins there.
        is_final: True if it ends there.
        awaits_user: True if its tools wait for the person.
        instruction: What the model is told there, or the exact words.
        tools: The tools of the step.
    """

    name: str
    kind: Kind = "step"
    is_initial: bool = False
    is_final: bool = False
    awaits_user: bool = False
    instruction: str = ""
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """All moves from one step to another.

    Attributes:
        source: Where they start.
        target: Where they lead.
        labels: What takes each of them, with its guards; empty if code does it by itself.
        is_rescue: True if all of them are taken only when nothing else helps.
    """

    source: str
    target: str
    labels: tuple[str, ...] = ()
    is_rescue: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A journey's steps and moves; shows itself as a picture in a notebook.

    Attributes:
        title: Of the journey.
        nodes: The steps, in the order they were declared.
        edges: The moves, in the order of their steps.
        current: The step a conversation is in.
        path: The steps it went through, the first one first.
        unread: What could not be read from the author's code, as sentences; the picture may lack moves then.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    current: str | None = None
    path: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def at(self, current: str | None, path: Iterable[str] = ()) -> Graph:
        """The same graph, with the step a conversation is in and, if known, the way it took.

        Raises:
            ConfigurationError: One of them is no step of this journey.
        """
        way = tuple(path)
        names = [node.name for node in self.nodes]
        for name in (*way, *([current] if current is not None else [])):
            if name not in names:
                raise ConfigurationError(f"{name!r} is no step of {self.title}; its steps are: {', '.join(names)}")
        if current is None and way:
            current = way[-1]
        return replace(self, current=current, path=way)

    @property
    def walked(self) -> frozenset[tuple[str, str]]:
        """The pairs of steps between which the conversation has moved."""
        return frozenset(zip(self.path, self.path[1:], strict=False))

    def mermaid(self) -> str:
        """A `stateDiagram-v2`, for Markdown pages."""
        from agent_runtime_framework.journey.graph.mermaid import draw

        return draw(self)

    def svg(self) -> str:
        """A picture, light or dark as its surroundings are."""
        from agent_runtime_framework.journey.graph.svg import draw

        return draw(self)

    def html(self) -> str:
        """A page with the picture and what happens in each step; it loads nothing from anywhere."""
        from agent_runtime_framework.journey.graph.html import draw

        return draw(self)

    def text(self) -> str:
        """A drawing for a terminal."""
        from agent_runtime_framework.journey.graph.text import draw

        return draw(self)

    def json(self) -> JSONObject:
        """The graph as data."""
        return {
            "title": self.title,
            "steps": [
                {
                    "name": node.name,
                    "kind": node.kind,
                    "initial": node.is_initial,
                    "final": node.is_final,
                    "awaits_user": node.awaits_user,
                    "instruction": node.instruction,
                    "tools": list(node.tools),
                }
                for node in self.nodes
            ],
            "moves": [
                {"from": edge.source, "to": edge.target, "by": list(edge.labels), "rescue": edge.is_rescue}
                for edge in self.edges
            ],
            "current": self.current,
            "path": list(self.path),
            "unread": list(self.unread),
        }

    def _repr_svg_(self) -> str:
        return self.svg()


def graph_of(definition: JourneyDefinition, *, unread: Iterable[str] = ()) -> Graph:
    """The graph of a journey."""
    return Graph(
        title=definition.title,
        nodes=tuple(_node(step, definition) for step in definition.steps.values()),
        edges=tuple(_edges(definition)),
        unread=tuple(unread),
    )


def _node(step: StepDefinition, definition: JourneyDefinition) -> Node:
    return Node(
        name=step.name,
        kind=_kind(step),
        is_initial=step.name == definition.initial,
        is_final=step.is_final,
        awaits_user=step.awaits_user,
        instruction=step.say or step.prompt or "",
        tools=tuple(tool.name for tool in step.tools),
    )


def _kind(step: StepDefinition) -> Kind:
    if step.collect is not None:
        return "form"
    if step.run is not None:
        return "run"
    return "say" if step.say is not None else "step"


def _edges(definition: JourneyDefinition) -> Iterable[Edge]:
    for step in definition.steps.values():
        by_target: dict[str, list[Move]] = {}
        for move in step.moves():
            if move.target in definition.steps:
                by_target.setdefault(move.target, []).append(move)
        for target, moves in by_target.items():
            labels = tuple(dict.fromkeys(label for move in moves if (label := _label(move, step))))
            yield Edge(source=step.name, target=target, labels=labels, is_rescue=all(move.is_rescue for move in moves))
        expired = step.expires_to
        if expired is not None and expired in definition.steps and expired not in by_target:
            label = f"after {in_short(step.on_idle[-1].after)} of silence"
            yield Edge(source=step.name, target=expired, labels=(label,), is_rescue=True)


def _label(move: Move, step: StepDefinition) -> str:
    if move.is_rescue:
        return f"after {step.patience} fruitless turns" if step.patience is not None else "when stuck"
    if move.tool is None:
        return ""
    return f"{move.tool} if {_and(move.guards)}" if move.guards else move.tool


def _and(guards: Sequence[str]) -> str:
    return " and ".join(guards)
