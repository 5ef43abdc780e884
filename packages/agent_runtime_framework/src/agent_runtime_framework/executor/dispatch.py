"""Tool executors: how a bare `LLMExecutor` finds and runs a tool by name."""

from __future__ import annotations

import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from agent_runtime_core.errors import ToolError
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.config import should_swallow_exceptions
from agent_runtime_framework.toolcalls import error_text, preview
from agent_runtime_framework.tools.base import BaseJourneyTools

logger = logging.getLogger(__name__)


class ToolExecutor(Protocol):
    """Runs tools by name."""

    async def execute(self, name: str, arguments: dict[str, Any]) -> str:
        """The result, as the model is told it."""
        ...


class ResolvingExecutor(ABC):
    """A tool executor that finds callables by name.

    `execute` is for callers of its own: it answers with text whatever happens, unless exceptions are to be raised.
    The turn loop uses `call`, which lets the exception through to the one place that knows what to do with it.
    """

    @abstractmethod
    def resolve(self, name: str) -> Callable[..., Any] | None:
        """The callable of that name, or None."""

    async def call(self, name: str, arguments: JSONObject) -> object:
        """Run the tool; what it raises passes through.

        Raises:
            ToolError: There is no such tool.
        """
        return str(await run_resolved(self.resolve(name), name, arguments))

    async def execute(self, name: str, arguments: dict[str, Any]) -> str:
        """The result as text; a failing tool is told as `Error executing <name>: …`, or raises in debug mode."""
        try:
            return str(await self.call(name, arguments))
        except ToolError as error:
            return f"Error: {error}"
        except Exception as error:  # a tool may raise anything; the setting decides who hears of it
            if not should_swallow_exceptions():
                raise
            logger.warning("tool %r failed", name, exc_info=True)
            return f"Error executing {name}: {error_text(error)}"


async def run_resolved(function: Callable[..., Any] | None, name: str, arguments: JSONObject) -> Any:
    """Run a tool that was looked up, sync or async; returns what it returns.

    Raises:
        ToolError: There is no such tool.
    """
    if function is None:
        raise ToolError(f"Unknown tool '{preview(name, 64)}'")
    result = function(**arguments)
    return await result if inspect.isawaitable(result) else result


async def run_method(tools: object, name: str, arguments: JSONObject) -> Any:
    """Run a public method of an object by its name; returns what it returns.

    Raises:
        ToolError: It has no such method, or not one that is a tool.
    """
    return await run_resolved(MethodToolExecutor(tools).resolve(name), name, arguments)


_NOT_TOOLS = frozenset({"state", "backend_client", "on_state_change"})
"""What tools hold besides tools, and what may well be callable."""


class CallableToolExecutor(ResolvingExecutor):
    """Runs functions from a dict, sync or async."""

    def __init__(self, tools: Mapping[str, Callable[..., Any]]) -> None:
        self.tools = tools

    def resolve(self, name: str) -> Callable[..., Any] | None:
        return self.tools.get(name)


class MethodToolExecutor(ResolvingExecutor):
    """Runs the public methods of an object; what the base classes bring is not callable."""

    def __init__(self, obj: object) -> None:
        self.obj = obj

    def resolve(self, name: str) -> Callable[..., Any] | None:
        if not name.isidentifier() or name.startswith("_") or name in _NOT_TOOLS or hasattr(BaseJourneyTools, name):
            return None
        method = getattr(self.obj, name, None)
        return method if callable(method) else None
