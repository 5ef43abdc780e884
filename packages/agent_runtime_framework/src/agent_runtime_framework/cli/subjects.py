"""From what stands on the command line to journeys that can be looked at, in whichever form they were written.

path.py            every journey of that file
path.py:Name       a class, an instance or a factory in it
package.module     the same of an importable module
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

from agent_runtime_framework.adapters.django import DjangoRuntimeAdapter
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.making import is_agent_class, is_whole_journey
from agent_runtime_framework.cli.failures import UsageError
from agent_runtime_framework.cli.targets import Target, load_module, named_in, parse_target, resolved

_ADAPTERS: tuple[type[Any], ...] = (DjangoRuntimeAdapter,)
_AGENTS: tuple[type[Any], ...] = (JourneyAgent, *_ADAPTERS)


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
        if is_whole_journey(value) or is_agent_class(value, _ADAPTERS):
            if value.__module__ == module.__name__ and not inspect.isabstract(value):
                seen.add(id(value))
                classes.append(value)
                yield name, value
        elif isinstance(value, _AGENTS) and type(value) not in classes:
            seen.add(id(value))
            yield name, value


def _subject(found: object, target: Target, name: str) -> Subject:
    where = Target(target.where, name)
    return Subject(f"{target.where}:{name}", resolved(found, where, also=_ADAPTERS))
