"""Hooks: the one observer that is awaited, in the documented order."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable
from typing import Any, Self

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.toolcalls import preview

logger = logging.getLogger(__name__)

RESULT_PREVIEW_CHARS = 200
"""How much of a tool result `LoggingHooks` writes, in characters."""


class ExecutorHooks:
    """Override what you want to see; every method does nothing by default.

    Order: for each model request `on_iteration_start`, `on_llm_call` and, if the reply holds calls,
    `on_tool_calls`, then `on_tool_start` and `on_tool_end` for every call that runs; at the end `on_complete`.
    A hook that raises is logged, and the turn goes on.
    """

    async def on_iteration_start(self, iteration: int) -> None:
        """A model request is about to be made; counted from 0."""

    async def on_llm_call(self, messages: list[JSONObject], tools: list[JSONObject] | None) -> None:
        """The request: messages and tools in wire form, None if no tools are offered."""

    async def on_tool_calls(self, tool_calls: list[JSONObject]) -> None:
        """The reply's calls, in wire form."""

    async def on_tool_start(self, name: str, arguments: dict[str, Any]) -> None:
        """A call passed the gate and is about to run."""

    async def on_tool_end(self, name: str, result: str) -> None:
        """A call has run; the result is what the model is told."""

    async def on_complete(self, response: str, stopped_reason: str) -> None:
        """The turn is over."""


class CompositeHooks(ExecutorHooks):
    """Several hooks as one, called in order; one that raises does not keep the next from being called."""

    def __init__(self, hooks: Iterable[ExecutorHooks] = ()) -> None:
        self.hooks = list(hooks)

    def add(self, hook: ExecutorHooks) -> Self:
        """Append one more."""
        self.hooks.append(hook)
        return self

    async def on_iteration_start(self, iteration: int) -> None:
        await self._each("on_iteration_start", iteration)

    async def on_llm_call(self, messages: list[JSONObject], tools: list[JSONObject] | None) -> None:
        await self._each("on_llm_call", messages, tools)

    async def on_tool_calls(self, tool_calls: list[JSONObject]) -> None:
        await self._each("on_tool_calls", tool_calls)

    async def on_tool_start(self, name: str, arguments: dict[str, Any]) -> None:
        await self._each("on_tool_start", name, arguments)

    async def on_tool_end(self, name: str, result: str) -> None:
        await self._each("on_tool_end", name, result)

    async def on_complete(self, response: str, stopped_reason: str) -> None:
        await self._each("on_complete", response, stopped_reason)

    async def _each(self, method: str, *arguments: object) -> None:
        for hook in self.hooks:
            await notify(hook, method, *arguments)


class LoggingHooks(ExecutorHooks):
    """Writes a turn to the log.

    Attributes:
        level: The level of everything but arguments, which come at DEBUG; results are cut.
        logger: Where it goes.
    """

    def __init__(self, level: int = logging.INFO, logger_name: str | None = None) -> None:
        self.level = level
        self.logger = logging.getLogger(logger_name or __name__)

    async def on_iteration_start(self, iteration: int) -> None:
        self.logger.log(self.level, "iteration %d", iteration)

    async def on_llm_call(self, messages: list[JSONObject], tools: list[JSONObject] | None) -> None:
        self.logger.log(self.level, "model request: %d messages, %d tools", len(messages), len(tools or ()))

    async def on_tool_calls(self, tool_calls: list[JSONObject]) -> None:
        self.logger.log(self.level, "tool calls: %s", ", ".join(call["function"]["name"] for call in tool_calls))

    async def on_tool_start(self, name: str, arguments: dict[str, Any]) -> None:
        self.logger.log(self.level, "tool %s starts", name)
        self.logger.debug("tool %s arguments: %s", name, arguments)

    async def on_tool_end(self, name: str, result: str) -> None:
        self.logger.log(self.level, "tool %s ended: %s", name, preview(result, RESULT_PREVIEW_CHARS))

    async def on_complete(self, response: str, stopped_reason: str) -> None:
        self.logger.log(self.level, "complete: %s, %d characters", stopped_reason, len(response))


async def notify(hooks: ExecutorHooks, method: str, *arguments: object) -> None:
    """Call one hook; what it raises is logged and goes no further."""
    try:
        done = getattr(hooks, method)(*arguments)
        if inspect.isawaitable(done):
            await done
    except Exception:  # observers may be anybody's code, and none of it may break a conversation
        logger.warning("hook %s.%s failed", type(hooks).__name__, method, exc_info=True)
