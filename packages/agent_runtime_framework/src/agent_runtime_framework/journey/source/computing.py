"""Computing with values that may be several things."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from itertools import product
from typing import Any, cast

from agent_runtime_framework.journey.source.values import UNKNOWN, Instance, Known, Value, Values, objects, union

NONE: Values = (Known(None),)

MOST = 64
"""How many combinations of values are tried."""


class Table:
    """A dict display whose values are known as far as they are."""

    def __init__(self, table: dict[Any, Values]) -> None:
        self.table = table

    def get(self, keys: list[Any] | None, default: Values = ()) -> Values:
        """What may be found under these keys."""
        if keys is None:
            return union(*self.table.values(), default)
        return union(*(self.table.get(key, default) for key in keys if is_hashable(key)))

    def get_or(self, keys: Values = (), default: Values = NONE) -> Values:
        """The same as `dict.get`."""
        return self.get(objects(keys), default)


def computed(function: Callable[..., Any], arguments: list[Values]) -> Values:
    """The function's results for everything the arguments may be."""
    known = [objects(each) for each in arguments]
    if any(each is None for each in known):
        return UNKNOWN
    found: list[Value] = []
    for number, combination in enumerate(product(*cast("list[list[Any]]", known))):
        if number >= MOST:
            return UNKNOWN
        try:
            found.append(Known(function(*combination)))
        except Exception:  # noqa: BLE001  in the author's program this way ends with the same exception
            continue
    return union(tuple(found))


def is_state(value: Value) -> bool:
    """True for the state itself."""
    return isinstance(value, Instance) and value.role in ("state", "journey")


def truth_of(value: Value) -> bool | None:
    """Whether a value counts as true; None where that is open."""
    if isinstance(value, Known) and (value.value is None or isinstance(value.value, bool | int | str)):
        return bool(value.value)
    return None


def equal(one: Any, other: Any) -> bool:
    """Whether two objects are equal."""
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001  an author's __eq__ may raise anything
        return False


def shown(value: Any) -> str:
    """An object as an f-string shows it."""
    return str(value.value) if isinstance(value, Enum) and not isinstance(value, str) else str(value)


def is_hashable(value: Any) -> bool:
    """True if it can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True
