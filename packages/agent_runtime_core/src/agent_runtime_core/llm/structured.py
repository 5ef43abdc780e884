"""What the caller wants the reply to look like, in the terms of JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import JSONObject


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFormat:
    """The form of a reply.

    Attributes:
        schema: JSON Schema; None for any JSON object.
        name: What the schema is called.
        strict: True if the provider has to keep to it exactly; None if the caller does not say.
    """

    schema: JSONObject | None
    name: str = "reply"
    strict: bool | None = None


def output_format(given: Any) -> OutputFormat | None:
    """The form that `response_format` asks for; None for plain text.

    A Pydantic model class, a JSON Schema, or the chat-completions forms (`text`, `json_object`, `json_schema`).

    Raises:
        ConfigurationError: It is something else.
    """
    schema_of = getattr(given, "model_json_schema", None)
    if callable(schema_of):
        schema = _every_property(cast("JSONObject", schema_of()))
        return OutputFormat(schema=schema, name=getattr(given, "__name__", "reply"), strict=True)
    if isinstance(given, Mapping):
        return _from_mapping(cast("Mapping[str, Any]", given))
    raise ConfigurationError(
        f"response_format {given!r} is not understood; pass a Pydantic model class, a JSON Schema as a dict, or "
        '{"type": "json_object"}'
    )


def chat_format(wanted: OutputFormat) -> JSONObject:
    """The form as a chat-completions `response_format`."""
    if wanted.schema is None:
        return {"type": "json_object"}
    described: JSONObject = {"name": wanted.name, "schema": wanted.schema}
    if wanted.strict is not None:
        described["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": described}


def _from_mapping(given: Mapping[str, Any]) -> OutputFormat | None:
    match given.get("type"):
        case "text":
            return None
        case "json_object":
            return OutputFormat(schema=None)
        case "json_schema":
            inner: Mapping[str, Any] = given.get("json_schema") or given
            return OutputFormat(
                schema=dict(inner["schema"]), name=str(inner.get("name") or "reply"), strict=inner.get("strict")
            )
        case _:
            return OutputFormat(schema=dict(given), name=_identifier(given.get("title")))


def _identifier(title: object) -> str:
    kept = "".join(char if char.isalnum() and char.isascii() else "_" for char in str(title or "reply"))
    return kept[:64]


def _every_property(schema: JSONObject) -> JSONObject:
    """The schema as strict outputs want it: every property required, no others allowed, no defaults."""
    return cast("JSONObject", _strict(schema))


def _strict(node: object) -> object:
    if isinstance(node, list):
        return [_strict(each) for each in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    strict: JSONObject = {}
    for key, value in cast("JSONObject", node).items():
        if key in ("properties", "$defs"):  # their keys are names, not keywords
            strict[key] = {name: _strict(each) for name, each in cast("JSONObject", value).items()}
        elif key != "default":
            strict[key] = _strict(value)
    if strict.get("type") == "object" and "properties" in strict:
        strict["required"] = list(strict["properties"])
        strict["additionalProperties"] = False
    return strict
