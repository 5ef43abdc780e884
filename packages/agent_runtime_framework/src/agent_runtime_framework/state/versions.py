"""Versions of a state: which one wrote what is stored, and how it becomes what the present code reads.

Rules:
    - A stored state names its version under `_version`; one that names none was written by version 1.
    - An older state goes through every migration from its version on, in memory; it is kept with the turn that follows.
    - A newer one is refused: code that was rolled back must not write over what it does not understand.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError, StateError, StateTooNew

VERSION = "_version"
"""Where a stored state says which version wrote it."""

_MARK = "__migrates__"

Migration: TypeAlias = "staticmethod[[JSONObject], JSONObject]"
"""What `migrate` makes: takes a stored state of one version, and gives that of a later one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationMark:
    """What a function was declared to migrate."""

    source: int
    target: int
    function: Callable[[JSONObject], JSONObject]

    @property
    def place(self) -> str:
        """Where it was written."""
        code = inspect.unwrap(self.function).__code__
        return f"{code.co_filename}:{code.co_firstlineno}"

    def apply(self, state: JSONObject) -> JSONObject:
        """What the function makes of a state.

        Raises:
            StateError: It raised, or returned something else than a state.
        """
        try:
            migrated = cast("object", self.function(state))
        except StateError:
            raise
        except Exception as error:  # it is the author's, and may stumble over old data in any way
            raise StateError(f"{self} failed ({self.place}): {type(error).__name__}: {error}") from error
        if not isinstance(migrated, dict):
            raise StateError(f"{self} returned {type(migrated).__name__} ({self.place}); expected the state, as a dict")
        return cast("JSONObject", migrated)

    def __str__(self) -> str:
        return f"@migrate({self.source}, {self.target}) {self.function.__name__!r}"


def migrate(
    source: int, target: int
) -> Callable[[Callable[[JSONObject], JSONObject] | Migration], staticmethod[[JSONObject], JSONObject]]:
    """Make a function of a class the migration from one version of its state to a later one.

    The function gets the stored state as plain JSON, its own copy, and returns what the later version stores. It takes
    no `self`: there is no object yet. The fields are under their names, the step is under `step`.

    Args:
        source: The version that wrote the state.
        target: The version that reads it.

    Raises:
        ConfigurationError: The numbers, or the function, cannot be meant; the text gives file and line.
    """

    def declare(
        function: Callable[[JSONObject], JSONObject] | Migration,
    ) -> staticmethod[[JSONObject], JSONObject]:
        plain = function.__func__ if isinstance(function, staticmethod) else function
        if not inspect.isfunction(plain):
            raise ConfigurationError(
                f"@migrate({source}, {target}) is given {function!r:.80}; expected a function that takes the stored "
                "state, and returns it changed"
            )
        mark = MigrationMark(source=source, target=target, function=plain)
        _require_meant(mark)
        setattr(plain, _MARK, mark)
        return staticmethod(plain)

    return declare


def _require_meant(mark: MigrationMark) -> None:
    for number in (mark.source, mark.target):
        if (problem := _not_a_version(number)) is not None:
            raise ConfigurationError(f"{mark.place}: {mark}: {problem}")
    if mark.source >= mark.target:
        raise ConfigurationError(
            f"{mark.place}: {mark} leads back; migrations go up, from the version that is stored to a later one"
        )
    if inspect.iscoroutinefunction(mark.function):
        raise ConfigurationError(f"{mark.place}: {mark} is async; states are migrated without waiting, drop `async`")
    try:
        inspect.signature(mark.function).bind({})
    except TypeError as error:
        raise ConfigurationError(
            f"{mark.place}: {mark} takes other parameters than the stored state ({error}); "
            f"write `def {mark.function.__name__}(state: JSONObject) -> JSONObject`"
        ) from None


