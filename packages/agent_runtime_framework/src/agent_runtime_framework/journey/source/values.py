"""What a value in an author's code may be, without running the code."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from agent_runtime_framework.journey.definition import Source

Role: TypeAlias = Literal["state", "tools", "agent", "journey", "ctx"]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Exactly this object."""

    value: Any


@dataclass(frozen=True, slots=True)
class Instance:
    """The one object of the turn that plays this part."""

    role: Role
    cls: type


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A method, with the object it belongs to."""

    function: Callable[..., Any]
    owner: Value
    cls: type | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A function inside a function, or a lambda."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    names: Mapping[str, Values]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A tuple or list whose elements are known as far as this says."""

    parts: tuple[Values, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything; `why` says what could not be followed."""

    why: str = ""


Value: TypeAlias = Known | Instance | Bound | Closure | Parts | Unknown
Values: TypeAlias = tuple[Value, ...]
"""One of these."""

UNKNOWN: Values = (Unknown(),)


def union(*many: Values) -> Values:
    """One of all of these, without repetitions."""
    found: list[Value] = []
    for values in many:
        for value in values:
            if not any(is_same(value, each) for each in found):
                found.append(value)
    return tuple(found)


def is_same(one: Value, other: Value) -> bool:
    """True if both are surely the same."""
    if isinstance(one, Known) and isinstance(other, Known):
        return one.value is other.value or (
            type(one.value) is type(other.value)
            and isinstance(one.value, str | int | bool)
            and one.value == other.value
        )
    return one is other or (type(one) is type(other) and isinstance(one, Instance | Unknown) and one == other)


def objects(values: Values) -> list[Any] | None:
    """The objects, if all are known."""
    found = [value.value for value in values if isinstance(value, Known)]
    return found if len(found) == len(values) else None


@dataclass(frozen=True, slots=True)
class At:
    """A step the state may be in, and where it was put there; no source if it was there from the start."""

    value: Value
    source: Source | None = None


@dataclass(slots=True)
class Env:
    """What is known at one point of a function."""

    names: dict[str, Values]
    step: tuple[At, ...]

    def copy(self) -> Env:
        """An environment that changes independently."""
        return Env(dict(self.names), self.step)


def merged(envs: Iterable[Env | None]) -> Env | None:
    """What is known where several ways meet; None if none of them gets there."""
    alive = [env for env in envs if env is not None]
    if not alive:
        return None
    first, *rest = alive
    result = first.copy()
    for env in rest:
        for name in result.names.keys() | env.names.keys():
            result.names[name] = union(result.names.get(name, ()), env.names.get(name, ()))
        result.step = merged_steps(result.step, env.step)
    return result


def merged_steps(one: tuple[At, ...], other: tuple[At, ...]) -> tuple[At, ...]:
    """Both, without repetitions."""
    found = list(one)
    for each in other:
        if not any(each.source == known.source and is_same(each.value, known.value) for known in found):
            found.append(each)
    return tuple(found)


@dataclass(slots=True)
class Outcome:
    """What a function may come to.

    Attributes:
        returned: What it returns.
        step: The steps the state may be in at its end.
    """

    returned: Values = ()
    step: tuple[At, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something in the code that was not followed, or cannot work.

    Attributes:
        source: Where.
        text: What, as a sentence without a full stop.
        code: "unread" for what was not followed; else the code of a finding.
    """

    source: Source
    text: str
    code: str = "unread"


@dataclass(slots=True)
class Notes:
    """What is noted while code is followed, each once."""

    found: dict[tuple[Source, str], Note] = field(default_factory=dict[tuple[Source, str], Note])

    def add(self, source: Source, text: str, code: str = "unread") -> None:
        """Note something."""
        self.found.setdefault((source, code), Note(source, text, code))
