"""Does the journey get anywhere? Dead ends, steps nobody reaches, circles, moves that are not made."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Set

from agent_runtime_framework.journey.check.finding import ERROR, HINT, WARNING, Finding, Findings
from agent_runtime_framework.journey.definition import JourneyDefinition, StepDefinition, ToolDefinition
from agent_runtime_framework.journey.source import Reading


def find(reading: Reading) -> Findings:
    """All of it."""
    definition = reading.definition
    ways = {name: {move.target for move in step.moves()} for name, step in definition.steps.items()}
    open_steps: frozenset[str | None] = frozenset(reading.open_steps)
    stuck = [] if not definition.steps else list(_dead_ends(reading, ways, open_steps))
    yield from stuck
    if not any(step.is_final for step in definition.steps.values()):
        yield _no_final(reading)
    else:
        yield from _unfinished(reading, ways, {finding.step for finding in stuck} | open_steps)
    for name, step in definition.steps.items():
        # Falling silent leads there, too; but it is no way out for a person who has not.
        ways[name].update(() if step.expires_to is None else (step.expires_to,))
    yield from _unreachable(reading, ways, is_open=bool(open_steps))
    yield from _circles(definition)
    for step in definition.steps.values():
        yield from _of_step(step)
        if not reading.is_long_form:
            yield from _declared_but_not_made(reading, step)


def _dead_ends(reading: Reading, ways: Mapping[str, set[str]], open_steps: frozenset[str | None]) -> Findings:
    for name, step in reading.definition.steps.items():
        if step.is_final or ways[name] - {name} or name in open_steps:
            continue
        tools = [tool.name for tool in step.tools]
        if tools:
            never = "never moves on" if len(tools) == 1 else "never move on"
            yield Finding(
                code="dead-end",
                severity=ERROR,
                message=f"nothing leaves `{name}`: {', '.join(tools)} {never}",
                hint=_ways_out(reading, "let one of its tools move to the next step"),
                source=step.source,
                step=name,
            )
            continue
        why = "no tool is offered there and nothing moves on" if step.speaks else "it has no to="
        yield Finding(
            code="dead-end",
            severity=ERROR,
            message=f"nothing leaves `{name}`: {why}",
            hint=_offer_hint(reading, name, ways) if step.speaks else "say where it goes on with to=, or final=True",
            source=step.source,
            step=name,
        )


def _ways_out(reading: Reading, what: str) -> str:
    ending = "final=True" if not reading.is_long_form else "is_complete"
    return f"{what}, or make it the end with {ending}"


def _offer_hint(reading: Reading, name: str, ways: Mapping[str, set[str]]) -> str:
    """The tool that was most likely meant: one of the next step, to which nothing else leads."""
    names = list(reading.definition.steps)
    after = names[names.index(name) + 1 :]
    arrived = {target for targets in ways.values() for target in targets}
    if after and after[0] not in arrived and reading.definition.steps[after[0]].tools:
        tool = reading.definition.steps[after[0]].tools[0].name
        return f"offer a tool in `{name}`, such as {tool}, which so far waits in `{after[0]}`, or begin in `{after[0]}`"
    return _ways_out(reading, "offer a tool there that moves to the next step")


def _no_final(reading: Reading) -> Finding:
    how = "let is_complete() be true in the last step" if reading.is_long_form else "give the last one final=True"
    return Finding(
        code="no-end",
        severity=ERROR,
        message=f"{reading.definition.title} never ends: none of its steps is final",
        hint=how,
        source=reading.definition.source,
    )


def _unfinished(reading: Reading, ways: Mapping[str, set[str]], known: Set[str | None]) -> Findings:
    """Steps from which no end can be reached, although each can be left; one finding for each circle of them."""
    steps = reading.definition.steps
    finals = {name for name, step in steps.items() if step.is_final}
    told: set[str] = set()
    for name in steps:
        reached = _reached(name, ways)
        if name in told or reached & finals or reached & known:
            continue
        told |= reached
        circle = [each for each in steps if each in reached]
        if len(circle) == 1 and not ways[name]:
            continue
        shown = ", ".join(f"`{each}`" for each in circle)
        yield Finding(
            code="never-finishes",
            severity=ERROR,
            message=f"nobody who is in `{name}` can finish: it only leads to {shown}",
            hint=f"lead one of them to an end: {', '.join(sorted(finals))}",
            source=steps[name].source,
            step=name,
        )


def _unreachable(reading: Reading, ways: Mapping[str, set[str]], *, is_open: bool) -> Findings:
    steps = reading.definition.steps
    reached = _reached(reading.definition.initial, ways)
    lost = [name for name in steps if name not in reached]
    arrived = {target for source in lost for target in ways[source] if source != target}
    # Of steps that lead to one another, those are told first to which nothing leads at all.
    told: set[str] = set()
    for name in sorted(lost, key=lambda each: each in arrived):
        if name in told:
            continue
        told |= _reached(name, ways)
        yield Finding(
            code="unreachable",
            severity=HINT if is_open else WARNING,
            message=f"nothing leads to `{name}`",
            hint=f"move there from another step, or begin there; the journey begins in `{reading.definition.initial}`",
            source=steps[name].source,
            step=name,
        )


def _reached(start: str, ways: Mapping[str, set[str]]) -> set[str]:
    reached = {start}
    ahead = [start]
    while ahead:
        for target in ways.get(ahead.pop(), ()):
            if target not in reached and target in ways:
                reached.add(target)
                ahead.append(target)
    return reached


def _circles(definition: JourneyDefinition) -> Findings:
    """Steps that code passes and that lead back to themselves, without anybody being asked."""
    silent = {name: set(step.to) for name, step in definition.steps.items() if not step.speaks and not step.is_final}
    told: set[str] = set()
    for name in silent:
        inside = _reached(name, silent)
        returns = any(name in silent.get(each, ()) for each in inside)
        if name not in told and returns and all(definition.steps[each].run is None for each in inside & set(silent)):
            told |= inside
            circle = [each for each in definition.steps if each in inside]
            yield Finding(
                code="circle",
                severity=ERROR,
                message=f"{' and '.join(f'`{each}`' for each in circle)} lead in a circle in which nobody is asked",
                hint="let one of them be a step with a prompt, or lead it elsewhere",
                source=definition.steps[name].source,
                step=name,
            )


def _of_step(step: StepDefinition) -> Findings:
    if step.awaits_user and not step.tools:
        yield _step_finding(
            step, "awaits-nothing", f"`{step.name}` waits for the person, but has no tool that could wait",
            "awaits_user=True holds back the step's tools; declare one, or drop it",
        )  # fmt: skip


def _step_finding(step: StepDefinition, code: str, message: str, hint: str) -> Finding:
    return Finding(code=code, severity=WARNING, message=message, hint=hint, source=step.source, step=step.name)


def _declared_but_not_made(reading: Reading, step: StepDefinition) -> Iterator[Finding]:
    for tool in step.tools:
        returned = reading.returned.get((step.name, tool.name))
        if returned is None:
            continue
        for name in returned.steps:
            if name not in tool.targets:
                close = difflib.get_close_matches(name, tool.targets, n=1)
                declared = ", ".join(tool.targets) or "none"
                yield _tool_finding(
                    tool, step, "undeclared-move", f"{tool.name} returns `{name}`, which it does not declare",
                    f"add it to to=; declared: {declared}{f' (did you mean {close[0]}?)' if close else ''}",
                )  # fmt: skip
        if len(tool.targets) > 1 and returned.is_certain and not returned.steps:
            yield _tool_finding(
                tool, step, "never-moves", f"{tool.name} declares several steps, and returns none of them",
                f"return where it goes, such as self.{tool.targets[0]}; without that it stays",
            )  # fmt: skip
        elif len(tool.targets) > 1 and returned.is_certain:
            for name in (each for each in tool.targets if each not in returned.steps):
                yield _tool_finding(
                    tool, step, "move-never-made", f"{tool.name} declares a move to `{name}`, but never makes it",
                    f"return self.{name} where it applies, or take it out of to=", is_error=False,
                )  # fmt: skip


def _tool_finding(
    tool: ToolDefinition, step: StepDefinition, code: str, message: str, hint: str, *, is_error: bool = True
) -> Finding:
    severity = ERROR if is_error else WARNING
    return Finding(
        code=code, severity=severity, message=message, hint=hint, source=tool.source, step=step.name, tool=tool.name
    )