def _not_a_version(value: object) -> str | None:
    """What is wrong with a version; None if nothing is."""
    if isinstance(value, bool) or not isinstance(value, int):
        return f"version {value!r} is no whole number; versions are 1, 2, 3, ..."
    return f"version {value} is not possible; versions begin at 1" if value < 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of one class: the present one, and the ways up to it.

    Attributes:
        owner: The class's name.
        current: The version that the code writes.
        marks: The migrations, by the version they begin at; a chain without gaps that ends at `current`.
    """

    owner: str
    current: int = 1
    marks: Mapping[int, MigrationMark]

    def bring(self, state: JSONObject, found: int) -> JSONObject:
        """A stored state of an earlier version as the present one stores it.

        Args:
            state: The state; it is left as it is.
            found: The version that wrote it.

        Raises:
            StateError: There is no way from there, or a migration failed.
        """
        migrated = copy.deepcopy(state)
        while found < self.current:
            mark = self.marks.get(found)
            if mark is None:
                raise StateError(
                    f"{self.owner} has no migration from version {found}; write a function for it, "
                    f"`@migrate({found}, {found + 1})`, which returns the state as version {found + 1} stores it"
                )
            migrated, found = mark.apply(migrated), mark.target
        return migrated


def versions_of(owner: type, place_of: Callable[[type, str], object] = lambda _owner, _name: None) -> Versions:
    """The versions of a class, from its `version` and the `migrate` functions in it and in its bases.

    Args:
        owner: The class.
        place_of: Tells where a name is written in a class.

    Raises:
        ConfigurationError: They do not fit together; the text gives file, line and the way out.
    """
    current: object = inspect.getattr_static(owner, "version", 1)
    if isinstance(current, property):
        current = 1  # told by each object, and checked when a state is read
    chain = sorted(_marks_in(owner), key=lambda mark: mark.source)
    if (problem := _not_a_version(current)) is not None:
        raise ConfigurationError(_at(place_of(owner, "version"), f"{owner.__name__}: {problem}"))
    assert isinstance(current, int)
    _require_chain(owner.__name__, chain)
    if chain and chain[-1].target != current:
        _refuse_end(owner.__name__, chain[-1], current)
    return Versions(owner=owner.__name__, current=current, marks={mark.source: mark for mark in chain})


def mark_of(migration: object) -> MigrationMark:
    """What a function was declared to migrate.

    Raises:
        ConfigurationError: It was not made by `migrate`.
    """
    mark = _mark_of(migration)
    if mark is None:
        raise ConfigurationError(
            f"{migration!r:.80} is no migration; expected a function that is decorated with `@migrate(1, 2)`"
        )
    return mark


def _mark_of(value: object) -> MigrationMark | None:
    return getattr(getattr(value, "__func__", None), _MARK, None)


class VersionedState:
    """Whoever loads states that earlier versions of it may have stored.

    Attributes:
        version: Of the state's shape, of the class. States of earlier versions are migrated when they are loaded, those
            of later ones are refused.
    """

    version: int = 1
    _versions: ClassVar[Versions] = Versions(owner="VersionedState", marks={})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check the version and the migrations of the class.

        Raises:
            ConfigurationError: They do not fit together; the text gives file, line and the way out.
        """
        super().__init_subclass__(**kwargs)
        cls._versions = versions_of(cls)

    def migrate(self, state: JSONObject, from_version: int) -> JSONObject:
        """A stored state of an earlier version as `version` stores it.

        By default, through the functions that `@migrate(...)` marks in the class.

        Args:
            state: What was stored; plain JSON, and yours to change.
            from_version: The version that stored it; 1 where none is named.
        """
        return self._versions.bring(state, from_version)


def _marks_in(owner: type) -> Iterable[MigrationMark]:
    found: dict[str, Any] = {}
    for base in reversed(owner.__mro__):
        found.update(vars(base))
    marks = map(_mark_of, found.values())
    return [mark for mark in marks if mark is not None]


def _require_chain(owner: str, chain: list[MigrationMark]) -> None:
    for earlier, later in pairwise(chain):
        if earlier.source == later.source:
            raise ConfigurationError(
                f"{later.place}: {owner} has two migrations from version {later.source}, {earlier} and {later}; "
                "states can go one way only, so join them"
            )
        if earlier.target != later.source:
            raise ConfigurationError(
                f"{later.place}: {owner} has {earlier} and then {later}; nothing leads from version {earlier.target} "
                f"to {later.source}, write `@migrate({earlier.target}, {later.source})`"
            )


def _refuse_end(owner: str, last: MigrationMark, current: int) -> None:
    way = (
        f"set `version = {last.target}`"
        if last.target > current
        else f"write `@migrate({last.target}, {current})`, or set `version = {last.target}`"
    )
    raise ConfigurationError(
        f"{last.place}: {owner} is version {current}, but its last migration, {last}, leads to {last.target}; {way}"
    )


def _at(place: object, message: str) -> str:
    return message if place is None else f"{place}: {message}"


def version_of(state: Mapping[str, Any]) -> int:
    """The version that wrote a stored state.

    Raises:
        StateError: What stands there is no version.
    """
    found: object = state.get(VERSION, 1)
    if (problem := _not_a_version(found)) is not None:
        raise StateError(f"{VERSION} in the stored state: {problem}")
    return cast("int", found)


def up_to_date(
    state: Mapping[str, Any], current: int, bring: Callable[[JSONObject, int], JSONObject]
) -> tuple[JSONObject, int]:
    """A stored state as the present version stores it, without the version, and the version that wrote it.

    Args:
        state: The stored state; it is left as it is.
        current: The present version.
        bring: Migrates a state from an earlier version.

    Raises:
        StateTooNew: A later version wrote it.
        StateError: It cannot be migrated.
    """
    found = version_of(state)
    plain = {name: value for name, value in state.items() if name != VERSION}
    if found > current:
        raise StateTooNew(found, current)
    if found == current:
        return plain, found
    migrated = cast("object", bring(plain, found))
    if not isinstance(migrated, dict):
        raise StateError(
            f"migrating from version {found} gave {type(migrated).__name__}; expected the state, as a dict"
        )
    return {name: value for name, value in cast("JSONObject", migrated).items() if name != VERSION}, found
