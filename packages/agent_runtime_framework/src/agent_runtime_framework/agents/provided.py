"""What `Injected` parameters of tools get."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.declare import KEY
from agent_runtime_framework.journey.definition import JourneyDefinition, ToolDefinition

_NOTHING = object()


class Provided:
    """Finds what a parameter gets, by its type.

    Args:
        provide: Objects, found by their class or a base of it, or a mapping from type to object.
    """

    def __init__(self, provide: Mapping[Any, object] | Sequence[object] = ()) -> None:
        self._by_type: dict[Any, object] = (
            {**provide} if isinstance(provide, Mapping) else {type(each): each for each in provide}
        )

    def require_all(self, journey: JourneyDefinition) -> None:
        """Make sure that every tool of a journey gets what it needs, before a conversation depends on it.

        Raises:
            ConfigurationError: Something was not provided.
        """
        for step in journey.steps.values():
            for tool in step.tools:
                for name, kind in _wanted(tool):
                    if self._find(kind) is _NOTHING and not _has_default(tool, name):
                        called = getattr(kind, "__name__", kind)
                        raise ConfigurationError(
                            f"{tool.source}: nothing was provided for parameter {name!r} of tool {tool.name!r}, "
                            f"a {called}; pass agent(provide=[...]), or a mapping such as {{{called}: ...}}"
                        )

    def values(self, tool: ToolDefinition) -> dict[str, object]:
        """What the parameters of a tool get; one that gets nothing keeps its default."""
        found = {name: self._find(kind) for name, kind in _wanted(tool)}
        return {name: value for name, value in found.items() if value is not _NOTHING}

    def _find(self, kind: Any) -> object:
        if kind in self._by_type:
            return self._by_type[kind]
        if not isinstance(kind, type):
            return _NOTHING
        is_open = getattr(kind, "_is_runtime_protocol", False)
        for known, value in self._by_type.items():
            if isinstance(known, type) and (kind in known.__mro__ or (is_open and isinstance(value, kind))):
                return value
        return _NOTHING


def is_context(kind: Any) -> bool:
    """True if a parameter of this type gets the turn it runs in."""
    return bool(getattr(kind, "is_filled_by_the_program", False))


def _wanted(tool: ToolDefinition) -> Iterator[tuple[str, Any]]:
    for name, kind in tool.hidden.items():
        if kind is not KEY and not is_context(kind):
            yield name, kind


def _has_default(tool: ToolDefinition, name: str) -> bool:
    return inspect.signature(tool.function).parameters[name].default is not inspect.Parameter.empty
