"""Which names of a class body are fields, before `dataclass` sees it; what cannot be one is said with its line."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import uuid
from typing import Any

from agent_runtime_framework.journey.declare import Step, copies_of, is_changeable
from agent_runtime_framework.journey.mistakes import fail, source_in_class

RESERVED = frozenset(
    {
        "agent", "arrived_in", "as_it_is", "become", "begin_watching", "collected", "copy", "definition", "forms",
        "found_version", "from_dict", "fruitless", "get_step", "graph", "is_complete", "is_expired", "is_terminal",
        "kept_aside", "key", "lost_step", "on_idle",
        "progress_of", "recap", "reopen", "secrets", "set_step", "settle_derived", "state_fields", "step", "to_dict",
        "version",
    }
)  # fmt: skip
"""Names a journey cannot use for fields, steps or tools of its own."""

_OF_THE_CLASS = frozenset({"key", "on_idle", "version"})
_DATA = (
    str, int, float, bytes, tuple, list, dict, set, frozenset, type(None), enum.Enum, decimal.Decimal,
    datetime.date, datetime.time, datetime.timedelta, uuid.UUID, dataclasses.Field,
)  # fmt: skip


def prepare_fields(owner: type) -> None:
    """Make a class body fit for `dataclass`: steps are no fields, and each state gets its own copy of a list.

    Raises:
        ConfigurationError: A field cannot be one; the text gives file, line and the way out.
    """
    _refuse_post_init(owner)
    annotations = inspect.get_annotations(owner)
    for name, hint in annotations.items():
        default = vars(owner).get(name, dataclasses.MISSING)
        if isinstance(default, Step):
            del owner.__annotations__[name]
        elif not _is_class_variable(hint):
            _check_field(owner, name, default)
            if default is not dataclasses.MISSING and is_changeable(default) and not _is_field(default):
                setattr(owner, name, dataclasses.field(default_factory=copies_of(default)))
    for name, value in vars(owner).items():
        if name not in annotations and name.islower() and not name.startswith("_") and name not in _OF_THE_CLASS:
            _check_attribute(owner, name, value)
    _refuse_fields_of_mixins(owner)


def _check_field(owner: type, name: str, default: object) -> None:
    called = f"{owner.__name__}.{name}"
    if name in RESERVED:
        way = f"write `{name} = ...`, without a hint" if name in _OF_THE_CLASS else "choose another name"
        _fail(owner, name, f"{called} cannot be a field: a journey uses that name itself; {way}")
    if name.startswith("_"):
        _fail(owner, name, f"{called} cannot be a field: names with a leading underscore are the engine's; drop it")
    if inspect.isroutine(default) or isinstance(default, property):
        _fail(owner, name, f"{called} is declared twice, as a field and as a method; rename one of them")
    if type(default).__name__ == "FieldInfo":
        _fail(owner, name, f"{called} uses Pydantic's Field; import Field from agent_runtime_framework")
    if default is dataclasses.MISSING and not _is_inherited(owner, name):
        _fail(
            owner,
            name,
            f"{called} has no default, but a conversation begins before anything is known; "
            f"give it one, such as `{name}: ... | None = None`",
        )


def _check_attribute(owner: type, name: str, value: object) -> None:
    takes_away = value is None and any(hasattr(base, name) for base in owner.__mro__[1:])
    if isinstance(value, _DATA) and not takes_away:
        _fail(
            owner,
            name,
            f"{owner.__name__}.{name} has no type hint, so it is no field and is not kept; write `{name}: ... = ...`, "
            f"or `{name}: ClassVar[...]` for something all conversations share",
        )


def _refuse_post_init(owner: type) -> None:
    if "__post_init__" in vars(owner):
        _fail(
            owner,
            "__post_init__",
            f"{owner.__name__} has a __post_init__, which would run again whenever a conversation is loaded; "
            "use defaults, or on_enter of a step",
        )


def _refuse_fields_of_mixins(owner: type) -> None:
    """An annotation in a class that is no journey is no field, however much it looks like one."""
    bases: tuple[type, ...] = owner.__mro__[1:]
    for base in bases:
        if hasattr(base, "__dataclass_fields__") or getattr(base, "_is_protocol", False):
            continue
        for name, hint in inspect.get_annotations(base).items():
            if not _is_class_variable(hint) and not _is_step(base, name) and not _is_inherited(owner, name):
                _fail(
                    base,
                    name,
                    f"{base.__name__}.{name} is no field, because {base.__name__} is no journey; "
                    f"write `class {base.__name__}(Journey, abstract=True)`",
                )


def _is_step(base: type, name: str) -> bool:
    return isinstance(vars(base).get(name), Step)


def _is_inherited(owner: type, name: str) -> bool:
    return any(name in getattr(base, "__dataclass_fields__", {}) for base in owner.__mro__[1:]) or (
        name in inspect.get_annotations(owner) and name in vars(owner)
    )


def _is_field(default: object) -> bool:
    return isinstance(default, dataclasses.Field)


def _is_class_variable(hint: Any) -> bool:
    return "ClassVar" in str(hint)


def _fail(owner: type, name: str, message: str) -> None:
    fail(source_in_class(owner, name), message)
