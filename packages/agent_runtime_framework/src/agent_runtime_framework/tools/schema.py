"""How a tool is described to a model; the definitions are those of `agent_runtime_core.tools`."""

from agent_runtime_core.tools import ToolParameter, ToolSchema, ToolSchemaBuilder, schemas_to_openai_format

__all__ = ["ToolParameter", "ToolSchema", "ToolSchemaBuilder", "schemas_to_openai_format"]
