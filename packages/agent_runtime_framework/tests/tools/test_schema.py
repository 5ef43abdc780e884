import agent_runtime_core.tools as core
from agent_runtime_framework.tools import schema


def test_schemas_are_defined_once():
    assert schema.__all__ == ["ToolParameter", "ToolSchema", "ToolSchemaBuilder", "schemas_to_openai_format"]
    assert all(getattr(schema, name) is getattr(core, name) for name in schema.__all__)
