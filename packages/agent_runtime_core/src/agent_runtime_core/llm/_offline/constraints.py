"""A found value in the form its schema wants, or the reason why it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from agent_runtime_core.llm._offline.schema import Kind, Parameter


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value was not taken: a key of the table `why` in the language files, and its limit."""

    key: str
    limit: Any = ""


_NUMBER_LIMITS: dict[str, Callable[[float, float], bool]] = {
    "minimum": lambda value, limit: value >= limit,
    "maximum": lambda value, limit: value <= limit,
    "exclusiveMinimum": lambda value, limit: value > limit,
    "exclusiveMaximum": lambda value, limit: value < limit,
    "multipleOf": lambda value, limit: limit <= 0 or abs(value / limit - round(value / limit)) < 1e-9,
}
_LENGTHS: dict[str, Callable[[int, int], bool]] = {
    "minLength": lambda length, limit: length >= limit,
    "maxLength": lambda length, limit: length <= limit,
}


def shaped(parameter: Parameter, value: Any) -> Any | Problem:
    """The value as JSON of the schema's type, checked against the limits the schema names."""
    if isinstance(value, date):
        value = value.isoformat()
    if parameter.kind is Kind.TIME and parameter.schema.get("format") == "time":
        value = f"{value}:00"
    if parameter.type == "integer" and isinstance(value, float):
        return Problem("whole")
    if parameter.type == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value) if parameter.kind is not Kind.CHOICE else value
    return _broken_limit(parameter, value) or value


def _broken_limit(parameter: Parameter, value: Any) -> Problem | None:
    schema = parameter.schema
    if isinstance(value, bool) or parameter.kind is Kind.CHOICE:
        return None
    if isinstance(value, int | float):
        return next(
            (Problem(k, schema[k]) for k, fits in _NUMBER_LIMITS.items() if not _holds(fits, value, schema.get(k))),
            None,
        )
    if isinstance(value, str):
        length = len(value)
        return next(
            (Problem(k, schema[k]) for k, fits in _LENGTHS.items() if not _holds(fits, length, schema.get(k))), None
        )
    return None


def _holds(fits: Callable[[Any, Any], bool], value: float, limit: object) -> bool:
    return isinstance(limit, bool) or not isinstance(limit, int | float) or fits(value, limit)
