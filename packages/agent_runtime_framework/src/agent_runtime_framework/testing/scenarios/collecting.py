"""Scenario files as pytest sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self, cast

import pytest

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.testing.conversation.talk import Observer
from agent_runtime_framework.testing.scenarios.errors import ExpectationFailed, Place, ScenarioError
from agent_runtime_framework.testing.scenarios.reading import read_scenarios
from agent_runtime_framework.testing.scenarios.running import run_scenario
from agent_runtime_framework.testing.scenarios.scenario import Scenario


class ScenarioModule(pytest.File):
    """A scenario file; each scenario is a test."""

    observers: Sequence[Observer] = ()

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, observers: Sequence[Observer]) -> Self:
        """The module of a file; its conversations are told to the observers."""
        module = cast("Any", cls).from_parent(parent, path=path)
        module.observers = observers
        return module

    def collect(self) -> Iterator[ScenarioItem]:
        """The scenarios of the file."""
        try:
            found = read_scenarios(self.path)
        except ConfigurationError as error:
            raise self.CollectError(_relative(error)) from error
        for each in found.scenarios:
            item: ScenarioItem = cast("Any", ScenarioItem).from_parent(self, name=each.name)
            item.scenario, item.observers = each, self.observers
            yield item


class ScenarioItem(pytest.Item):
    """One scenario."""

    scenario: Scenario
    observers: Sequence[Observer] = ()

    def runtest(self) -> None:
        """Hold the conversation."""
        if self.scenario.skip:
            pytest.skip(self.scenario.skip)
        run_scenario(self.scenario, self.observers)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What went otherwise, with file and line, and the conversation; a traceback only for other errors."""
        error = excinfo.value
        if isinstance(error, ExpectationFailed):
            return f"{_relative(error)}\n\n{error.conversation}"
        if isinstance(error, ScenarioError):
            return _relative(error)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the scenario stands."""
        return self.path, self.scenario.place.line - 1, self.name


def _relative(error: Exception) -> str:
    """The error's text, with short paths."""
    places = getattr(error, "failures", None) or getattr(error, "problems", None)
    if not places:
        return str(error)
    return "\n".join(f"{_shown(place)}: {text}" for place, text in places)


def _shown(place: Place) -> str:
    try:
        return f"{place.file.relative_to(Path.cwd())}:{place.line}"
    except ValueError:
        return str(place)
