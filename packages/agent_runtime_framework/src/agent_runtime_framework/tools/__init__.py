"""What a model may do, written as methods on the state."""

from agent_runtime_framework.tools.base import BaseJourneyTools, BaseTool, ToolResult
from agent_runtime_framework.tools.schema import ToolParameter, ToolSchema, ToolSchemaBuilder

__all__ = ["BaseJourneyTools", "BaseTool", "ToolParameter", "ToolResult", "ToolSchema", "ToolSchemaBuilder"]
