"""States to try things on: for each step the fresh one, a filled one, and those that differ from them in one field."""

from __future__ import annotations

import copy
import types
import typing
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints
from uuid import UUID

MOST_FIELDS = 24
"""Of how many fields each is varied by itself."""

_SAMPLES: dict[Any, tuple[Any, ...]] = {
    bool: (True, False),
    int: (1, 3, 0),
    float: (1.5, 0.0),
    str: ("Ada", ""),
    Decimal: (Decimal("1.50"),),
    date: (date(2030, 5, 17),),
    datetime: (datetime(2030, 5, 17, 9, 30, tzinfo=UTC),),
    time: (time(9, 30),),
    UUID: (UUID(int=1),),
    type(None): (None,),
    list: (["Ada"],),
    dict: ({"Ada": 1},),
    set: ({"Ada"},),
    tuple: (("Ada",),),
}


def trial_states(initial: Any, step: Any) -> list[Any]:
    """States in this step. Attributes that cannot be set are left as they are."""
    fresh = _in_step(initial, step)
    if fresh is None:
        return []
    samples = _samples_of(fresh)
    filled = copy.deepcopy(fresh)
    for name, values in samples.items():
        _put(filled, name, values[0])
    states = [fresh, filled]
    for name, values in list(samples.items())[:MOST_FIELDS]:
        for value in values:
            states += list(_varied(fresh, name, value))
        states += list(_varied(filled, name, getattr(fresh, name)))
    return states


def _in_step(initial: Any, step: Any) -> Any:
    try:
        state = copy.deepcopy(initial)
        state.step = step
    except Exception:  # noqa: BLE001  an author's state may refuse to be copied or set
        return None
    return state


def _varied(state: Any, name: str, value: Any) -> Iterator[Any]:
    varied = copy.deepcopy(state)
    if _put(varied, name, value):
        yield varied


def _put(state: Any, name: str, value: Any) -> bool:
    try:
        setattr(state, name, copy.deepcopy(value))
    except Exception:  # noqa: BLE001  as above
        return False
    return True


def _samples_of(state: Any) -> dict[str, tuple[Any, ...]]:
    hints = _hints_of(cast("type[Any]", type(state)))
    names = [name for name in getattr(state, "__dict__", {}) if name != "step" and not name.startswith("_")]
    found: dict[str, tuple[Any, ...]] = {}
    for name in names:
        samples = sample_values(hints.get(name)) or sample_values(type(getattr(state, name)))
        if samples:
            found[name] = samples
    return found


def _hints_of(owner: type) -> dict[str, Any]:
    try:
        return get_type_hints(owner)
    except Exception:  # noqa: BLE001  hints that cannot be resolved only make the samples poorer
        return {}


def sample_values(hint: Any) -> tuple[Any, ...]:
    """Values of a type, the most telling first; none if the type is unknown."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return tuple(hint)
    origin = get_origin(hint)
    if origin is Literal:
        return get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return tuple(value for each in get_args(hint) for value in sample_values(each))
    if origin in (list, set, frozenset, tuple):
        inner = sample_values(get_args(hint)[0])
        return (cast("Any", origin)(inner[:1]),) if inner else ()
    if origin is dict:
        keys, values = (sample_values(each) for each in get_args(hint))
        return ({keys[0]: values[0]},) if keys and values else ()
    try:
        return _SAMPLES.get(hint, ())
    except TypeError:
        return ()
