"""From a journey class to its definition. What is wrong in the class is said when the class is made, with the line."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, NoReturn, get_args, get_origin, get_type_hints

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.declare import DECLARED, INJECTED, KEY, HookMark, Step, Target, ToolMark
from agent_runtime_framework.journey.definition import (
    GuardDefinition,
    JourneyDefinition,
    Source,
    StepDefinition,
    ToolDefinition,
)

RESERVED = frozenset(
    {
        "collected",
        "forms",
        "progress_of",
        "reopen",
        "secrets",
        "step",
        "key",
        "version",
        "definition",
        "state_fields",
        "agent",
        "to_dict",
        "from_dict",
        "is_complete",
        "copy",
    }
)
"""Names a journey cannot use for fields, steps or tools of its own."""


def key_of(owner: type) -> str:
    """A class's name in kebab case: `CarQuote` is `car-quote`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", owner.__name__).lower()


def prepare_fields(owner: type) -> None:
    """Make the class body fit for `dataclass`: steps are no fields, and a list as default is copied for each state."""
    annotations = inspect.get_annotations(owner)
    for name in list(annotations):
        default = owner.__dict__.get(name, dataclasses.MISSING)
        if isinstance(default, Step):
            del owner.__annotations__[name]
        elif isinstance(default, (list, dict, set)):
            setattr(owner, name, dataclasses.field(default_factory=_copies(default)))
        if name in RESERVED and "ClassVar" not in str(annotations.get(name, "ClassVar")):
            raise ConfigurationError(
                f"{owner.__name__}.{name} cannot be a field: a journey uses that name itself; choose another one"
            )


def compile_journey(owner: type) -> JourneyDefinition:
    """The definition of a journey class.

    Raises:
        ConfigurationError: Something in the class does not fit together; the text gives file, line and the way out.
    """
    steps = _steps_of(owner)
    methods = _marked_methods(owner)
    compiled = {name: _compile_step(owner, step, steps, methods) for name, step in steps.items()}
    first = next(iter(compiled), "")
    return JourneyDefinition(
        key=getattr(owner, "key", "") or key_of(owner),
        title=re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", owner.__name__),
        persona=inspect.cleandoc(owner.__doc__ or "") if "__doc__" in vars(owner) else "",
        initial=first,
        steps=compiled,
        fields=tuple(each.name for each in dataclasses.fields(owner)),
        version=getattr(owner, "version", 1),
        source=next((step.source for step in steps.values()), None),
    )


def _steps_of(owner: type) -> dict[str, Step]:
    """All steps, those of base classes first; one declared again takes the place of the inherited one."""
    steps: dict[str, Step] = {}
    for base in reversed(owner.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Step):
                if name in RESERVED:
                    _fail(value.source, f"a step cannot be called {name!r}: a journey uses that name itself")
                steps[name] = value
    return steps


def _marked_methods(owner: type) -> list[tuple[str, Callable[..., Any], ToolMark | HookMark]]:
    found: dict[str, Callable[..., Any]] = {}
    for base in reversed(owner.__mro__):
        for name, value in vars(base).items():
            if callable(value) and getattr(value, DECLARED, None):
                found[name] = value
            elif name in found:
                # Overriding a tool without declaring it anew keeps what was declared of it.
                _inherit_marks(found[name], value)
                found[name] = value
    return [(name, function, mark) for name, function in found.items() for mark in getattr(function, DECLARED, ())]


def _inherit_marks(declared: Callable[..., Any], overriding: Any) -> None:
    if callable(overriding):
        setattr(overriding, DECLARED, getattr(declared, DECLARED))


