from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import pytest

from agent_runtime_framework.cli.progress import Progress, tools_by_step
from agent_runtime_framework.cli.screen import Marks
from agent_runtime_framework.cli.spans import Line
from agent_runtime_framework.cli.targets import load_agent


def _text(line: Line) -> str:
    return "".join(span.text for span in line)


@pytest.fixture
def quote(examples: Path) -> Any:
    return load_agent(str(examples / "quote.py"))


def test_steps_are_done_current_or_open(quote: Any) -> None:
    state = quote.get_initial_state()
    home = type(state.step)("home")
    state.step = home
    progress = Progress.of(quote, state, frozenset({"choose_kind"}))
    shown = _text(progress.line(Marks(), 200))
    assert shown == "✓ choose_kind  ○ car  ● home  ○ offer  ○ insured  ○ declined"


def test_the_last_step_of_a_journey_that_is_over_is_done(quote: Any) -> None:
    state = quote.get_initial_state()
    state.step = type(state.step)("insured")
    assert "✓ insured" in _text(Progress.of(quote, state).line(Marks(), 200))


def test_a_narrow_screen_shows_the_current_step_and_its_number(quote: Any) -> None:
    assert _text(Progress.of(quote, quote.get_initial_state()).line(Marks(), 30)) == "● choose_kind (1 of 6)"


def test_signs_degrade_to_ascii() -> None:
    assert Marks.for_encoding("ascii").here == "[>]"
    assert Marks.for_encoding("latin-1").here == "[>]"
    assert Marks.for_encoding("utf-8").here == "●"
    assert Marks.for_encoding(None).here == "[>]"


def test_the_tools_of_every_step_are_found(quote: Any) -> None:
    state = quote.get_initial_state()
    found = {step: [tool.name for tool in tools] for step, tools in tools_by_step(quote, state).items()}
    assert found["car"] == ["save_car"]
    assert found["offer"] == ["accept_offer", "decline_offer", "start_over"]
    assert found["insured"] == []
    assert state == quote.get_initial_state()


class _Step(StrEnum):
    ONE = "one"
    TWO = "two"


@dataclass
class _State:
    step: _Step | str | None = _Step.ONE

    def to_dict(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls()


class _Picky:
    def get_tool_schemas(self, state: Any) -> list[Any]:
        if state.step == _Step.TWO:
            raise KeyError("two")
        return []

    def is_terminal_state(self, state: Any) -> bool:
        return False


def test_a_step_whose_tools_cannot_be_told_is_left_out() -> None:
    assert list(tools_by_step(_Picky(), _State())) == ["one"]  # type: ignore[arg-type]


@pytest.mark.parametrize(("step", "steps"), [("free", ("free",)), (None, ())])
def test_steps_that_are_no_enum_are_shown_as_far_as_they_are_known(step: str | None, steps: tuple[str, ...]) -> None:
    assert Progress.of(_Picky(), _State(step)).steps == steps  # type: ignore[arg-type]
