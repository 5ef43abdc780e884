"""All checks, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from agent_runtime_framework.journey.check import code, forms, moves, notes, prompts, schemas, state, tools
from agent_runtime_framework.journey.check.finding import ERROR, Finding, Findings, Severity
from agent_runtime_framework.journey.definition import Source
from agent_runtime_framework.journey.source import Reading, read

CHECKS: tuple[Callable[[Reading], Findings], ...] = (
    notes.find,
    moves.find,
    prompts.find,
    tools.find,
    schemas.find,
    state.find,
    forms.find,
    code.find,
)

_ORDER = list(Severity)


def check(subject: Any) -> list[Finding]:
    """The mistakes in a journey, the worst first.

    None of its tools is run. An agent in the long form is asked for its initial state and, in many states, for its
    prompt, its tools and whether it is over.

    Args:
        subject: A `Journey` class, its agent, or an agent in the long form.

    Raises:
        ConfigurationError: It is none of these, or has no initial state.
    """
    return check_reading(read(subject))


def check_reading(reading: Reading) -> list[Finding]:
    """The same for a journey that was read already."""
    found = [finding for each in CHECKS for finding in each(reading)]
    return _sorted(_once(found))


def finding_of(error: Exception) -> Finding:
    """What a class says that could not be made, as a finding with its place."""
    text = str(error)
    place = re.match(r"(?P<file>[^\n]+?\.py):(?P<line>\d+): ", text)
    source = Source(place["file"], int(place["line"])) if place else None
    message = text[place.end() :] if place else text
    return Finding(code="declaration", severity=ERROR, message=message, source=source)


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """One of several that say the same of the same place: a tool that several steps offer is one mistake."""
    found: dict[tuple[object, ...], Finding] = {}
    for each in findings:
        found.setdefault((each.code, each.source, each.message), each)
    return list(found.values())


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda each: (_ORDER.index(each.severity), each.file, each.line, each.code))
