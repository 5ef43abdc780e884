"""From what stands on the command line to journeys that can be looked at, in whichever form they were written.

path.py            every journey of that file
path.py:Name       a class, an instance or a factory in it
package.module     the same of an importable module
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeGuard, cast

from agent_runtime_framework.adapters.django import DjangoRuntimeAdapter
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.cli.failures import UsageError, UserCodeError, users_traceback
from agent_runtime_framework.cli.targets import Target, load_module, named_in, parse_target
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Journey

_AGENTS: tuple[type[Any], ...] = (JourneyAgent, DjangoRuntimeAdapter)
_BASES: tuple[type[Any], ...] = (*_AGENTS, Journey)


@dataclass(frozen=True, slots=True)
class Subject:
    """A journey to be looked at.

    Attributes:
        name: As it can be written on the command line.
        journey: A `Journey` class, or an agent.
    """

    name: str
    journey: Any


def load_subjects(text: str) -> list[Subject]:
    """Every journey a target names; at least one.

    Raises:
        UsageError: There is no such file, module or name, or no journey.
        UserCodeError: The module cannot be imported, or an agent not be made.
    """
    target = parse_target(text)
    module = load_module(target)
    if target.name:
        return [_subject(named_in(module, target), target, target.name)]
    found = [_subject(value, target, name) for name, value in _journeys_of(module)]
    if not found:
        raise UsageError(
            f"{target.where} has no journey: no class that derives from Journey, JourneyAgent or DjangoRuntimeAdapter. "
            f"If a function makes it, name it: {target.where}:make_agent"
        )
    return found


def load_subject(text: str) -> Subject:
    """The one journey a target names.

    Raises:
        UsageError: As `load_subjects`, or there are several.
        UserCodeError: As `load_subjects`.
    """
    found = load_subjects(text)
    if len(found) > 1:
        ways = "\n  ".join(each.name for each in found)
        raise UsageError(f"{text} has {len(found)} journeys; say which one:\n  {ways}")
    return found[0]


def _journeys_of(module: ModuleType) -> Iterator[tuple[str, object]]:
    """The journeys written in this very module: its classes, and the instances of classes from elsewhere."""
    seen: set[int] = set()
    classes: list[type] = []
    members = cast("dict[str, object]", vars(module))
    for name, value in members.items():
        if name.startswith("_") or id(value) in seen:
            continue
        if _is_class(value, *_BASES):
            if value.__module__ == module.__name__ and _is_complete(value):
                seen.add(id(value))
                classes.append(value)
                yield name, value
        elif isinstance(value, _AGENTS) and type(value) not in classes:
            seen.add(id(value))
            yield name, value


def _is_class(value: object, *bases: Any) -> TypeGuard[type]:
    return isinstance(value, type) and issubclass(value, bases)


def _is_complete(owner: type) -> bool:
    """False for a class that is only a part of others."""
    return not inspect.isabstract(owner) and (not issubclass(owner, Journey) or "definition" in vars(owner))


def _subject(found: object, target: Target, name: str) -> Subject:
    shown = f"{target.where}:{name}"
    if _is_class(found, *_AGENTS):
        _refuse_arguments(found, shown)
        return Subject(shown, _made(found, target))
    if isinstance(found, type) and hasattr(found, "model_validate") and hasattr(found, "model_fields"):
        return Subject(shown, _form_journey(found))
    if inspect.isroutine(found):
        _refuse_arguments(found, shown)
        found = _made(found, target)
    if isinstance(found, (JourneyAgent, DjangoRuntimeAdapter)) or (
        isinstance(found, type) and issubclass(found, Journey)
    ):
        return Subject(shown, found)
    raise UsageError(
        f"{shown} is {found!r:.80}; expected a Journey class, an agent or its class, a Pydantic model, or a function "
        "that makes one"
    )


def _form_journey(model: type) -> object:
    from agent_runtime_framework.journey import FormJourney

    return FormJourney(cast("Any", model))


def _refuse_arguments(found: Callable[..., object], shown: str) -> None:
    if inspect.isabstract(found):
        missing = ", ".join(sorted(cast("Any", found).__abstractmethods__))
        raise UsageError(f"{shown} is not complete; it still has to implement: {missing}")
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise UsageError(
            f"{shown} cannot be made without arguments ({error}); write a function that makes it and name that one"
        ) from None


def _made(found: Callable[[], object], target: Target) -> object:
    try:
        return found()
    except ConfigurationError:
        raise
    except Exception as error:  # the author's code may raise anything
        raise UserCodeError(f"{target.where} cannot be used:\n{users_traceback(error)}") from error
