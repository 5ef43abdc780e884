"""Can what is offered be run, and is what can be run offered?"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from agent_runtime_framework.journey.check import guards
from agent_runtime_framework.journey.check.finding import ERROR, HINT, WARNING, Finding, Findings
from agent_runtime_framework.journey.declare import KEY
from agent_runtime_framework.journey.definition import Borrowed, Source, StepDefinition, ToolDefinition
from agent_runtime_framework.journey.source import Reading, ReadSchema
from agent_runtime_framework.journey.source.code import is_authors, node_of, place_of
from agent_runtime_framework.journey.source.places import Places

_RESERVED = frozenset({"state", "backend_client", "on_state_change"})
"""Attributes of every tools class, which are no tools."""


def find(reading: Reading) -> Findings:
    """All of it."""
    if reading.is_long_form:
        yield from _long_form(reading)
        return
    for step in reading.definition.steps.values():
        for tool in step.tools:
            yield from _declaration(step, tool)
            yield from guards.find(reading, step, tool)


def _long_form(reading: Reading) -> Findings:
    places = Places([reading.owner])
    passes_arguments = _passes_arguments(reading.owner)
    for step, offered in reading.offers.items():
        for schema in offered:
            method = reading.methods.get((step, schema.name))
            if method is None or schema.name.startswith("_") or schema.name in _RESERVED:
                yield from _no_method(reading, step, schema, places)
            elif passes_arguments:
                yield from _signature(step, schema, method)
                yield from _sync(reading, step, schema, method)
    yield from _unoffered(reading)
    yield from _terminal(reading)


def _no_method(reading: Reading, step: str, schema: ReadSchema, places: Places) -> Findings:
    if reading.tools is None or places.mentions("execute_tool", schema.name):
        return
    known = ", ".join(_public_methods(reading.tools)) or "none"
    yield Finding(
        code="no-method",
        severity=ERROR,
        message=f"`{step}` offers {schema.name}, but {reading.tools.__name__} has no method of that name",
        hint=f"its methods are: {known}; those with a leading underscore are never called",
        source=schema.source,
        step=step,
        tool=schema.name,
    )


def _public_methods(tools: type) -> Mapping[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for base in reversed(tools.__mro__):
        for name, value in vars(base).items():
            if not name.startswith("_") and inspect.isfunction(value) and is_authors(value):
                found[name] = value
    return found


def _passes_arguments(agent: type) -> bool:
    """True if execute_tool hands the arguments on by name: `method(**arguments)`."""
    node = node_of(cast("Any", agent).execute_tool)
    return node is not None and any(isinstance(each, ast.keyword) and each.arg is None for each in ast.walk(node))


def _signature(step: str, schema: ReadSchema, method: Callable[..., Any]) -> Findings:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        return
    described = cast("dict[str, Any]", schema.wire["function"].get("parameters") or {})
    properties, required = list[str](described.get("properties") or {}), set[str](described.get("required") or ())
    names = {each.name for each in parameters}
    named = [each for each in parameters if each.kind is not inspect.Parameter.VAR_POSITIONAL]
    needed = [each.name for each in named if each.default is inspect.Parameter.empty]
    source = place_of(method)
    for name in properties:
        if name not in names:
            yield _signature_finding(
                step, schema, source, f"{schema.name} is offered with {name!r}, which the method does not take",
                f"it takes: {', '.join(sorted(names)) or 'nothing'}",
            )  # fmt: skip
    for name in needed:
        if name not in properties:
            yield _signature_finding(
                step, schema, source, f"{schema.name} needs {name!r}, of which the model is not told",
                "add it to the schema, or give it a default",
            )  # fmt: skip
        elif name not in required:
            yield _signature_finding(
                step, schema, source, f"{schema.name} needs {name!r}, but the model may leave it out",
                "add required=True to the schema, or give the parameter a default",
            )  # fmt: skip


def _signature_finding(step: str, schema: ReadSchema, source: Source | None, message: str, hint: str) -> Finding:
    return Finding(
        code="arguments", severity=ERROR, message=message, hint=hint, source=source, step=step, tool=schema.name
    )


def _sync(reading: Reading, step: str, schema: ReadSchema, method: Callable[..., Any]) -> Findings:
    """A tool that is no coroutine, where execute_tool awaits what it returns."""
    if inspect.iscoroutinefunction(inspect.unwrap(method)) or inspect.isasyncgenfunction(method):
        return
    node = node_of(cast("Any", reading.owner).execute_tool)
    awaited = node is not None and any(
        isinstance(each, ast.Await)
        and isinstance(each.value, ast.Call)
        and any(keyword.arg is None for keyword in each.value.keywords)
        for each in ast.walk(node)
    )
    if awaited and "isawaitable" not in ast.unparse(cast("ast.AST", node)):
        yield Finding(
            code="sync-tool",
            severity=ERROR,
            message=f"{schema.name} is a plain function, but execute_tool awaits what it returns",
            hint="write `async def`",
            source=place_of(method),
            step=step,
            tool=schema.name,
        )


def _unoffered(reading: Reading) -> Findings:
    if reading.tools is None or any(note.code == "tools-fail" for note in reading.notes):
        return
    offered = {method.__name__ for method in reading.methods.values()}
    methods = _public_methods(reading.tools)
    used = _names_used(reading.tools, reading.owner)
    for name, method in methods.items():
        if name not in offered and name not in used and inspect.iscoroutinefunction(method):
            yield Finding(
                code="never-offered",
                severity=WARNING,
                message=f"{name} is a tool that no step offers",
                hint="offer it in get_tool_schemas, or give it a leading underscore if it is no tool",
                source=place_of(method),
                tool=name,
            )


def _names_used(*owners: type) -> set[str]:
    """Every attribute that the classes' own methods speak of."""
    used: set[str] = set()
    for owner in owners:
        for value in vars(owner).values():
            node = node_of(inspect.unwrap(value)) if inspect.isfunction(value) else None
            used |= {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)} if node else set[str]()
    return used


