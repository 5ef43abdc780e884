"""Where a journey is, where it has been, and what is still to come, as far as its steps are an Enum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, cast

from agent_runtime_framework.agents.scene import step_name, step_of
from agent_runtime_framework.cli.screen import Marks
from agent_runtime_framework.cli.spans import Line, Span, cells
from agent_runtime_framework.cli.targets import Agent
from agent_runtime_framework.tools.schema import ToolSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The position of one conversation.

    Attributes:
        steps: All steps, in the order in which they are declared; only the present one if they cannot be known.
        here: The present step; None if the state has none.
        visited: The steps entered so far.
        is_over: True if nothing is left to do.
    """

    steps: Sequence[str] = ()
    here: str | None = None
    visited: frozenset[str] = field(default=frozenset())
    is_over: bool = False

    @classmethod
    def of(cls, agent: Agent, state: Any, visited: frozenset[str] = frozenset()) -> Progress:
        """The position a state is in."""
        here = step_name(step_of(state))
        known = tuple(step_name(each) or "" for each in all_steps(state))
        steps = known or ((here,) if here else ())
        present = {here} if here else set[str]()
        return cls(steps=steps, here=here, visited=visited | present, is_over=agent.is_terminal_state(state))

    def on_the_way(self, step: str | None) -> Progress:
        """The position after a step was entered."""
        return self if step is None else replace(self, here=step, visited=self.visited | {step})

    def mark(self, step: str, marks: Marks) -> Span:
        """The sign of one step."""
        if step == self.here:
            return Span(marks.done, "good") if self.is_over else Span(marks.here, "accent")
        return Span(marks.done, "good") if step in self.visited else Span(marks.open, "quiet")

    def line(self, marks: Marks, width: int) -> Line:
        """All steps with their signs, on one line that fits; where they do not, the present one and its number."""
        spans: list[Span] = []
        for step in self.steps:
            tone = "strong" if step == self.here else "quiet"
            spans += [self.mark(step, marks), Span(f" {step}", tone), Span("  ")]
        if sum(cells(span.text) for span in spans) - 2 <= width:
            return spans[:-1]
        return self._short(marks)

    def _short(self, marks: Marks) -> Line:
        here = self.here or ""
        position = f" ({self.steps.index(here) + 1} of {len(self.steps)})" if here in self.steps else ""
        return (self.mark(here, marks), Span(f" {here}", "strong"), Span(position, "quiet"))


def all_steps(state: Any) -> Sequence[Enum]:
    """The steps of a journey, from the Enum its state's step belongs to."""
    step = step_of(state)
    return tuple(type(step)) if isinstance(step, Enum) else ()


def tools_by_step(agent: Agent, state: Any) -> Mapping[str, Sequence[ToolSchema]]:
    """What every step would offer if this state were in it; a step whose tools cannot be told is left out."""
    found: dict[str, Sequence[ToolSchema]] = {}
    for step in all_steps(state):
        try:
            there: Any = cast("Any", type(state)).from_dict(state.to_dict())
            there.step = step
            found[step_name(step) or ""] = tuple(cast("Sequence[ToolSchema]", agent.get_tool_schemas(there)) or ())
        except Exception:  # the author's code, asked about a state that may never occur  # noqa: BLE001
            continue
    return found
