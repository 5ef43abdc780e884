"""What steps, tools, guards and hooks must be to be carried out at all; the rest is for `check` to judge."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, get_args

from agent_runtime_framework.journey.class_fields import RESERVED
from agent_runtime_framework.journey.definition import Source, StepDefinition, ToolDefinition
from agent_runtime_framework.journey.mistakes import fail, source_of
from agent_runtime_framework.toolcalls import Effect

_EFFECTS = get_args(Effect)


def check_step(step: StepDefinition) -> None:
    """Refuse a step whose parts contradict each other.

    Raises:
        ConfigurationError: They do; the text gives file, line and the way out.
    """
    rules = (_kind_problem, _way_out_problem, _waiting_problem, _patience_problem, _handoff_problem)
    for problem in (rule(step) for rule in rules):
        if problem:
            fail(step.source, f"step {step.name!r} {problem}")
    seen: set[str] = set()
    for tool in step.tools:
        if tool.name in seen:
            fail(tool.source, f"step {step.name!r} has two tools called {tool.name!r}; give one of them another name=")
        seen.add(tool.name)


def _kind_problem(step: StepDefinition) -> str | None:
    kinds = [kind for kind in ("say", "run", "collect") if getattr(step, kind) is not None]
    if len(kinds) > 1:
        return f"is given {' and '.join(kinds)}; a step is one of them"
    if step.run is not None and (step.prompt is not None or step.tools):
        return "has run=, so no model is asked in it; drop its prompt and tools, or run="
    if step.run is not None and step.is_final:
        return "has run= and is final, so its code would run again with every further message; use on_enter"
    return None


def _way_out_problem(step: StepDefinition) -> str | None:
    if step.is_final and (step.to or any(tool.targets for tool in step.tools)):
        return "is final, but leads on; drop final=True, or its to= and the targets of its tools"
    if step.collect is not None and (not step.to or step.is_final):
        return "collects answers, but leads nowhere; give it to=, the step after it"
    if step.to and step.speaks and step.collect is None:
        return "asks the model, so its tools lead on, not the step itself; put to= on one of them"
    if len(step.to) > 1 and step.run is None:
        return f"has {len(step.to)} steps in to=, but nothing to choose among them; leave one, or use run="
    return None


def _waiting_problem(step: StepDefinition) -> str | None:
    if (step.awaits_user or step.requires_tool) and not step.speaks:
        return "is passed by code, so it cannot wait for the person or require a tool; drop awaits_user, requires_tool"
    if step.requires_tool and not step.tools:
        return "requires a tool, but has none; give it one, or drop requires_tool"
    return None


def _patience_problem(step: StepDefinition) -> str | None:
    if (step.patience is None) != (step.stuck is None):
        return "needs both patience=, how many fruitless turns are borne, and stuck=, where the journey goes then"
    if step.patience is not None and step.patience < 1:
        return f"has patience={step.patience!r}; expected 1 or more"
    return None


def _handoff_problem(step: StepDefinition) -> str | None:
    if step.handoff is None:
        return None
    if not step.handoff.strip():
        return f"has handoff={step.handoff!r}; expected to whom the conversation is handed over, such as 'support'"
    if step.run is not None or step.collect is not None:
        return "hands the conversation over, so nothing else is done in it; drop run= or collect="
    if step.say is None:
        return "hands the conversation over without a word; give it say=, what the person is told"
    if not (step.to or step.is_final or step.speaks):
        return "hands the conversation over, and leads nowhere when it comes back; give it to=, a prompt, or final=True"
    return None


def check_tool(tool: ToolDefinition, name: str) -> None:
    """Refuse a tool that cannot be offered or run as it was declared.

    Raises:
        ConfigurationError: It cannot; the text gives file, line and the way out.
    """
    if name in RESERVED or name.startswith("_"):
        fail(tool.source, f"a tool cannot be called {name!r}: a journey uses that name itself; choose another one")
    for problem in (_option_problem(tool), _parameter_problem(tool)):
        if problem:
            fail(tool.source, f"tool {name!r} {problem}")


def _option_problem(tool: ToolDefinition) -> str | None:
    if tool.effect is not None and tool.effect not in _EFFECTS:
        return f"has effect={tool.effect!r}; expected one of: {', '.join(_EFFECTS)}"
    if tool.independent and tool.targets:
        return "is independent, but moves the journey, which makes its turn matter; drop independent=True, or to="
    if tool.independent and _returns_step(tool.function):
        return "is independent, but returns a step, which moves the journey; drop independent=True, or the step"
    if tool.approval_note is not None and not tool.requires_approval:
        return "has approval_note=, but nobody has to agree to it; give it requires_approval=True, or drop the note"
    if tool.timeout is not None and tool.timeout <= 0:
        return f"has timeout={tool.timeout!r}; expected seconds, more than 0"
    if tool.timeout is not None and not inspect.iscoroutinefunction(inspect.unwrap(tool.function)):
        return "has a timeout, but is not async, so nothing can interrupt it; write `async def`"
    return None


def _parameter_problem(tool: ToolDefinition) -> str | None:
    for name, parameter in list(inspect.signature(tool.function).parameters.items())[1:]:
        if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
            return f"takes {parameter}, which a model cannot fill; expected parameters that are passed by name"
        if parameter.annotation is inspect.Parameter.empty:
            return f"takes {name!r} without a type hint, so no model can be told what to send; write `{name}: ...`"
    return None


def _returns_step(function: Callable[..., Any]) -> bool:
    hint: object = getattr(function, "__annotations__", {}).get("return")
    return re.search(r"\bStep\b", hint if isinstance(hint, str) else getattr(hint, "__name__", repr(hint))) is not None


def check_approval(rule: Callable[..., Any], tool: Callable[..., Any] | None, source: Source | None) -> None:
    """Refuse a rule of `requires_approval=` that cannot be asked about a call.

    Args:
        rule: The rule.
        tool: What it decides about; None for a tool whose parameters are not known yet.
        source: Where the rule was written.

    Raises:
        ConfigurationError: It is async, or wants what the tool does not take.
    """
    name = getattr(rule, "__name__", "rule")
    if inspect.iscoroutinefunction(inspect.unwrap(rule)):
        fail(source, f"requires_approval={name!r} is async; let it decide on the state and the arguments alone")
    if tool is None:
        return
    known = list(inspect.signature(tool).parameters)[1:]
    for wanted in list(inspect.signature(rule).parameters)[1:]:
        if wanted not in known:
            fail(
                source,
                f"requires_approval={name!r} takes {wanted!r}, which is no parameter of tool "
                f"{getattr(tool, '__name__', 'tool')!r}; its parameters are: {', '.join(known) or 'none'}",
            )


def check_guard(guard: Callable[..., Any], source: Source | None) -> None:
    """Refuse a guard that cannot be asked before every request.

    Raises:
        ConfigurationError: It is async, or takes more than the journey.
    """
    name = getattr(guard, "__name__", "guard")
    if inspect.iscoroutinefunction(inspect.unwrap(guard)):
        fail(
            source,
            f"guard {name!r} is async, but guards are asked before every request; "
            "look it up in a tool or in on_enter, and keep the answer in a field",
        )
    check_callback(guard, source, f"guard {name!r}")


def check_callback(function: Callable[..., Any], source: Source | None, what: str) -> Callable[..., Any]:
    """A method that is called with the journey alone.

    Raises:
        ConfigurationError: It takes more, or is no function.
    """
    if not callable(function):
        fail(source, f"{what} is {function!r}; expected a method")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        fail(
            source_of(function) or source,
            f"{what} takes {inspect.signature(function)}; expected a method that takes self and nothing else",
        )
    return function
