"""From a journey class to its definition. What is wrong in the class is said when the class is made, with the line."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from agent_runtime_framework.journey.borrowing import BorrowedTools
from agent_runtime_framework.journey.class_fields import RESERVED
from agent_runtime_framework.journey.declare import DECLARED, HookMark, Step, Target, ToolMark, ToolOptions
from agent_runtime_framework.journey.definition import (
    GuardDefinition,
    IdleRule,
    JourneyDefinition,
    Source,
    StepDefinition,
    ToolDefinition,
)
from agent_runtime_framework.journey.hints import HiddenParameters
from agent_runtime_framework.journey.idle import Idle, rules_of
from agent_runtime_framework.journey.mistakes import fail, source_in_class, source_of, source_of_class
from agent_runtime_framework.journey.step_rules import (
    check_approval,
    check_callback,
    check_guard,
    check_step,
    check_tool,
)
from agent_runtime_framework.state.versions import versions_of


def key_of(owner: type) -> str:
    """A class's name in kebab case: `CarQuote` is `car-quote`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", owner.__name__).lower()


def compile_journey(owner: type) -> JourneyDefinition:
    """The definition of a journey class.

    Raises:
        ConfigurationError: Something in the class does not fit together; the text gives file, line and the way out.
    """
    steps = _steps_of(owner)
    if not steps:
        fail(
            source_of_class(owner),
            f"{owner.__name__} has no steps; declare one with step(...), or write "
            f"`class {owner.__name__}(Journey, abstract=True)` if others are to be derived from it",
        )
    members = _members_of(owner, steps)
    versions = versions_of(owner, source_in_class)
    return JourneyDefinition(
        key=getattr(owner, "key", "") or key_of(owner),
        title=re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", owner.__name__),
        persona=_persona_of(owner),
        initial=_first_of(owner, steps).name,
        steps={name: _compile_step(owner, step, steps, members) for name, step in steps.items()},
        fields=tuple(each.name for each in dataclasses.fields(owner)),
        version=versions.current,
        versions=versions,
        fallback=_fallback_of(steps),
        source=source_of_class(owner) or next((step.source for step in steps.values()), None),
    )


def _persona_of(owner: type) -> str:
    """The class's docstring, or else that of the journey it is derived from; what a mere part says is none."""
    if owner.__doc__:
        return inspect.cleandoc(owner.__doc__)
    inherited: Iterable[JourneyDefinition] = (
        vars(base)["definition"] for base in owner.__mro__[1:] if "definition" in vars(base)
    )
    return next((definition.persona for definition in inherited), "")


@dataclass(frozen=True, slots=True)
class _Member:
    """A method that was declared to be something."""

    name: str
    function: Callable[..., Any]
    mark: ToolMark | HookMark


def _in_reading_order(owner: type) -> list[type]:
    """A class's bases as a reader meets them: from left to right, each before what is derived from it."""
    order: list[type] = []
    for base in owner.__bases__:
        order += [each for each in _in_reading_order(base) if each not in order]
    return [*order, owner]


def _steps_of(owner: type) -> dict[str, Step]:
    """All steps, those of base classes first; one declared again takes the place of the inherited one."""
    steps: dict[str, Step] = {}
    for base in _in_reading_order(owner):
        for name, value in vars(base).items():
            current = inspect.getattr_static(owner, name, None)
            if isinstance(value, Step) and isinstance(current, Step):
                steps[name] = current
    for name, step in steps.items():
        if step.other_names:
            also = " and as ".join(step.other_names)
            fail(step.source, f"one step is declared as {step.name!r} and as {also}; call step(...) for each")
        if name in RESERVED or name.startswith("_"):
            fail(step.source, f"a step cannot be called {name!r}: a journey uses that name itself; choose another one")
    return steps


def _first_of(owner: type, steps: Mapping[str, Step]) -> Step:
    for base in owner.__mro__:
        chosen = [step for step in steps.values() if step.options.first and step.owner is base]
        if len(chosen) > 1:
            fail(chosen[1].source, f"both {chosen[0].name!r} and {chosen[1].name!r} are first=True; only one can be")
        if chosen:
            return chosen[0]
    return next(iter(steps.values()))


