"""What a check says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey.definition import Source


class Severity(StrEnum):
    """How bad it is.

    - ERROR: somebody who talks to this journey will run into it.
    - WARNING: it is most likely not meant like that.
    - HINT: it works, and could be better.
    """

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


ERROR, WARNING, HINT = Severity.ERROR, Severity.WARNING, Severity.HINT


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake.

    Attributes:
        code: What kind of mistake it is; stable, for programs.
        severity: How bad it is.
        message: What was found, as a sentence without a full stop.
        hint: What to do about it.
        source: Where.
        step: The step it concerns, if it is one.
        tool: The tool it concerns, if it is one.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    source: Source | None = None
    step: str | None = None
    tool: str | None = None

    @property
    def file(self) -> str:
        """The path of the file; empty if it is not known."""
        return self.source.file if self.source else ""

    @property
    def line(self) -> int:
        """The line, from 1; 0 if it is not known."""
        return self.source.line if self.source else 0

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source else ""
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{where}{self.severity}: {self.message} [{self.code}]{hint}"

    def to_dict(self) -> JSONObject:
        """The finding as JSON."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "hint": self.hint,
            "file": self.file,
            "line": self.line,
            "step": self.step,
            "tool": self.tool,
        }


Findings = Iterator[Finding]
