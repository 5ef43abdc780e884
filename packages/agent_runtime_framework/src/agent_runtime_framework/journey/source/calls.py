"""What a call in an author's code comes to."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Callable
from enum import EnumMeta
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

from agent_runtime_framework.journey.source.computing import NONE, Table, computed, is_hashable, is_state
from agent_runtime_framework.journey.source.values import (
    UNKNOWN,
    Bound,
    Closure,
    Env,
    Instance,
    Known,
    Unknown,
    Value,
    Values,
    objects,
    union,
)

if TYPE_CHECKING:
    from agent_runtime_framework.journey.source.expressions import Evaluator

_PURE: tuple[Any, ...] = (list, tuple, len, min, max, str, int, sorted, set, frozenset, dict, reversed, range, bool)
"""What may be called for real: nothing of it does anything but compute."""


_PURE_OWNERS = (str, int, tuple, list, dict, frozenset)


class Calls:
    """Follows calls for an `Evaluator`."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._follower = evaluator.follower

    def called(
        self, callee: Value, node: ast.Call, arguments: list[Values], keywords: dict[str, Values], env: Env
    ) -> Values:
        """What calling this value may return; `env` is afterwards as the call leaves it."""
        match callee:
            case Closure():
                return self._follower.call_closure(callee, arguments, env)
            case Bound(function=function, owner=owner):
                return self._method(function, owner, node, arguments, keywords, env)
            case Known(value=value):
                return self._object_called(value, node, arguments, keywords, env)
            case _:
                self._note_handed_over(node, arguments)
                return UNKNOWN

    def _method(
        self,
        function: Callable[..., Any],
        owner: Value,
        node: ast.Call,
        arguments: list[Values],
        keywords: dict[str, Values],
        env: Env,
    ) -> Values:
        if isinstance(owner, Instance) and owner.role in ("state", "journey"):
            if function.__name__ == "set_step" and not self._follower.is_own(function):
                self._follower.set_step(arguments[0] if arguments else keywords.get("step", UNKNOWN), node, env)
                return NONE
            if function.__name__ == "__init__":
                fresh: Values = (Known(self._follower.world.initial),)
                self._follower.set_step(keywords.get("step", fresh), node, env)
                return NONE
            if function.__name__ == "get_step" and not self._follower.is_own(function):
                return union(*((at.value,) for at in env.step))
        if not self._follower.is_own(function):
            return UNKNOWN
        return self._follower.call(function, [(owner,), *arguments], keywords, env)

    def _object_called(
        self, value: Any, node: ast.Call, arguments: list[Values], keywords: dict[str, Values], env: Env
    ) -> Values:
        if value is getattr:
            return self._getattr(node, arguments, env)
        if value is setattr:
            return self._setattr(node, arguments, env)
        if value is dataclasses.replace:
            if "step" in keywords:
                self._follower.set_step(keywords["step"], node, env)
            return arguments[0] if arguments else UNKNOWN
        if value is super:
            return self._super(env)
        if isinstance(value, EnumMeta):
            return self._member_of(value, node, arguments)
        return self._function_called(value, node, arguments, keywords, env)

    def _function_called(
        self, value: Any, node: ast.Call, arguments: list[Values], keywords: dict[str, Values], env: Env
    ) -> Values:
        if any(value is each for each in _PURE):
            return computed(value, arguments)
        owner = getattr(value, "__self__", None)
        if isinstance(owner, _PURE_OWNERS) and not isinstance(value, MethodType):
            return self._pure_method(owner, value, arguments)
        if isinstance(owner, Table):
            return owner.get_or(*arguments[:2])
        if isinstance(value, FunctionType) and self._follower.is_own(inspect.unwrap(value)):
            return self._follower.call(value, arguments, keywords, env)
        return self._of_library(value, node, arguments, env)

    def _of_library(self, value: Any, node: ast.Call, arguments: list[Values], env: Env) -> Values:
        if isinstance(value, type) and issubclass(value, self._follower.world.state):
            return (Instance("state", value),)
        if getattr(value, "__module__", "").partition(".")[0] in ("asyncio", "anyio"):
            return arguments[0] if arguments else UNKNOWN
        self._note_handed_over(node, arguments)
        return UNKNOWN

    def _pure_method(self, owner: Any, method: Any, arguments: list[Values]) -> Values:
        if isinstance(owner, dict) and method.__name__ == "get":
            entries = cast("dict[Any, Any]", owner)
            known = objects(arguments[0]) if arguments else None
            default = arguments[1] if len(arguments) > 1 else NONE
            if known is None:
                return union(tuple(Known(each) for each in entries.values()), default)
            return union(*((Known(entries[key]),) if is_hashable(key) and key in entries else default for key in known))
        return computed(method, arguments)

    def _getattr(self, node: ast.Call, arguments: list[Values], env: Env) -> Values:
        names = objects(arguments[1]) if len(arguments) > 1 else None
        if names is None:
            return (Unknown(f"{ast.unparse(node):.60}"),)
        found = union(
            *(self._evaluator.attribute(owner, str(name), env, node) for owner in arguments[0] for name in names)
        )
        return found or (arguments[2] if len(arguments) > 2 else UNKNOWN)

    def _setattr(self, node: ast.Call, arguments: list[Values], env: Env) -> Values:
        if len(arguments) == 3 and objects(arguments[1]) == ["step"] and any(map(is_state, arguments[0])):
            self._follower.set_step(arguments[2], node, env)
        return NONE

    def _super(self, env: Env) -> Values:
        own = next((values for name, values in env.names.items() if name == "self"), ())
        found: list[Value] = []
        for value in own:
            if isinstance(value, Instance) and value.cls.__mro__[1:]:
                found.append(Instance(value.role, value.cls.__mro__[1]))
        return tuple(found) or UNKNOWN

    def _member_of(self, enum: EnumMeta, node: ast.Call, arguments: list[Values]) -> Values:
        known = objects(arguments[0]) if arguments else None
        if known is None:
            return (Unknown(ast.unparse(node)),)
        found: list[Value] = []
        for value in known:
            try:
                found.append(Known(enum(value)))
            except ValueError:
                place = self._follower.place(node)
                self._follower.notes.add(place, f"{value!r} is no {enum.__name__}", "unknown-step")
        return tuple(found)

    def _note_handed_over(self, node: ast.Call, arguments: list[Values]) -> None:
        if any(isinstance(each, Instance) and each.role == "state" for values in arguments for each in values):
            name = ast.unparse(node.func)
            place = self._follower.place(node)
            self._follower.notes.add(place, f"{name:.60} is given the state, and is not read", "handed-over")
