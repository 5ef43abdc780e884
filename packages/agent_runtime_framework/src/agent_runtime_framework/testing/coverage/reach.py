"""What there is to reach in a journey, and what of it was reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey.definition import JourneyDefinition, Move, StepDefinition

KINDS = ("steps", "moves", "guards", "mishaps")
"""What is counted, in the order it is shown."""


@dataclass
class Reach:
    """One journey, and how much of it was reached.

    What is counted is text, so that it can be stored, merged and shown.

    Attributes:
        name: The journey.
        target: How the command line names it; empty if it cannot be told.
        there: What there is, by kind: steps, moves, guards and mishaps.
        reached: What of it was reached, by kind. Moves that nobody declared are here too.
        unread: What could not be told from the author's code.
    """

    name: str
    target: str = ""
    there: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    reached: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    unread: list[str] = field(default_factory=list[str])

    def add(self, kind: str, *items: str) -> None:
        """Note what was reached."""
        self.reached.setdefault(kind, set()).update(items)

    def missing(self, kind: str) -> list[str]:
        """What was not, in the order of the journey."""
        reached = self.reached.get(kind, set[str]())
        return [each for each in self.there.get(kind, []) if each not in reached]

    def beyond(self, kind: str) -> list[str]:
        """What was reached although nobody declared it."""
        return sorted(self.reached.get(kind, set[str]()) - set(self.there.get(kind, [])))

    def counts(self, kind: str) -> tuple[int, int]:
        """How much was reached, and how much there is."""
        there = len(self.there.get(kind, []))
        return there - len(self.missing(kind)), there

    def join(self, other: Reach) -> None:
        """Take in what was reached elsewhere."""
        for kind, items in other.reached.items():
            self.add(kind, *items)

    def to_json(self) -> JSONObject:
        """The same as JSON, with what is missing beside it."""
        parts: JSONObject = {
            kind: {
                "there": self.there.get(kind, []),
                "reached": sorted(self.reached.get(kind, ())),
                "missing": self.missing(kind),
            }
            for kind in KINDS
        }
        return {"name": self.name, "target": self.target, **parts, "unread": self.unread}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reach:
        """The same again."""
        return cls(
            name=data["name"],
            target=data["target"],
            there={kind: list(data[kind]["there"]) for kind in KINDS},
            reached={kind: set(data[kind]["reached"]) for kind in KINDS},
            unread=list(data["unread"]),
        )


def there_is(definition: JourneyDefinition, dependents: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """What there is to reach in a journey.

    Args:
        definition: The journey.
        dependents: For a field, those that fall back when it changes.
    """
    steps = list(definition.steps.values())
    guards = dict.fromkeys(guard.name for step in steps for tool in step.tools for guard in tool.guards)
    talking = [step for step in steps if is_talk(step)]
    return {
        "steps": list(definition.steps),
        "moves": list(dict.fromkeys(move_text(move) for move in definition.moves())),
        "guards": [guard_text(name, held) for name in guards for held in (True, False)],
        "mishaps": [
            *(off_topic(step.name) for step in talking),
            *(refused_in(step.name) for step in talking if step.tools),
            *(changed(name, fallen) for name, fallen in dependents.items()),
        ],
    }


def is_talk(step: StepDefinition) -> bool:
    """True if the person is talked to in a step, and it does not end the journey."""
    return step.speaks and not step.is_final and bool(step.tools or step.collect is not None)


def move_text(move: Move) -> str:
    """A move, as it is counted."""
    return walked_text(move.source, move.target, move.tool)


def walked_text(source: str, target: str, tool: str | None) -> str:
    """A move that was made, as it is counted."""
    return f"{source} -> {target}" + (f" by {tool}" if tool else "")


def guard_text(name: str, held: bool) -> str:
    """A verdict of a guard, as it is counted."""
    return f"{name} {'holds' if held else 'refuses'}"


def off_topic(step: str) -> str:
    """A message that brings nothing, as it is counted."""
    return f"{step}: a message that brings nothing"


def refused_in(step: str) -> str:
    """A call that does not work out, as it is counted."""
    return f"{step}: a call that is refused or fails"


def changed(name: str, fallen: Iterable[str]) -> str:
    """A change of mind, as it is counted."""
    return f"{name} changes, so that {', '.join(fallen)} is open again"
