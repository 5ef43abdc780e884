"""What was noticed while the journey was read."""

from __future__ import annotations

from agent_runtime_framework.journey.check.finding import ERROR, HINT, WARNING, Finding, Findings, Severity
from agent_runtime_framework.journey.source import Reading

KINDS: dict[str, tuple[Severity, str]] = {
    "unread": (HINT, "name the step where it is assigned, or declare the move; check and graph then know of it"),
    "unknown-step": (ERROR, "correct the name, or declare the step"),
    "step-type": (ERROR, "assign the member of the enum; text has no .value, and compares differently"),
    "duplicate-tool": (ERROR, "providers reject the request; give one of them another name"),
    "missing-prompt": (ERROR, "add one to what get_system_prompt looks up"),
    "unknown-name": (ERROR, "correct the name, or pass the value where the prompt is filled"),
    "prompt-fails": (
        ERROR,
        "no turn can begin in this step; make it work for a state in which nothing is filled in yet",
    ),
    "tools-fail": (ERROR, "no turn can begin in this step; answer with an empty list where there are no tools"),
    "is-complete": (ERROR, "answer for every state, also for one in which nothing is filled in yet"),
    "tools-at-the-end": (WARNING, "a journey that is over should offer nothing; answer with an empty list there"),
    "undeclared-move": (
        WARNING,
        "declare it with to=, and return the step; moves are then checked, drawn and recorded",
    ),
    "initial-state": (ERROR, "give every field a default; a conversation begins with nothing filled in"),
    "tool-hints": (ERROR, "give every parameter a type hint that a model can fill"),
}


def find(reading: Reading) -> Findings:
    """Each note as a finding."""
    for note in reading.notes:
        if note.code not in KINDS:
            continue
        severity, hint = KINDS[note.code]
        yield Finding(code=note.code, severity=severity, message=note.text, hint=hint, source=note.source)
