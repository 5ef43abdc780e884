"""How tools are described to a model."""

from agent_runtime_core.tools import ToolParameter, ToolSchema, ToolSchemaBuilder, schemas_to_openai_format


def test_parameter_shows_only_what_it_has() -> None:
    assert ToolParameter("a", "string").to_schema() == {"type": "string"}
    full = ToolParameter("a", "array", "Some", True, [["x"]], {"type": "string"}, ["x"])
    assert full.to_schema() == {
        "type": "array",
        "description": "Some",
        "enum": [["x"]],
        "items": {"type": "string"},
        "default": ["x"],
    }
    assert ToolParameter("a", "boolean", default=False).to_schema() == {"type": "boolean", "default": False}


def test_builder_and_class_give_the_same_schema() -> None:
    built = (
        ToolSchemaBuilder("save")
        .description("Save it")
        .param("name", "string", "The name", required=True)
        .param("kind", "string", enum=["a", "b"])
        .build()
    )
    same = ToolSchema(
        "save",
        "Save it",
        [ToolParameter("name", "string", "The name", required=True), ToolParameter("kind", "string", enum=["a", "b"])],
    )
    assert built == same
    assert schemas_to_openai_format([built]) == [
        {
            "type": "function",
            "function": {
                "name": "save",
                "description": "Save it",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string", "description": "The name"},
                        "kind": {"type": "string", "enum": ["a", "b"]},
                    },
                    "required": ["name"],
                },
            },
        }
    ]


def test_tool_without_parameters_has_empty_ones() -> None:
    function = ToolSchemaBuilder("go").to_openai_format()["function"]
    assert function == {
        "name": "go",
        "description": "",
        "parameters": {"type": "object", "properties": {}, "required": []},
    }
