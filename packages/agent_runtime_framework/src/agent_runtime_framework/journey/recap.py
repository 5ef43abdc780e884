"""What a conversation has come to so far, in a line that is made from the state, not from what was said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from agent_runtime_framework.journey.prompting import shown
from agent_runtime_framework.journey.wording import told

if TYPE_CHECKING:
    from agent_runtime_framework.journey.form import Form
    from agent_runtime_framework.journey.journey import Journey


def recap_of(state: Journey) -> str:
    """What is known, such as "kind: car, plate: AB 123"; sensitive values are left out."""
    return ", ".join((*_fields(state), *_answers(state)))


def _fields(state: Journey) -> Iterator[str]:
    fields = type(state).state_fields
    for name, options in fields.options.items():
        value: Any = getattr(state, name)
        if name in fields.sensitive or value in (None, "", False) or value == fields.default_of(name):
            continue
        label = (options.description or name).replace("_", " ").rstrip(".")
        yield label if value is True else f"{label}: {shown(value)}"


def _answers(state: Journey) -> Iterator[str]:
    for step, progress in state.forms.items():
        form = cast("Form[Any]", type(state).definition.steps[step].collect)
        for field, value in form.shown(progress):
            if not field.is_sensitive:
                yield f"{field.label}: {told(field, value, form.language)}"
