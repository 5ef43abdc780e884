"""What running a tool twice would do, said of a method of the documented tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from agent_runtime_framework.toolcalls import Effect

__all__ = ["Effect", "effect", "effect_of"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_EFFECT = "__tool_effect__"


def effect(kind: Effect, /) -> Callable[[FunctionT], FunctionT]:
    """Say what running a tool twice would do; a tool that does not say counts as "once".

    >>> class Tools:
    ...     @effect("state")
    ...     async def save_name(self, name: str) -> str: ...
    >>> effect_of(Tools.save_name)
    'state'
    """

    def declare(function: FunctionT) -> FunctionT:
        setattr(function, _EFFECT, kind)
        return function

    return declare


def effect_of(function: object) -> Effect:
    """What was said of a tool's method."""
    return cast("Effect", getattr(function, _EFFECT, "once"))
