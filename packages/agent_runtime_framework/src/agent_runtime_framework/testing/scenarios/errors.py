"""What is wrong with a scenario, with the place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_runtime_framework.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class ScenarioError(ConfigurationError):
    """A scenario file cannot be read or used; each line of the text begins with file and line.

    Attributes:
        problems: What is wrong, with the places.
    """

    def __init__(self, problems: Sequence[tuple[Place, str]]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(f"{place}: {text}" for place, text in problems))


class ExpectationFailed(AssertionError):
    """A conversation did not go as its scenario says; each line of the text begins with file and line.

    Attributes:
        failures: What went otherwise, with the places.
        conversation: The conversation, retold.
    """

    def __init__(self, failures: Sequence[tuple[Place, str]], conversation: str) -> None:
        self.failures = list(failures)
        self.conversation = conversation
        super().__init__("\n".join(f"{place}: {text}" for place, text in failures))
