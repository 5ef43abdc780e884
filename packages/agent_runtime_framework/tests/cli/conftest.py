"""A screen without a terminal, and `agent-runtime` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import pytest

from agent_runtime_framework.cli.screen import Marks, Question, Screen
from agent_runtime_framework.cli.spans import Line, Tone

EXAMPLES = Path(__file__).parents[4] / "examples"

Process: TypeAlias = subprocess.CompletedProcess[str]
RunCLI: TypeAlias = Callable[..., Process]


class FakeScreen(Screen):
    """Answers from a list, and keeps what it was shown."""

    marks = Marks()

    def __init__(
        self, answers: Iterable[str | BaseException] = (), *, width: int = 80, is_interactive: bool = True
    ) -> None:
        self.answers = list(answers)
        self.is_interactive = is_interactive
        self.can_erase = True
        self.columns = width
        self.text = ""
        self.questions: list[Question] = []

    @property
    def width(self) -> int:
        return self.columns

    def show(self, *lines: Line, hanging: int = 0) -> None:
        self.text += "".join("".join(span.text for span in line) + "\n" for line in lines)

    def note(self, *lines: Line) -> None:
        self.show(*lines)

    def write(self, text: str, tone: Tone = "text") -> None:
        self.text += text

    def erase(self, rows: int) -> None:
        kept = self.text.split("\n")
        self.text = "\n".join([*kept[: len(kept) - 1 - rows], ""])

    def ask(self, question: Question) -> str:
        self.questions.append(question)
        if not self.answers:
            raise EOFError
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def ask_within(self, question: Question) -> str:
        return self.ask(question)


@pytest.fixture
def make_screen() -> type[FakeScreen]:
    return FakeScreen


@pytest.fixture
def examples() -> Path:
    return EXAMPLES


def clean_environment() -> dict[str, str]:
    """The environment without anything that names a model or steers a terminal."""
    unwanted = ("AGENT_RUNTIME_", "OPENAI_", "ANTHROPIC_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "PYTHONIOENCODING": "utf-8", "TERM": "xterm"}


@pytest.fixture
def run_cli(tmp_path: Path) -> RunCLI:
    """`run_cli("chat", target, lines=[...])` in a directory of its own."""

    def run(*args: str, lines: Iterable[str] = (), **environment: str) -> Process:
        return subprocess.run(
            [sys.executable, "-m", "agent_runtime_framework.cli.main", *args],
            input="".join(f"{line}\n" for line in lines),
            cwd=tmp_path,
            env={**clean_environment(), **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run
