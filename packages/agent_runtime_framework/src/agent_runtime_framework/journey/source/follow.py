"""Follows an author's function without running it: which steps may the state be in at its end, what may it return?

Every branch is taken whose condition is not decided by what is known: the step it starts in, the name of the tool, and
the constants of the author's modules. What raises leaves the state as it was, so it leads nowhere.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from agent_runtime_framework.journey.definition import Source
from agent_runtime_framework.journey.source.code import is_authors, is_installed, node_of
from agent_runtime_framework.journey.source.expressions import Evaluator
from agent_runtime_framework.journey.source.values import (
    UNKNOWN,
    At,
    Closure,
    Env,
    Instance,
    Known,
    Notes,
    Outcome,
    Parts,
    Unknown,
    Values,
    merged,
    merged_steps,
    objects,
    union,
)

DEEPEST = 12
"""How many calls are followed into one another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is known before any code is read.

    Attributes:
        tools: The class of the tools; of the journey itself in the short form.
        state: The class of the state.
        agent: The class of the agent; None in the short form.
        initial: The step a fresh state is in.
        is_step: True for what can be a step of this journey.
    """

    tools: type | None
    state: type
    agent: type | None
    initial: Any
    is_step: Callable[[Any], bool]


@dataclass(slots=True)
class _Frame:
    """One function that is being followed."""

    file: str
    scope: Mapping[str, Any]
    outcome: Outcome = field(default_factory=Outcome)
    broken: list[list[Env]] = field(default_factory=list[list[Env]])


class Follower:
    """Follows functions; one for each step and tool."""

    def __init__(self, world: World, notes: Notes) -> None:
        self.world = world
        self.notes = notes
        self.frames: list[_Frame] = []
        self.packages = {_package_of(each) for each in (world.tools, world.state, world.agent) if each is not None}
        self.followed: dict[Any, None] = {}
        self._active: list[Any] = []
        self._evaluator = Evaluator(self)

    def follow(self, function: Callable[..., Any], arguments: Sequence[Values], step: Any) -> Outcome:
        """What calling the function in this step may come to."""
        start = (At(Known(step)),)
        env = Env({}, start)
        returned = self.call(function, list(arguments), {}, env)
        return Outcome(returned, env.step)

    def is_own(self, function: Callable[..., Any]) -> bool:
        """True if the function is to be followed: the author's, not one of a library's."""
        if not is_authors(function):
            return False
        return not is_installed(function) or _package_of(function) in self.packages

    def call(
        self, function: Callable[..., Any], arguments: list[Values], keywords: Mapping[str, Values], env: Env
    ) -> Values:
        """Follow a call; `env` is afterwards as the call leaves it."""
        function = inspect.unwrap(function)
        node = node_of(function)
        if node is None or len(self._active) >= DEEPEST or function.__code__ in self._active:
            return UNKNOWN
        scope = {**_freevars(function)}
        frame = _Frame(function.__code__.co_filename, {**function.__globals__, **scope})
        names = {**_bound(node.args, (), {}), **_defaults(function)}
        names.update(_passed(node.args, arguments, keywords))
        self._active.append(function.__code__)
        self.followed[function.__code__] = None
        try:
            return self._run(node, frame, names, env)
        finally:
            self._active.pop()

    def call_closure(self, closure: Closure, arguments: list[Values], env: Env) -> Values:
        """Follow a call of a function that stands inside the present one."""
        if len(self._active) >= DEEPEST or closure.node in self._active:
            return UNKNOWN
        here = self.frames[-1]
        names = {**closure.names, **_bound(closure.node.args, arguments, {})}
        self._active.append(closure.node)
        try:
            if isinstance(closure.node, ast.Lambda):
                inner = Env(names, env.step)
                returned = self._evaluator.value(closure.node.body, inner)
                env.step = inner.step
                return returned
            return self._run(closure.node, _Frame(here.file, here.scope), names, env)
        finally:
            self._active.pop()

    def place(self, node: ast.AST) -> Source:
        """Where a piece of the present function stands."""
        return Source(self.frames[-1].file, getattr(node, "lineno", 1))

    def set_step(self, values: Values, node: ast.AST, env: Env) -> None:
        """The state is put into one of these steps."""
        place = self.place(node)
        here = env.step
        steps: list[At] = []
        for value in values:
            if isinstance(value, Known) and self.world.is_step(value.value):
                steps.append(At(value, place))
            elif isinstance(value, Known):
                self.notes.add(place, f"the state is moved to {value.value!r}, which is no step", "unknown-step")
            else:
                why = value.why if isinstance(value, Unknown) and value.why else ast.unparse(node)
                self.notes.add(place, f"which step this leads to cannot be told from the source: {why:.80}")
                steps.append(At(value, place))
        env.step = tuple(steps) or here

    def _run(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: _Frame, names: dict[str, Values], env: Env
    ) -> Values:
        self.frames.append(frame)
        inner = Env(names, env.step)
        try:
            end = self._block(node.body, inner)
        finally:
            self.frames.pop()
        outcome = frame.outcome
        if end is not None:
            outcome.returned = union(outcome.returned, (Known(None),))
            outcome.step = merged_steps(outcome.step, end.step)
        env.step = outcome.step
        return outcome.returned

    def _block(self, body: Sequence[ast.stmt], env: Env | None) -> Env | None:
        for statement in body:
            if env is None or not env.step:
                return None
            env = self._statement(statement, env)
        return env

    def _statement(self, node: ast.stmt, env: Env) -> Env | None:
        handler = getattr(self, f"_{type(node).__name__.lower()}", None)
        return handler(node, env) if handler is not None else env

    def _expr(self, node: ast.Expr, env: Env) -> Env:
        self._evaluator.value(node.value, env)
        return env

    def _return(self, node: ast.Return, env: Env) -> None:
        returned = self._evaluator.value(node.value, env) if node.value else (Known(None),)
        outcome = self.frames[-1].outcome
        outcome.returned = union(outcome.returned, returned)
        outcome.step = merged_steps(outcome.step, env.step)

    def _raise(self, node: ast.Raise, env: Env) -> None:
        return None

    def _break(self, node: ast.Break, env: Env) -> None:
        if self.frames[-1].broken:
            self.frames[-1].broken[-1].append(env)

    _continue = _break

    def _assign(self, node: ast.Assign, env: Env) -> Env:
        values = self._evaluator.value(node.value, env)
        for target in node.targets:
            self._assign_to(target, values, env)
        return env

    def _annassign(self, node: ast.AnnAssign, env: Env) -> Env:
        if node.value is not None:
            self._assign_to(node.target, self._evaluator.value(node.value, env), env)
        return env

    def _augassign(self, node: ast.AugAssign, env: Env) -> Env:
        self._evaluator.value(node.value, env)
        self._assign_to(node.target, UNKNOWN, env)
        return env

    def _functiondef(self, node: ast.FunctionDef, env: Env) -> Env:
        env.names[node.name] = (Closure(node, env.names),)
        return env

    def _asyncfunctiondef(self, node: ast.AsyncFunctionDef, env: Env) -> Env:
        env.names[node.name] = (Closure(node, env.names),)
        return env

    def _if(self, node: ast.If, env: Env) -> Env | None:
        verdict = self._evaluator.truth(node.test, env)
        ways: list[Env | None] = []
        if verdict is not False:
            ways.append(self._block(node.body, env.copy()))
        if verdict is not True:
            ways.append(self._block(node.orelse, env.copy()))
        return merged(ways)

    def _for(self, node: ast.For | ast.AsyncFor, env: Env) -> Env | None:
        items = self._evaluator.elements(self._evaluator.value(node.iter, env))
        return self._loop(node, env, lambda inner: self._assign_to(node.target, items, inner))

    _asyncfor = _for

    def _while(self, node: ast.While, env: Env) -> Env | None:
        self._evaluator.value(node.test, env)
        always = isinstance(node.test, ast.Constant) and bool(node.test.value)
        return self._loop(node, env, lambda inner: None, skippable=not always)

    def _loop(
        self,
        node: ast.For | ast.AsyncFor | ast.While,
        env: Env,
        begin: Callable[[Env], None],
        *,
        skippable: bool = True,
    ) -> Env | None:
        frame = self.frames[-1]
        frame.broken.append([])
        reached: Env | None = env
        ends: list[Env | None] = [env] if skippable else []
        # What one round leaves behind may matter to the next; more rounds than two tell nothing new in practice.
        for _ in range(2):
            if reached is None:
                break
            inner = reached.copy()
            begin(inner)
            reached = merged([self._block(node.body, inner), *frame.broken[-1]])
            ends.append(reached)
        frame.broken.pop()
        return self._block(node.orelse, merged(ends))

    def _try(self, node: ast.Try | ast.TryStar, env: Env) -> Env | None:
        outcome = self.frames[-1].outcome
        returned_before = outcome.step
        after = self._block(node.body, env.copy())
        within = tuple(each for each in outcome.step if each not in returned_before)
        # An exception may come before, between or after the assignments of the body.
        caught = merged([env, after])
        assert caught is not None
        caught.step = merged_steps(caught.step, within)
        ends = [self._block(node.orelse, after)]
        ends += [self._block(handler.body, caught.copy()) for handler in node.handlers]
        return self._block(node.finalbody, merged(ends))

    _trystar = _try

    def _with(self, node: ast.With | ast.AsyncWith, env: Env) -> Env | None:
        for item in node.items:
            values = self._evaluator.value(item.context_expr, env)
            if item.optional_vars is not None:
                kept = tuple(each for each in values if isinstance(each, Instance))
                self._assign_to(item.optional_vars, kept or UNKNOWN, env)
        return self._block(node.body, env)

    _asyncwith = _with

    def _match(self, node: ast.Match, env: Env) -> Env | None:
        subject = self._evaluator.value(node.subject, env)
        ways: list[Env | None] = []
        for case in node.cases:
            verdict = self._fits(case.pattern, subject, env)
            if verdict is False:
                continue
            inner = env.copy()
            guard = None if case.guard is None else self._evaluator.truth(case.guard, inner)
            if case.guard is None or guard is not False:
                ways.append(self._block(case.body, inner))
            if verdict is True and case.guard is None:
                return merged(ways)
        return merged([*ways, env])

    def _fits(self, pattern: ast.pattern, subject: Values, env: Env) -> bool | None:
        match pattern:
            case ast.MatchValue(value=value):
                return self._evaluator.are_equal(subject, self._evaluator.value(value, env))
            case ast.MatchSingleton(value=value):
                return self._evaluator.are_equal(subject, (Known(value),))
            case ast.MatchOr(patterns=patterns):
                verdicts = [self._fits(each, subject, env) for each in patterns]
                return True if True in verdicts else None if None in verdicts else False
            case ast.MatchAs(pattern=None, name=name):
                if name is not None:
                    env.names[name] = subject
                return True
            case _:
                return None

    def _assign_to(self, target: ast.expr, values: Values, env: Env) -> None:
        match target:
            case ast.Name(id=name):
                env.names[name] = values
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                parts = next((each.parts for each in values if isinstance(each, Parts)), None)
                known = objects(values) or []
                if parts is None and len(known) == 1 and isinstance(known[0], tuple | list):
                    parts = tuple((Known(each),) for each in known[0])  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
                for number, element in enumerate(elements):
                    part = parts[number] if parts and number < len(parts) else UNKNOWN
                    self._assign_to(element, part, env)
            case ast.Attribute(value=owner, attr=attribute):
                self._assign_attribute(target, self._evaluator.value(owner, env), attribute, values, env)
            case _:
                pass

    def _assign_attribute(
        self, target: ast.Attribute, owners: Values, attribute: str, values: Values, env: Env
    ) -> None:
        if attribute != "step":
            return
        for owner in owners:
            if isinstance(owner, Instance) and owner.role in ("state", "journey"):
                self.set_step(values, target, env)
                return
        # A state under another name: what is put into its `step` gives it away.
        known = objects(values)
        if known and all(isinstance(each, Enum) and self.world.is_step(each) for each in known):
            self.set_step(values, target, env)


def _package_of(owner: Any) -> str:
    return str(getattr(owner, "__module__", "")).partition(".")[0]


def _freevars(function: Callable[..., Any]) -> dict[str, Any]:
    names = function.__code__.co_freevars
    found: dict[str, Any] = {}
    for name, cell in zip(names, function.__closure__ or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    return found


def _bound(parameters: ast.arguments, arguments: Sequence[Values], keywords: Mapping[str, Values]) -> dict[str, Values]:
    """The values of a function's parameters; of those that are not passed, nothing is known."""
    names = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
    bound = dict.fromkeys((*names, *(each.arg for each in parameters.kwonlyargs)), UNKNOWN)
    defaults = dict(zip(reversed(names), reversed(parameters.defaults), strict=False))
    for name, default in defaults.items():
        if isinstance(default, ast.Constant):
            bound[name] = (Known(default.value),)
    bound.update(_passed(parameters, arguments, keywords))
    for rest in (parameters.vararg, parameters.kwarg):
        if rest is not None:
            bound[rest.arg] = UNKNOWN
    return bound


def _passed(
    parameters: ast.arguments, arguments: Sequence[Values], keywords: Mapping[str, Values]
) -> dict[str, Values]:
    names = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
    known = {*names, *(each.arg for each in parameters.kwonlyargs)}
    return {
        **dict(zip(names, arguments, strict=False)),
        **{name: value for name, value in keywords.items() if name in known},
    }


def _defaults(function: Callable[..., Any]) -> dict[str, Values]:
    """The parameters that have a default, which is an object by now."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: (Known(each.default),) for each in parameters if each.default is not inspect.Parameter.empty}
