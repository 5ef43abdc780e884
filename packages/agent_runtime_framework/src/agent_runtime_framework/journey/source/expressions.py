"""What an expression in an author's code may be, and what a condition comes to."""

from __future__ import annotations

import ast
import builtins
import inspect
import operator
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, EnumMeta
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from agent_runtime_framework.journey.source.calls import Calls
from agent_runtime_framework.journey.source.computing import Table, computed, equal, is_hashable, shown, truth_of
from agent_runtime_framework.journey.source.values import (
    UNKNOWN,
    At,
    Bound,
    Closure,
    Env,
    Instance,
    Known,
    Parts,
    Value,
    Values,
    objects,
    union,
)

if TYPE_CHECKING:
    from agent_runtime_framework.journey.source.follow import Follower

PURE_OWNERS = (str, int, tuple, list, dict, frozenset)
PURE_METHODS = frozenset(
    {"index", "get", "keys", "values", "items", "upper", "lower", "strip", "title", "format", "replace", "split"}
    | {"removeprefix", "removesuffix", "startswith", "endswith", "join"}
)

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mod: lambda a, b: a % b,
}


class Evaluator:
    """Evaluates expressions for a `Follower`."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self._calls = Calls(self)

    def value(self, node: ast.expr, env: Env) -> Values:
        """What an expression may be; calls in it are followed, and change `env`."""
        handler = getattr(self, f"_{type(node).__name__.lower()}", None)
        if handler is not None:
            return cast("Values", handler(node, env))
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child, env)
        return UNKNOWN

    def truth(self, node: ast.expr, env: Env) -> bool | None:
        """What a condition comes to; None where that is open."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                verdict = self.truth(operand, env)
                return None if verdict is None else not verdict
            case ast.BoolOp(op=operator, values=values):
                verdicts = [self.truth(each, env) for each in values]
                decisive = isinstance(operator, ast.Or)
                if decisive in verdicts:
                    return decisive
                return None if None in verdicts else not decisive
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._compared(operator, self.value(left, env), self.value(right, env))
            case _:
                verdicts_of = {truth_of(each) for each in self.value(node, env)}
                return verdicts_of.pop() if len(verdicts_of) == 1 else None

    def are_equal(self, left: Values, right: Values) -> bool | None:
        """Whether two values are equal; None where that is open."""
        ours, theirs = objects(left), objects(right)
        if not ours or not theirs:
            return None
        verdicts = {equal(a, b) for a in ours for b in theirs}
        return verdicts.pop() if len(verdicts) == 1 else None

    def elements(self, values: Values) -> Values:
        """What the elements of a value may be."""
        found: list[Values] = []
        for value in values:
            if isinstance(value, Parts):
                found.extend(value.parts)
            elif isinstance(value, Known) and isinstance(value.value, list | tuple | set | frozenset | dict | EnumMeta):
                found.append(tuple(Known(each) for each in cast("Iterable[Any]", value.value)))
            else:
                found.append(UNKNOWN)
        return union(*found)

    def _compared(self, operator: ast.cmpop, left: Values, right: Values) -> bool | None:
        match operator:
            case ast.Eq() | ast.Is():
                return self.are_equal(left, right)
            case ast.NotEq() | ast.IsNot():
                verdict = self.are_equal(left, right)
                return None if verdict is None else not verdict
            case ast.In() | ast.NotIn():
                verdict = self._is_in(left, right)
                return None if verdict is None else verdict == isinstance(operator, ast.In)
            case _:
                return None

    def _is_in(self, left: Values, right: Values) -> bool | None:
        verdicts: set[bool | None] = set()
        for value in right:
            elements = self.elements((value,))
            each = [self.are_equal(left, (element,)) for element in elements]
            verdicts.add(True if True in each else None if None in each else False)
        return verdicts.pop() if len(verdicts) == 1 else None

    def _constant(self, node: ast.Constant, env: Env) -> Values:
        return (Known(node.value),)

    def _name(self, node: ast.Name, env: Env) -> Values:
        if node.id in env.names:
            return env.names[node.id]
        scope = self.follower.frames[-1].scope
        if node.id in scope:
            return (Known(scope[node.id]),)
        return (Known(getattr(builtins, node.id)),) if hasattr(builtins, node.id) else UNKNOWN

    def _await(self, node: ast.Await, env: Env) -> Values:
        return self.value(node.value, env)

    def _namedexpr(self, node: ast.NamedExpr, env: Env) -> Values:
        values = self.value(node.value, env)
        env.names[node.target.id] = values
        return values

    def _ifexp(self, node: ast.IfExp, env: Env) -> Values:
        verdict = self.truth(node.test, env)
        ways: list[Values] = []
        if verdict is not False:
            ways.append(self.value(node.body, env))
        if verdict is not True:
            ways.append(self.value(node.orelse, env))
        return union(*ways)

    def _boolop(self, node: ast.BoolOp, env: Env) -> Values:
        return union(*(self.value(each, env) for each in node.values))

    def _binop(self, node: ast.BinOp, env: Env) -> Values:
        operator = _OPERATORS.get(type(node.op))
        left, right = self.value(node.left, env), self.value(node.right, env)
        return UNKNOWN if operator is None else computed(operator, [left, right])

    def _joinedstr(self, node: ast.JoinedStr, env: Env) -> Values:
        parts: list[Values] = []
        for each in node.values:
            inner = each.value if isinstance(each, ast.FormattedValue) else each
            parts.append(self.value(inner, env))
        return computed(lambda *texts: "".join(map(shown, texts)), parts)

    def _tuple(self, node: ast.Tuple | ast.List, env: Env) -> Values:
        parts = tuple(self.value(each, env) for each in node.elts)
        if all(len(part) == 1 and isinstance(part[0], Known) for part in parts):
            return (Known(tuple(cast("Known", part[0]).value for part in parts)),)
        return (Parts(parts),)

    _list = _tuple
    _set = _tuple

    def _dict(self, node: ast.Dict, env: Env) -> Values:
        keys = [() if key is None else self.value(key, env) for key in node.keys]
        values = [self.value(each, env) for each in node.values]
        table: dict[Any, Values] = {}
        for key, value in zip(keys, values, strict=True):
            known = objects(key)
            if not known or len(known) != 1 or not is_hashable(known[0]):
                return UNKNOWN
            table[known[0]] = value
        return (Known(Table(table)),)

    def _lambda(self, node: ast.Lambda, env: Env) -> Values:
        return (Closure(node, env.names),)

    def _subscript(self, node: ast.Subscript, env: Env) -> Values:
        keys = self.value(node.slice, env)
        return union(*(self._item(owner, keys) for owner in self.value(node.value, env)))

    def _item(self, owner: Value, keys: Values) -> Values:
        if isinstance(owner, Parts):
            return union(*owner.parts)
        if not isinstance(owner, Known):
            return UNKNOWN
        table = owner.value
        known = objects(keys)
        if isinstance(table, Table):
            return table.get(known)
        if isinstance(table, Mapping):
            entries = cast("Mapping[Any, Any]", table)
            if known is None:
                return tuple(Known(each) for each in entries.values())
            return tuple(Known(entries[key]) for key in known if is_hashable(key) and key in entries)
        if isinstance(table, list | tuple | EnumMeta | type):
            if known is None:
                return self.elements((owner,))
            return computed(operator.getitem, [(owner,), keys])
        return UNKNOWN

    def _attribute(self, node: ast.Attribute, env: Env) -> Values:
        return union(*(self.attribute(each, node.attr, env, node) for each in self.value(node.value, env)))

    def attribute(self, owner: Value, name: str, env: Env, node: ast.AST) -> Values:
        """What an attribute of a value may be."""
        match owner:
            case Instance():
                return self._of_instance(owner, name, env)
            case Known(value=value):
                return self._of_object(value, name, env, node)
            case _:
                return UNKNOWN

    def _of_instance(self, owner: Instance, name: str, env: Env) -> Values:
        if owner.role in ("state", "journey") and name == "step":
            return union(*((at.value,) for at in env.step))
        if owner.role == "tools" and name == "state":
            return (Instance("state", self.follower.world.state),)
        if owner.role in ("state", "journey") and name in getattr(owner.cls, "__dataclass_fields__", ()):
            return UNKNOWN
        found = inspect.getattr_static(owner.cls, name, None)
        return self._member(found, owner, owner.cls, env)

    def _member(self, found: Any, owner: Value, cls: type, env: Env) -> Values:
        match found:
            case FunctionType():
                return (Bound(found, owner, cls),)
            case staticmethod(__func__=function):
                return (Known(function),)
            case classmethod():
                return (Bound(cast("classmethod[Any, Any, Any]", found).__func__, Known(cls), cls),)
            case property(fget=getter) if getter is not None:
                return self.follower.call(getter, [(owner,)], {}, env) if self.follower.is_own(getter) else UNKNOWN
            case str() | int() | tuple() | Mapping() | type():
                return (Known(found),)
            case _ if found is not None and self.follower.world.is_step(found):
                return (Known(found),)
            case _:
                return UNKNOWN

    def _of_object(self, value: Any, name: str, env: Env, node: ast.AST) -> Values:
        if isinstance(value, ModuleType):
            return (Known(getattr(value, name)),) if hasattr(value, name) else UNKNOWN
        if isinstance(value, type):
            if hasattr(value, name):
                return (Known(getattr(value, name)),)
            if self._is_step_type(value):
                known = ", ".join(cast("EnumMeta", value).__members__)
                text = f"{value.__name__} has no {name!r}; it has: {known}"
                self.follower.notes.add(self.follower.place(node), text, "unknown-step")
            return ()
        if isinstance(value, Enum):
            if name in ("value", "name"):
                return (Known(getattr(value, name)),)
            return self._member(inspect.getattr_static(type(value), name, None), Known(value), type(value), env)
        if isinstance(value, PURE_OWNERS) and name in PURE_METHODS:
            return (Known(getattr(cast("Any", value), name)),)
        if isinstance(value, Table):
            return (Known(value.get_or),) if name == "get" else UNKNOWN
        return UNKNOWN

    def _is_step_type(self, owner: type) -> bool:
        return isinstance(owner, EnumMeta) and any(
            self.follower.world.is_step(each) for each in cast("Iterable[Any]", owner)
        )

    def _call(self, node: ast.Call, env: Env) -> Values:
        callees = self.value(node.func, env)
        arguments = [self.value(each.value if isinstance(each, ast.Starred) else each, env) for each in node.args]
        keywords = {each.arg: self.value(each.value, env) for each in node.keywords if each.arg}
        before = env.step
        results: list[Values] = []
        steps: tuple[At, ...] = ()
        for callee in callees:
            env.step = before
            results.append(self._calls.called(callee, node, arguments, keywords, env))
            steps = (*steps, *(each for each in env.step if each not in steps))
        env.step = steps if callees else before
        return union(*results)
