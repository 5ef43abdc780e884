"""Telling an author what is wrong in a class body: where, what, and the way out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, NoReturn

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.definition import Source


def fail(source: Source | None, message: str) -> NoReturn:
    """Raise what is wrong, with the line if it is known."""
    raise ConfigurationError(f"{source}: {message}" if source else message)


def source_of(function: Callable[..., Any]) -> Source | None:
    """Where a function was written."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return Source(code.co_filename, code.co_firstlineno) if code else None


def source_of_class(owner: type) -> Source | None:
    """Where a class was written; None where its text is not to be had."""
    try:
        _, index = inspect.findsource(owner)
        return Source(inspect.getsourcefile(owner) or "", index + 1)
    except (OSError, TypeError, IndexError):
        return None


def source_in_class(owner: type, name: str) -> Source | None:
    """Where a name is declared in a class; the class's own line where the name is not found."""
    try:
        lines, index = inspect.findsource(owner)
        file = inspect.getsourcefile(owner) or ""
    except (OSError, TypeError, IndexError):
        return None
    declares = re.compile(rf"\s+(async\s+def\s+|def\s+)?{re.escape(name)}\s*[:=(]")
    for number, line in enumerate(lines[index:], start=index + 1):
        if declares.match(line):
            return Source(file, number)
    return Source(file, index + 1)
