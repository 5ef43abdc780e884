"""Reading type hints: where their names are looked up, and which parameters the program fills."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.declare import INJECTED, KEY, SAID
from agent_runtime_framework.journey.mistakes import source_of

LOCALS = "__journey_locals__"


def names_around_class() -> Mapping[str, Any]:
    """The local names where a class is being made, for its `__init_subclass__`.

    There are none at the top of a module, whose names are found anyway.
    """
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    while frame.f_globals.get("__name__") == "abc" and frame.f_back is not None:
        frame = frame.f_back  # the metaclass is written in Python
    return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)


def hint_names(owner: type) -> dict[str, Any]:
    """What hints in a class may name, besides the globals of its module.

    Nested classes are among them; the class's other attributes are not: they would hide the types they are named after.
    """
    names: dict[str, Any] = {}
    for base in reversed(owner.__mro__):
        names.update(vars(base).get(LOCALS, {}))
        names.update((name, each) for name, each in vars(base).items() if isinstance(each, type))
    return names


def read_hints(thing: Any, owner: type) -> dict[str, Any]:
    """The hints of a class or of one of its methods.

    Raises:
        NameError: One of them names what is defined nowhere yet.
    """
    return get_type_hints(thing, localns=hint_names(owner), include_extras=True)


@lru_cache(maxsize=1024)
def said_parameters(function: Callable[..., Any], owner: type) -> tuple[str, ...]:
    """The parameters of a tool whose values have to be the person's own words."""
    hints = read_hints(function, owner)
    return tuple(name for name, hint in hints.items() if get_origin(hint) is Annotated and SAID in get_args(hint)[1:])


def is_choice(hint: Any) -> bool:
    """True if a value of this type is one of few that the author wrote down, or a flag, or nothing."""
    origin = get_origin(hint)
    if origin is Annotated:
        return is_choice(get_args(hint)[0])
    if origin in (Union, UnionType):
        return all(map(is_choice, get_args(hint)))
    return origin is Literal or hint in (bool, NoneType) or (isinstance(hint, type) and issubclass(hint, Enum))


class HiddenParameters(Mapping[str, Any]):
    """The parameters of a tool that the program fills, with what fills each: a type, or `KEY`.

    Read as soon as every name in the hints is defined; to look earlier is a `ConfigurationError`.
    """

    def __init__(self, function: Callable[..., Any], owner: type) -> None:
        self._function = function
        self._owner = owner
        self._found: dict[str, Any] | None = None
        # A name may be defined further down in the module; whoever needs it later says so if it is not.
        with suppress(ConfigurationError):
            self._read()

    def __getitem__(self, name: str) -> Any:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def _read(self) -> dict[str, Any]:
        if self._found is None:
            try:
                hints = read_hints(self._function, self._owner)
            except NameError as error:
                where, name = source_of(self._function), self._function.__name__
                raise ConfigurationError(f"{where}: the hints of tool {name!r} cannot be read: {error}") from error
            found = {name: filler for name, hint in hints.items() if (filler := _filler(hint)) is not None}
            found.pop("return", None)
            self._found = found
        return self._found


def _filler(hint: Any) -> Any:
    if isinstance(hint, type):
        return hint if getattr(hint, "is_filled_by_the_program", False) else None
    if get_origin(hint) is not Annotated:
        return None
    kind, *notes = get_args(hint)
    return kind if INJECTED in notes else KEY if KEY in notes else None
