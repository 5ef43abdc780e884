"""What a journey tells the model: the persona stays, the step's instruction comes last."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from string import Template
from typing import TYPE_CHECKING, Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey.wording import told

if TYPE_CHECKING:
    from agent_runtime_framework.journey.definition import JourneyDefinition, StepDefinition
    from agent_runtime_framework.journey.fields import StateFields
    from agent_runtime_framework.journey.form import Form
    from agent_runtime_framework.journey.journey import Journey

MASK = "•••"
"""What stands for a sensitive value."""

RULES = (
    "You guide a conversation, one step at a time. Only a tool call records or changes anything: never say that "
    "something is done unless a tool's result says so."
)


def step_prompt(
    journey: JourneyDefinition, step: StepDefinition, state: Any, withheld: Mapping[str, str], about: str = ""
) -> list[JSONObject]:
    """The system prompt as blocks: the lasting head, marked for the providers' caches, and the step's instruction."""
    prompt = step.prompt or ""
    if not (about or withheld or "$" in prompt):
        return [*_lasting(journey.persona, prompt)]
    tail = render(prompt, state)
    if about or withheld:
        reasons = (f"{name} is not possible now: {reason}" for name, reason in withheld.items())
        tail = "\n".join(part for part in (tail, about, *reasons) if part)
    return [*_blocks(journey.persona, tail)]


def _blocks(persona: str, tail: str) -> tuple[JSONObject, ...]:
    head, tail = _head(persona), tail.strip()
    return (head, {"type": "text", "text": tail}) if tail else (head,)


_lasting = lru_cache(maxsize=1024)(_blocks)
"""The blocks of a step whose instruction is always the same; the same dicts in every request, not to be changed."""


@lru_cache(maxsize=256)
def _head(persona: str) -> JSONObject:
    """The lasting block; the same dict in every request, not to be changed."""
    text = f"{persona}\n\n{RULES}" if persona else RULES
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}


def render(template: str, state: object) -> str:
    """A template filled once with the state's fields and properties, and the answers of its forms.

    Sensitive ones are masked; unknown names stay as written.
    """
    return Template(template).safe_substitute(_Values(state)) if "$" in template else template


class _Values(dict[str, str]):
    """The state's fields as text, read when a template asks for one."""

    def __init__(self, state: object) -> None:
        super().__init__()
        self._state = state
        self._fields: StateFields = getattr(type(state), "state_fields")  # noqa: B009  any journey class

    def __missing__(self, name: str) -> str:
        if name not in self._fields.options and not isinstance(getattr(type(self._state), name, None), property):
            return self._of_form(name)
        value = getattr(self._state, name)
        if value not in (None, "") and name in self._fields.sensitive:
            return MASK
        return shown(value)

    def _of_form(self, name: str) -> str:
        state = cast("Journey", self._state)
        for step, progress in state.forms.items():
            form = cast("Form[Any]", type(state).definition.steps[step].collect)
            for field, value in form.shown(progress):
                if field.name == name:
                    return told(field, value, form.language)
        raise KeyError(name)


def shown(value: object) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(shown(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)
