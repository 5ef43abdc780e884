"""How a tool is described to a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from agent_runtime_core.interfaces import JSONObject

if TYPE_CHECKING:
    from agent_runtime_core.callables import CallableSchema


@dataclass
class ToolParameter:
    """One argument of a tool.

    Attributes:
        name: Its keyword.
        type: A JSON Schema type: string, number, integer, boolean, array, object or null.
        description: What the model is told of it.
        required: False lets the model leave it out.
        enum: The values it may take.
        items: For arrays, the JSON Schema of an element.
        default: The value the schema names for a call that leaves it out.
    """

    name: str
    type: str
    description: str = ""
    required: bool = False
    enum: list[Any] | None = None
    items: JSONObject | None = None
    default: Any = None

    def to_schema(self) -> JSONObject:
        """The parameter as JSON Schema."""
        schema: JSONObject = {"type": self.type}
        if self.description:
            schema["description"] = self.description
        if self.enum:
            schema["enum"] = self.enum
        if self.items:
            schema["items"] = self.items
        if self.default is not None:
            schema["default"] = self.default
        return schema


@dataclass
class ToolSchema:
    """A tool as the model sees it.

    A schema that has been offered to a model is taken as it was then; to change one, make a new one.
    """

    name: str
    description: str
    parameters: list[ToolParameter] = field(default_factory=list[ToolParameter])

    @staticmethod
    def from_callable(function: Callable[..., Any], *, name: str | None = None, strict: bool = False) -> CallableSchema:
        """The schema that a function's hints and docstring describe; `self` of a method is left out.

        Arguments for it are validated and converted by Pydantic: a parameter that is a `date` gets a date. Asked for
        again, the schema is the same object.

        Args:
            function: The function, or a method, of a class or of an object.
            name: What the model calls it; the function's own name by default.
            strict: Describe it as OpenAI's strict mode wants it.

        Raises:
            ConfigurationError: A parameter has no hint, or one that a model cannot fill.
        """
        from agent_runtime_core.callables import schema_of

        return schema_of(getattr(function, "__func__", function), name, strict)

    def to_openai_format(self) -> JSONObject:
        """The schema as a chat-completions function."""
        parameters = {
            "type": "object",
            "properties": {each.name: each.to_schema() for each in self.parameters},
            "required": [each.name for each in self.parameters if each.required],
        }
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


class ToolSchemaBuilder:
    """A `ToolSchema`, written in one chain.

    >>> schema = ToolSchemaBuilder("save_name").description("Save the name").param("name", "string").build()
    >>> schema.name, schema.parameters[0].name
    ('save_name', 'name')
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._description = ""
        self._parameters: list[ToolParameter] = []

    def description(self, text: str) -> Self:
        """Set what the model is told of the tool."""
        self._description = text
        return self

    def param(
        self,
        name: str,
        type: str,
        description: str = "",
        required: bool = False,
        enum: list[Any] | None = None,
        items: JSONObject | None = None,
        default: Any = None,
    ) -> Self:
        """Add an argument; see `ToolParameter`."""
        self._parameters.append(ToolParameter(name, type, description, required, enum, items, default))
        return self

    def build(self) -> ToolSchema:
        """The schema."""
        return ToolSchema(self._name, self._description, list(self._parameters))

    def to_openai_format(self) -> JSONObject:
        """The schema as a chat-completions function."""
        return self.build().to_openai_format()


def schemas_to_openai_format(schemas: Iterable[ToolSchema]) -> list[JSONObject]:
    """Several schemas as chat-completions functions."""
    return [schema.to_openai_format() for schema in schemas]
