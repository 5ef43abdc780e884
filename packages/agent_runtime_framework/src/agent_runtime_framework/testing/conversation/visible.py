"""A state as a test sees it: its fields, and what its forms hold, without the engine's own notes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.form_journey import FormConversation
from agent_runtime_framework.journey.journey import BOOKKEEPING

MASK = "•••"


def visible_state(state: object) -> JSONObject:
    """The fields of a state as JSON; the answers of a step that is a form stand under the step's name."""
    data = dict(cast("JSONObject", getattr(state, "to_dict", dict)()))
    data.pop("step", None)
    data.pop(BOOKKEEPING, None)
    if not isinstance(state, Journey):
        return data
    for name, progress in state.forms.items():
        answers: JSONObject = progress.get("answers", {})
        data |= answers if isinstance(state, FormConversation) else {name: answers}
    return data


def shown_state(state: object) -> str:
    """The same as text, without what must not be shown."""
    text = json.dumps(visible_state(state), ensure_ascii=False, default=str)
    for secret in state.secrets() if isinstance(state, Journey) else ():
        text = text.replace(str(secret), MASK)
    return text


def difference(expected: Mapping[str, Any], found: Mapping[str, Any], *, within: str = "") -> list[tuple[str, str]]:
    """Where a state is not as expected, field by field; what is not mentioned may be anything."""
    wrong: list[tuple[str, str]] = []
    for name, value in expected.items():
        full = f"{within}{name}"
        if name not in found:
            wrong.append((name, f"there is no {full!r}; the state has: {', '.join(found) or 'nothing'}"))
        elif isinstance(value, Mapping) and isinstance(found[name], Mapping):
            inner = difference(cast("Mapping[str, Any]", value), found[name], within=f"{full}.")
            wrong += [(name, text) for _, text in inner]
        elif not is_same(value, found[name]):
            wrong.append((name, f"{full} is {found[name]!r}, expected {value!r}"))
    return wrong


def is_same(expected: Any, found: Any) -> bool:
    """True if two values mean the same in JSON: an amount may be a number or its text."""
    if isinstance(expected, bool) or isinstance(found, bool) or expected is None or found is None:
        return expected is found
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(cast("list[Any]", expected), cast("list[Any]", found), strict=False)
        return len(cast("list[Any]", expected)) == len(cast("list[Any]", found)) and all(
            is_same(*each) for each in pairs
        )
    return expected == found or _as_number(expected) == _as_number(found) is not None


def _as_number(value: Any) -> Decimal | None:
    if not isinstance(value, (int, float, str)):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
