"""What in the code of tools holds up everybody, or never happens."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from agent_runtime_framework.journey.check.finding import ERROR, HINT, Finding, Findings
from agent_runtime_framework.journey.definition import Source
from agent_runtime_framework.journey.source import Reading
from agent_runtime_framework.journey.source.code import file_of, is_authors, node_of

BLOCKING = {
    "time.sleep": "await asyncio.sleep(...)",
    "urllib.request.urlopen": "await asyncio.to_thread(...), or an async HTTP client",
    "subprocess.run": "await asyncio.create_subprocess_exec(...)",
    "subprocess.check_output": "await asyncio.create_subprocess_exec(...)",
    "subprocess.call": "await asyncio.create_subprocess_exec(...)",
    "os.system": "await asyncio.create_subprocess_exec(...)",
    "input": "ask in a step's prompt",
}
BLOCKING_MODULES = {"requests": "an async HTTP client, or await asyncio.to_thread(...)"}


def find(reading: Reading) -> Findings:
    """All of it."""
    for owner in dict.fromkeys((reading.tools, reading.owner)):
        if owner is None:
            continue
        for function in _functions(owner):
            yield from _in_function(owner, function)


def _functions(owner: type) -> Iterator[Callable[..., Any]]:
    for base in owner.__mro__:
        for value in vars(base).values():
            if inspect.isfunction(value) and is_authors(value):
                yield inspect.unwrap(value)


def _in_function(owner: type, function: Callable[..., Any]) -> Findings:
    node, path = node_of(function), file_of(function)
    if not isinstance(node, ast.AsyncFunctionDef) or path is None:
        return
    awaited = {id(each.value) for each in ast.walk(node) if isinstance(each, ast.Await)}
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and (instead := _instead(each, function)) is not None:
            yield Finding(
                code="blocking-call",
                severity=HINT,
                message=f"{ast.unparse(each.func)} in {function.__name__} holds up every other conversation meanwhile",
                hint=f"use {instead}",
                source=Source(path, each.lineno),
                tool=function.__name__,
            )
        elif isinstance(each, ast.Expr) and isinstance(each.value, ast.Call) and id(each.value) not in awaited:
            yield from _not_awaited(owner, function, each.value, path)


def _instead(call: ast.Call, function: Callable[..., Any]) -> str | None:
    name = ast.unparse(call.func)
    first, _, rest = name.partition(".")
    value = getattr(function, "__globals__", {}).get(first)
    module = getattr(value, "__name__", first) if inspect.ismodule(value) else getattr(value, "__module__", None)
    if module is not None and value is not None:
        # An alias, or a function imported by itself, is looked up under its own name.
        name = f"{module}.{rest}" if inspect.ismodule(value) else f"{module}.{getattr(value, '__name__', '')}"
    if name.partition(".")[0] in BLOCKING_MODULES:
        return BLOCKING_MODULES[name.partition(".")[0]]
    return BLOCKING.get(name)


def _not_awaited(owner: type, function: Callable[..., Any], call: ast.Call, path: str) -> Findings:
    target = call.func
    if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name) or target.value.id != "self":
        return
    if inspect.iscoroutinefunction(inspect.getattr_static(owner, target.attr, None)):
        yield Finding(
            code="not-awaited",
            severity=ERROR,
            message=f"self.{target.attr}() in {function.__name__} is not awaited, so it never runs",
            hint=f"write await self.{target.attr}(...)",
            source=Source(path, call.lineno),
            tool=function.__name__,
        )
