"""Running an agent without a server: one call, one result."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from agent_runtime_core.contexts import EventCallback, InMemoryRunContext
from agent_runtime_core.interfaces import AgentRuntime, EventType, JSONObject, RunContext, RunResult, Tool, ToolRegistry
from agent_runtime_core.logs import log_context


async def run_agent(
    agent: AgentRuntime,
    message: str | Sequence[Mapping[str, Any]],
    *,
    conversation_id: UUID | str | None = None,
    params: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tools: Sequence[Tool] = (),
    on_event: EventCallback | None = None,
) -> RunResult:
    """The agent's result for one user message, or for a whole list of messages.

    `on_event` sees the agent's events between `run.started` and the event that ends the run. What the agent raises
    passes through, after `run.failed`; its `cancel` is awaited when the run is cancelled.
    """
    messages = [{"role": "user", "content": message}] if isinstance(message, str) else message
    registry = ToolRegistry()
    for tool in tools:
        registry.register(tool)
    ctx = InMemoryRunContext(
        conversation_id=conversation_id,
        input_messages=messages,
        params=params,
        metadata=metadata,
        tool_registry=registry,
        on_event=on_event,
    )
    with log_context(run_id=ctx.run_id, conversation_id=ctx.conversation_id):
        return await _run(agent, ctx)


async def _run(agent: AgentRuntime, ctx: RunContext) -> RunResult:
    await ctx.emit(EventType.RUN_STARTED, {"agent_key": agent.key, "attempt": 1})
    try:
        result = await agent.run(ctx)
    except asyncio.CancelledError:
        await agent.cancel(ctx)
        await ctx.emit(EventType.RUN_CANCELLED, {})
        raise
    except Exception as error:
        await ctx.emit(EventType.RUN_FAILED, await _failure(agent, ctx, error))
        raise
    await ctx.emit(EventType.RUN_SUCCEEDED, {"output": result.final_output, "usage": result.usage})
    return result


async def _failure(agent: AgentRuntime, ctx: RunContext, error: Exception) -> JSONObject:
    info = await agent.on_error(ctx, error)
    return {
        "error": info.message,
        "error_type": info.type,
        "error_details": info.details,
        "attempt": 1,
        "max_attempts": 1,
        "retriable": False,
    }
