"""A JSON Schema as OpenAI's strict mode wants it.

Rules of that mode: every property is required, nothing else is allowed, a reference stands alone, choices are `anyOf`.
What it cannot say at all, such as an object with free keys, is an error here and not at the provider.
"""

from __future__ import annotations

from typing import Any, cast

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import JSONObject

_NULL = {"type": "null"}
_UNKNOWN = frozenset({"default", "uniqueItems", "discriminator", "examples"})
"""Keywords the mode does not know; what they ask for is checked when the call comes in."""


def strict_schema(schema: JSONObject, tool: str) -> JSONObject:
    """The schema, rewritten; what was optional may be null.

    Args:
        schema: The schema of a tool's parameters; not changed.
        tool: Its name, for the error's text.

    Raises:
        ConfigurationError: It says something that strict mode has no words for.
    """
    return _Rewriting(schema.get("$defs", {}), tool).schema(schema)


class _Rewriting:
    def __init__(self, definitions: JSONObject, tool: str) -> None:
        self._definitions = definitions
        self._tool = tool

    def schema(self, node: JSONObject) -> JSONObject:
        node = self._standing_alone(node)
        done: JSONObject = {}
        for key, value in node.items():
            if key in ("properties", "$defs"):
                done[key] = {name: self.schema(each) for name, each in cast("JSONObject", value).items()}
            elif key in ("anyOf", "oneOf", "allOf"):
                done["anyOf" if key == "oneOf" else key] = [self.schema(each) for each in value]
            elif key == "items":
                done[key] = self.schema(cast("JSONObject", value)) if isinstance(value, dict) else value
            elif key not in _UNKNOWN:
                done[key] = value
        if node.get("type") == "object":
            self._close(node, done)
        self._refuse(node)
        return done

    def _standing_alone(self, node: JSONObject) -> JSONObject:
        """The node with its reference written out, where something else is said beside it."""
        if "$ref" not in node or len(node) == 1:
            return node
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        beside = {key: value for key, value in node.items() if key not in ("$ref", "default")}
        return {**self._definitions[name], **beside} if beside else {"$ref": node["$ref"]}

    def _close(self, node: JSONObject, done: JSONObject) -> None:
        if node.get("additionalProperties") or "properties" not in node:
            raise self._error("an object with free keys; name them in a dataclass or a Pydantic model")
        properties: JSONObject = done.setdefault("properties", {})
        required = set(node.get("required", ()))
        for name, each in properties.items():
            if name not in required:
                properties[name] = _nullable(each)
        done["required"] = list(properties)
        done["additionalProperties"] = False

    def _refuse(self, node: JSONObject) -> None:
        if "prefixItems" in node:
            raise self._error("a tuple; use a dataclass, or a list of one type")
        if not node.keys() & {"type", "anyOf", "oneOf", "allOf", "$ref", "enum", "const"}:
            raise self._error("a value of any type; give it a hint that says more than Any")

    def _error(self, found: str) -> ConfigurationError:
        return ConfigurationError(f"tool {self._tool!r} cannot be described in strict mode: it takes {found}")


def _nullable(schema: Any) -> Any:
    if schema.get("type") == "null" or _NULL in schema.get("anyOf", ()):
        return schema
    return {"anyOf": [schema, _NULL]}
