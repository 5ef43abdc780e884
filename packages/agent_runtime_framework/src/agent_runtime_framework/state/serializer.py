"""Python values to JSON values, for an author's `to_dict`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeVar, cast
from uuid import UUID

from agent_runtime_framework.errors import ConfigurationError, StateError

__all__ = ["StateSerializer"]

EnumT = TypeVar("EnumT", bound=Enum)

_JSON_LEAVES = frozenset({str, int, float, bool, type(None)})


class StateSerializer:
    """What an author's `to_dict` and `from_dict` need for values that are not JSON."""

    @staticmethod
    def serialize(obj: Any) -> Any:
        """The value as JSON, sharing no container with the original.

        Enum members become their values; UUIDs, decimals, paths, dates and times become text; lists, tuples and sets
        become lists (sets in sorted order); mappings become dicts; an object with `to_dict` becomes its dict, a
        dataclass the dict of its fields. Anything else is returned unchanged.

        Raises:
            ConfigurationError: The value holds bytes, or contains itself.
        """
        try:
            return _serialized(obj)
        except RecursionError:
            raise ConfigurationError(
                f"a {type(obj).__name__} contains itself, or is nested too deeply to be kept as JSON; "
                "keep ids instead of references between the parts of a state"
            ) from None

    @staticmethod
    def deserialize_enum(value: Any, enum_class: type[EnumT]) -> EnumT:
        """The member of that value; a member passes through.

        Raises:
            StateError: No member has that value. It is a `ValueError`, and lists the values there are.
        """
        if isinstance(value, enum_class):
            return value
        try:
            return enum_class(value)
        except ValueError:
            known = ", ".join(repr(member.value) for member in enum_class)
            raise StateError(f"{value!r} is no {enum_class.__name__}; expected one of: {known}") from None


def _serialized(value: Any) -> Any:
    if type(value) in _JSON_LEAVES:
        return value
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    if isinstance(value, type):
        return value
    if callable(to_dict := getattr(value, "to_dict", None)):
        return _serialized(to_dict())
    if is_dataclass(value):
        return {field.name: _serialized(getattr(value, field.name)) for field in fields(value)}
    return value


def _list(values: Iterable[Any]) -> list[Any]:
    return [_serialized(value) for value in values]


def _dict(values: Mapping[Any, Any]) -> dict[Any, Any]:
    return {_key(key): _serialized(value) for key, value in values.items()}


def _key(key: Any) -> Any:
    serialized = key if type(key) is str else _serialized(key)
    # A list cannot be a key; the tuple it came from stays, for the author to see in the store's error.
    return key if isinstance(serialized, list | dict) else serialized


def _sorted_list(values: Set[Any]) -> list[Any]:
    serialized = _list(values)
    try:
        return sorted(serialized)
    except TypeError:
        return sorted(serialized, key=lambda value: (type(value).__name__, repr(value)))


def _refuse_bytes(value: Any) -> Any:
    raise ConfigurationError(
        f"a {type(value).__name__} of {len(value)} bytes cannot be kept in a state, which is JSON; "
        "keep a path or an id, or its base64 text"
    )


def _enum_value(member: Enum) -> Any:
    return _serialized(member.value)


def _isoformat(moment: date | time) -> str:
    return moment.isoformat()


_CONVERSIONS = cast(
    "tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...]",
    (
        (Enum, _enum_value),
        ((UUID, Decimal, PurePath), str),
        ((date, time), _isoformat),
        ((list, tuple, deque), _list),
        (Mapping, _dict),
        (Set, _sorted_list),
        ((bytes, bytearray, memoryview), _refuse_bytes),
    ),
)
"""The first kind that fits settles it; a `datetime` is a `date`."""