def _fallback_of(steps: Mapping[str, Step]) -> str | None:
    """The step that takes up conversations whose step is gone."""
    former: dict[str, str] = {}
    for name, step in steps.items():
        for each in step.options.was:
            if each in steps:
                fail(step.source, f"step {name!r} was {each!r}, but there still is a step of that name; drop was=")
            if each in former:
                fail(step.source, f"both {former[each]!r} and {name!r} were {each!r}; only one step can go on for it")
            former[each] = name
    chosen = [step for step in steps.values() if step.options.fallback]
    if len(chosen) > 1:
        fail(chosen[1].source, f"both {chosen[0].name!r} and {chosen[1].name!r} are fallback=True; only one can be")
    return chosen[0].name if chosen else None


def _members_of(owner: type, steps: Mapping[str, Step]) -> list[_Member]:
    """All methods that are tools or hooks; one that is overridden stays what it was declared to be."""
    marks: dict[str, list[ToolMark | HookMark]] = {}
    for base in _in_reading_order(owner):
        for name, value in vars(base).items():
            if found := getattr(value, DECLARED, None):
                marks[name] = found
    members: list[_Member] = []
    for name, found in marks.items():
        current = inspect.getattr_static(owner, name)
        if current is None:
            continue  # taken away by `name = None`
        if not inspect.isfunction(current):
            fail(
                source_in_class(owner, name),
                f"{owner.__name__}.{name} is declared as a tool or hook, but is {current!r:.80}; expected a method",
            )
        for mark in found:
            _require_own_step(owner, name, current, mark.step, steps)
            members.append(_Member(name, current, mark))
    return members


def _require_own_step(
    owner: type, name: str, function: Callable[..., Any], step: Step, steps: Mapping[str, Step]
) -> None:
    if step.name not in steps or step.owner not in owner.__mro__:
        whose = f"{step.owner.__name__}.{step.name}" if step.owner else "a step without a name"
        fail(
            source_of(function),
            f"{name!r} belongs to {whose}, which is no step of {owner.__name__}; its steps are: {', '.join(steps)}",
        )


def _compile_step(owner: type, step: Step, steps: Mapping[str, Step], members: Iterable[_Member]) -> StepDefinition:
    options, who = step.options, f"step {step.name!r}"
    here = [each for each in members if each.mark.step.name == step.name]
    stuck = _names(owner, options.stuck, steps, step.source, who)
    compiled = StepDefinition(
        name=step.name,
        prompt=options.prompt,
        say=options.say,
        run=None if options.run is None else check_callback(_current(owner, options.run), step.source, "run="),
        collect=options.collect,
        to=_names(owner, options.to, steps, step.source, who),
        is_final=options.final,
        awaits_user=options.awaits_user,
        requires_tool=options.requires_tool,
        patience=options.patience,
        stuck=stuck[0] if stuck else None,
        handoff=options.handoff,
        tools=(
            *(_compile_tool(owner, each, each.mark, steps) for each in here if isinstance(each.mark, ToolMark)),
            *_borrowed(owner, step, steps),
        ),
        on_enter=_hooks(here, "enter"),
        on_exit=_hooks(here, "exit"),
        was=options.was,
        on_idle=_idle(owner, step, steps),
        source=step.source,
    )
    check_step(compiled)
    return compiled


def _idle(owner: type, step: Step, steps: Mapping[str, Step]) -> tuple[IdleRule, ...]:
    """The step's own rules, or else the journey's, which do not lead from a step to itself, nor on from the end."""
    own = step.options.on_idle
    declared: Idle = getattr(owner, "on_idle", ()) if own is None else own
    who = f"journey {owner.__name__!r}" if own is None else f"step {step.name!r}"

    def resolve(target: Any, rule: IdleRule) -> str:
        (name,) = _names(owner, target, steps, rule.source, f"on_idle of {who}")
        if own is not None and name == step.name:
            fail(rule.source, f"on_idle of {who} leads to the step itself; choose another one, or drop to=")
        return name

    is_final = step.options.final
    rules = rules_of(declared, who, resolve, is_final=is_final and own is not None)
    if own is not None:
        return rules
    return () if is_final else tuple(rule for rule in rules if rule.to != step.name)