def _terminal(reading: Reading) -> Findings:
    config = getattr(reading.agent, "config", None)
    terminal = getattr(config, "terminal_tools", None) or getattr(reading.agent, "_terminal_tools", None) or ()
    offered = {schema.name for each in reading.offers.values() for schema in each}
    for name in sorted(set(terminal) - offered):
        yield Finding(
            code="terminal-unknown",
            severity=WARNING,
            message=f"{name} is to end the turn, but no step offers it",
            hint=f"offered are: {', '.join(sorted(offered)) or 'none'}",
            source=place_of(reading.owner),
            tool=name,
        )


def _declaration(step: StepDefinition, tool: ToolDefinition) -> Iterator[Finding]:
    if tool.borrowed is not None:
        yield from _borrowed(step, tool, tool.borrowed)
        return
    is_injected = any(kind is not KEY for kind in tool.hidden.values())
    if tool.effect is None and is_injected:
        yield _declared(
            step, tool, "effect", HINT,
            f"{tool.name} reaches other systems, but does not say what running it twice does",
            'say effect="read", "idempotent" or "once"; without it, it counts as "once"',
        )  # fmt: skip
    if tool.effect == "idempotent" and KEY not in tool.hidden.values():
        yield _declared(
            step, tool, "no-key", WARNING, f"{tool.name} is idempotent, but takes no key that would make it so",
            "add a parameter `key: IdempotencyKey`, and hand it to the other system",
        )  # fmt: skip
    if tool.effect == "state" and is_injected:
        yield _declared(
            step, tool, "effect", WARNING,
            f'{tool.name} is given something to reach other systems with, but says "state"',
            '"state" is for tools that touch nothing else; it is not recorded before it runs',
        )  # fmt: skip


def _borrowed(step: StepDefinition, tool: ToolDefinition, borrowed: Borrowed) -> Iterator[Finding]:
    if tool.effect is None:
        yield _declared(
            step, tool, "effect", HINT,
            f"{tool.name} is run by {borrowed.source.name}, but does not say what running it twice does",
            'say effect="read", "idempotent" or "once"; without it, it counts as "once"',
        )  # fmt: skip
    if borrowed.tool is None:
        yield _declared(
            step, tool, "open-tools", HINT,
            f"`{step.name}` offers whatever {borrowed.source.name} has, also what it gets tomorrow",
            "name what is wanted: only=[...]",
        )  # fmt: skip


def _declared(step: StepDefinition, tool: ToolDefinition, code: str, severity: Any, message: str, hint: str) -> Finding:
    return Finding(
        code=code, severity=severity, message=message, hint=hint, source=tool.source, step=step.name, tool=tool.name
    )