def _compile_step(
    owner: type,
    step: Step,
    steps: Mapping[str, Step],
    methods: list[tuple[str, Callable[..., Any], ToolMark | HookMark]],
) -> StepDefinition:
    options = step.options
    here = [(name, function, mark) for name, function, mark in methods if mark.step.name == step.name]
    kinds = [kind for kind in ("say", "run", "collect") if getattr(options, kind) is not None]
    if len(kinds) > 1:
        _fail(step.source, f"step {step.name!r} is given {' and '.join(kinds)}; a step is one of them")
    tools = tuple(_compile_tool(owner, *each, steps) for each in here if isinstance(each[2], ToolMark))
    _require_unique(tools, step)
    if options.collect is not None and (options.to is None or options.final):
        _fail(step.source, f"step {step.name!r} collects answers, but leads nowhere; give it to=, the step after it")
    if options.final and (tools or options.to):
        _fail(step.source, f"step {step.name!r} is final, but leads on; drop final=True, or its tools and to=")
    return StepDefinition(
        name=step.name,
        prompt=options.prompt,
        say=options.say,
        run=options.run,
        collect=options.collect,
        to=_names(options.to, steps, step.source, f"step {step.name!r}"),
        is_final=options.final,
        awaits_user=options.awaits_user,
        requires_tool=options.requires_tool,
        patience=options.patience,
        stuck=next(iter(_names(options.stuck, steps, step.source, f"step {step.name!r}")), None),
        tools=tools,
        on_enter=_hooks(here, "enter"),
        on_exit=_hooks(here, "exit"),
        source=step.source,
    )


def _compile_tool(
    owner: type, name: str, function: Callable[..., Any], mark: ToolMark | HookMark, steps: Mapping[str, Step]
) -> ToolDefinition:
    assert isinstance(mark, ToolMark)
    options = mark.options
    source = source_of(function)
    if name in RESERVED or name.startswith("_"):
        _fail(source, f"a tool cannot be called {name!r}; choose a name without a leading underscore that is not taken")
    guards: Iterable[object] = (options.when,) if callable(options.when) else options.when
    return ToolDefinition(
        name=options.name or name,
        function=function,
        targets=_names(options.to, steps, source, f"tool {name!r}"),
        guards=tuple(_guard(each, source, name) for each in guards),
        effect=options.effect,
        requires_approval=options.requires_approval,
        independent=options.independent,
        timeout=options.timeout,
        hidden=_hidden(owner, function),
        source=source,
    )


def _guard(guard: object, source: Source | None, tool: str) -> GuardDefinition:
    if not callable(guard):
        _fail(source, f"when= of tool {tool!r} is {guard!r}; expected a method that returns True or the reason why not")
    return GuardDefinition(name=getattr(guard, "__name__", "guard"), function=guard)


def _hidden(owner: type, function: Callable[..., Any]) -> dict[str, Any]:
    """Parameters that are filled by the program: what was injected, by type, and the idempotency key."""
    try:
        hints = get_type_hints(function, localns=dict(vars(owner)), include_extras=True)
    except NameError:
        # A hint that names something defined later is read when the schema is derived.
        return {}
    hidden: dict[str, Any] = {}
    for name, hint in hints.items():
        if get_origin(hint) is not Annotated:
            continue
        kind, *notes = get_args(hint)
        if INJECTED in notes:
            hidden[name] = kind
        elif KEY in notes:
            hidden[name] = KEY
    return hidden


def _hooks(
    here: Iterable[tuple[str, Callable[..., Any], ToolMark | HookMark]], moment: str
) -> tuple[Callable[..., Any], ...]:
    return tuple(function for _, function, mark in here if isinstance(mark, HookMark) and mark.moment == moment)


def _names(target: Target, steps: Mapping[str, Step], source: Source | None, who: str) -> tuple[str, ...]:
    if target is None:
        return ()
    targets = (target,) if isinstance(target, (Step, str)) else tuple(target)
    names: list[str] = []
    for each in targets:
        name = each if isinstance(each, str) else each.name
        if name not in steps:
            close = difflib.get_close_matches(name, steps, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; the steps are: {', '.join(steps)}"
            _fail(source, f"{who} leads to {name!r}, which is no step of this journey{hint}")
        names.append(name)
    return tuple(names)


def _require_unique(tools: Iterable[ToolDefinition], step: Step) -> None:
    seen: set[str] = set()
    for tool in tools:
        if tool.name in seen:
            _fail(tool.source, f"step {step.name!r} has two tools called {tool.name!r}; give one of them another name=")
        seen.add(tool.name)


def source_of(function: Callable[..., Any]) -> Source | None:
    """Where a function was written."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return Source(code.co_filename, code.co_firstlineno) if code else None


def _copies(default: Any) -> Callable[[], Any]:
    return lambda: copy.deepcopy(default)


def _fail(source: Source | None, message: str) -> NoReturn:
    raise ConfigurationError(f"{source}: {message}" if source else message)
