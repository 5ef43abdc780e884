"""Can a guard hold at all?"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from agent_runtime_framework.journey.check.finding import ERROR, Finding, Findings
from agent_runtime_framework.journey.definition import GuardDefinition, StepDefinition, ToolDefinition
from agent_runtime_framework.journey.source import Reading
from agent_runtime_framework.journey.source.code import is_authors, node_of, place_of
from agent_runtime_framework.journey.source.follow import Follower, World
from agent_runtime_framework.journey.source.values import Instance, Known, Notes

_TURNED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq}


def find(reading: Reading, step: StepDefinition, tool: ToolDefinition) -> Findings:
    """Guards of a tool that never hold, alone or together."""
    alone = [finding for guard in tool.guards if (finding := _alone(reading, step, tool, guard)) is not None]
    yield from alone
    if not alone and len(tool.guards) > 1:
        ranges = _Ranges()
        for guard in tool.guards:
            for condition in _conditions(guard.function):
                ranges.add(condition)
        if ranges.contradiction:
            names = " and ".join(guard.name for guard in tool.guards)
            message = f"{tool.name} can never be offered: {names} contradict each other on {ranges.contradiction}"
            yield _finding(step, tool, "guards-never-hold", message, "loosen one of them", tool.guards[0])


def _alone(reading: Reading, step: StepDefinition, tool: ToolDefinition, guard: GuardDefinition) -> Finding | None:
    function = guard.function
    if not is_authors(function):
        return None
    if (name := _other_than_bool(reading, function)) is not None:
        text = f"{guard.name} returns {name}, which is no bool; whatever is not True withholds {tool.name}"
        return _finding(step, tool, "guard-never-holds", text, f"compare it: return bool({name})", guard)
    returned = _returned(reading, function)
    if returned is not None and not any(value is True for value in returned):
        text = f"{guard.name} never returns True, so {tool.name} is never offered"
        return _finding(step, tool, "guard-never-holds", text, "return True where it holds, else the reason", guard)
    ranges = _Ranges()
    for condition in _conditions(function):
        ranges.add(condition)
    if ranges.contradiction:
        text = f"{guard.name} contradicts itself on {ranges.contradiction}, so {tool.name} is never offered"
        return _finding(step, tool, "guard-never-holds", text, "correct the comparison", guard)
    return None


def _finding(
    step: StepDefinition, tool: ToolDefinition, code: str, message: str, hint: str, guard: GuardDefinition
) -> Finding:
    source = place_of(guard.function) or tool.source
    return Finding(code=code, severity=ERROR, message=message, hint=hint, source=source, step=step.name, tool=tool.name)


def _returned(reading: Reading, function: Callable[..., Any]) -> list[object] | None:
    """All that the guard may return; None if that is not known."""
    world = World(tools=None, state=reading.state, agent=None, initial=None, is_step=lambda _: False)
    outcome = Follower(world, Notes()).follow(function, [(Instance("journey", reading.owner),)], None)
    found = [value.value for value in outcome.returned if isinstance(value, Known)]
    return found if found and len(found) == len(outcome.returned) else None


def _other_than_bool(reading: Reading, function: Callable[..., Any]) -> str | None:
    """A field that the guard returns as it is, although it is no bool."""
    node = node_of(function)
    returns = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)] if node else []
    if len(returns) != 1:
        return None
    match returns[0]:
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in reading.definition.fields:
            try:
                hint = get_type_hints(reading.state).get(name)
            except Exception:  # noqa: BLE001  hints that cannot be resolved tell nothing
                return None
            return f"self.{name}" if hint is not bool else None
        case _:
            return None


@dataclass(frozen=True, slots=True)
class _Condition:
    subject: str
    operator: type[ast.cmpop]
    value: Any


def _conditions(function: Callable[..., Any]) -> Iterator[_Condition]:
    """The comparisons that all have to hold, of a guard that is one return."""
    node = node_of(function)
    body = [each for each in node.body if not _is_docstring(each)] if node else []
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return
    test = body[0].value
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) and len(test.values) == 2:
        # `condition or "the reason"`
        first, second = test.values
        is_reason = isinstance(second, ast.JoinedStr) or isinstance(getattr(second, "value", None), str)
        if not is_reason:
            return
        test = first
    yield from _all_of(test)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _all_of(test: ast.expr) -> Iterator[_Condition]:
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            for each in values:
                yield from _all_of(each)
        case ast.Compare(left=left, ops=operators, comparators=comparators):
            sides = [left, *comparators]
            for one, operator, other in zip(sides, operators, comparators, strict=False):
                yield from _compared(one, type(operator), other)
        case _:
            return


def _compared(one: ast.expr, operator: type[ast.cmpop], other: ast.expr) -> Iterator[_Condition]:
    if isinstance(other, ast.Constant) and isinstance(one, ast.Attribute | ast.Call):
        yield _Condition(ast.unparse(one), operator, other.value)
    elif isinstance(one, ast.Constant) and isinstance(other, ast.Attribute | ast.Call) and operator in _TURNED:
        yield _Condition(ast.unparse(other), _TURNED[operator], one.value)


@dataclass(slots=True)
class _Range:
    lowest: float = float("-inf")
    highest: float = float("inf")
    is_open_below: bool = False
    is_open_above: bool = False
    equal: list[Any] = field(default_factory=list[Any])
    unequal: list[Any] = field(default_factory=list[Any])

    def is_empty(self) -> bool:
        """True if no value fits."""
        if len(set(map(repr, self.equal))) > 1 or any(each in self.unequal for each in self.equal):
            return True
        if any(isinstance(each, int | float) and not self._holds(each) for each in self.equal):
            return True
        touches = self.lowest == self.highest and (self.is_open_below or self.is_open_above)
        return self.lowest > self.highest or touches

    def _holds(self, value: float) -> bool:
        above = value > self.lowest or (value == self.lowest and not self.is_open_below)
        below = value < self.highest or (value == self.highest and not self.is_open_above)
        return above and below


class _Ranges:
    """What may still be, by subject."""

    def __init__(self) -> None:
        self._ranges: dict[str, _Range] = {}

    def add(self, condition: _Condition) -> None:
        """Let one more condition hold."""
        each = self._ranges.setdefault(condition.subject, _Range())
        value = condition.value
        if condition.operator in (ast.Eq, ast.Is):
            each.equal.append(value)
        elif condition.operator in (ast.NotEq, ast.IsNot):
            each.unequal.append(value)
        elif isinstance(value, int | float):
            self._narrow(each, condition.operator, value)

    def _narrow(self, each: _Range, operator: type[ast.cmpop], value: float) -> None:
        if operator in (ast.Gt, ast.GtE) and value >= each.lowest:
            each.lowest, each.is_open_below = value, operator is ast.Gt
        elif operator in (ast.Lt, ast.LtE) and value <= each.highest:
            each.highest, each.is_open_above = value, operator is ast.Lt

    @property
    def contradiction(self) -> str:
        """A subject that can have no value; empty if there is none."""
        return next((subject for subject, each in self._ranges.items() if each.is_empty()), "")