def _compile_tool(owner: type, member: _Member, mark: ToolMark, steps: Mapping[str, Step]) -> ToolDefinition:
    name, function, options = member.name, member.function, mark.options
    source = source_of(function)
    tool = ToolDefinition(
        name=options.name or name,
        function=function,
        timeout=options.timeout,
        hidden=HiddenParameters(function, owner),
        source=source,
        **_gates(owner, options, steps, source, name, function),
    )
    check_tool(tool, name)
    return tool


def _borrowed(owner: type, step: Step, steps: Mapping[str, Step]) -> Iterator[ToolDefinition]:
    for each in cast("tuple[object, ...]", step.options.tools):
        if not isinstance(each, BorrowedTools):
            fail(
                step.source,
                f"tools= of step {step.name!r} holds {each!r:.80}; expected tools of a server, such as "
                f"`weather.tool(...)`. A method becomes a tool by `@{step.name}.tool`",
            )

        def complete(options: ToolOptions, name: str, source: Source = each.source) -> dict[str, Any]:
            return _gates(owner, options, steps, source, name, None)

        for tool in each.definitions(complete):
            check_tool(tool, tool.name)
            yield tool


def _gates(
    owner: type,
    options: ToolOptions,
    steps: Mapping[str, Step],
    source: Source | None,
    name: str,
    function: Callable[..., Any] | None,
) -> dict[str, Any]:
    """What decides when a tool runs and where it leads, whoever runs it."""
    guards: Iterable[object] = (options.when,) if callable(options.when) else options.when
    if isinstance(guards, str):
        guards = (guards,)
    return {
        "targets": _names(owner, options.to, steps, source, f"tool {name!r}"),
        "guards": tuple(_guard(owner, each, source, name) for each in guards),
        "effect": options.effect,
        "requires_approval": options.requires_approval is not False,
        "approval": _approval(owner, options.requires_approval, function, name, source),
        "approval_note": options.approval_note,
        "independent": options.independent,
    }


def _approval(
    owner: type, rule: object, function: Callable[..., Any] | None, tool: str, source: Source | None
) -> Callable[..., object] | None:
    if isinstance(rule, bool):
        return None
    if not callable(rule):
        fail(source, f"requires_approval= of tool {tool!r} is {rule!r}; expected True, or a method that says when")
    current = _current(owner, rule)
    check_approval(current, function, source_of(current) or source)
    return current


def _guard(owner: type, guard: object, source: Source | None, tool: str) -> GuardDefinition:
    if not callable(guard):
        fail(source, f"when= of tool {tool!r} is {guard!r}; expected a method that returns True or the reason why not")
    current = _current(owner, guard)
    check_guard(current, source_of(current) or source)
    return GuardDefinition(name=getattr(current, "__name__", "guard"), function=current)


def _current(owner: type, function: Callable[..., Any]) -> Callable[..., Any]:
    """The method that has taken the place of this one, where a class further down overrides it."""
    name = getattr(function, "__name__", "")
    if any(vars(base).get(name) is function for base in owner.__mro__):
        return inspect.getattr_static(owner, name)
    return function


def _hooks(here: Iterable[_Member], moment: str) -> tuple[Callable[..., Any], ...]:
    return tuple(
        check_callback(each.function, source_of(each.function), f"on_{moment}")
        for each in here
        if isinstance(each.mark, HookMark) and each.mark.moment == moment
    )


def _names(owner: type, target: Target, steps: Mapping[str, Step], source: Source | None, who: str) -> tuple[str, ...]:
    if target is None:
        return ()
    targets = (target,) if isinstance(target, (Step, str)) else tuple(target)
    names: list[str] = []
    for each in targets:
        name = each if isinstance(each, str) else each.name
        if name not in steps:
            close = difflib.get_close_matches(name, steps, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; the steps are: {', '.join(steps)}"
            fail(source, f"{who} leads to {name!r}, which is no step of {owner.__name__}{hint}")
        if isinstance(each, Step) and each.owner not in owner.__mro__:
            fail(source, f"{who} leads to {each!r}, a step of another journey; its own are: {', '.join(steps)}")
        names.append(name)
    return tuple(names)
