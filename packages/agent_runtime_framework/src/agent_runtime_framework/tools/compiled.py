"""A tool as it is sent and checked, made once from its schema."""

from __future__ import annotations

import marshal
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.tools.arguments import ArgumentCheck, compile_schema

__all__ = ["Offerable", "OfferedTool", "offered"]


class Offerable(Protocol):
    """What can be offered to a model: `ToolSchema`, and whatever else names and describes itself."""

    @property
    def name(self) -> str:
        """What the model calls it."""
        ...

    def to_openai_format(self) -> JSONObject:
        """The tool as a chat-completions function."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTool:
    """What the engine needs of a tool.

    Attributes:
        name: What the model calls it.
        wire: The chat-completions function; the same dict in every request, not to be changed.
        check: Says what does not fit in a call's arguments.
        convert: Makes of arguments that fit what the tool's hints say; None if the schema says nothing of that.
    """

    name: str
    wire: JSONObject
    check: ArgumentCheck
    convert: Callable[[JSONObject], JSONObject] | None = None

    @property
    def parameter_names(self) -> list[str]:
        """Its parameters, in order."""
        parameters: JSONObject = self.wire["function"].get("parameters") or {}
        properties: JSONObject = parameters.get("properties") or {}
        return list(properties)


def offered(schema: Offerable) -> OfferedTool:
    """The tool of this schema; made when it is first asked for, and the same object ever after.

    Equal schemas share one tool. A schema changed later is not read again: make a new one.

    Raises:
        ConfigurationError: The schema has no name, or its parameters are no valid JSON Schema.
    """
    entry = _by_identity.get(id(schema))
    if entry is not None and entry[0]() is schema:
        return entry[1]
    wire = schema.to_openai_format()
    problems = getattr(schema, "problems", None)
    if callable(problems):
        # Its own check coerces as a function's hints say, or judges later; a bare schema does neither.
        convert = getattr(schema, "bind", None)
        tool = OfferedTool(name=schema.name, wire=wire, check=cast("ArgumentCheck", problems), convert=convert)
    else:
        tool = _equal_or_new(schema.name, wire)
    _remember(schema, tool)
    return tool


# Nothing is written into a schema, so that it stays copyable and picklable; it may be unhashable, so its id is the key.
_by_identity: dict[int, tuple[weakref.ref[Any], OfferedTool]] = {}

# Agents that write their schemas anew for every request get the same tool for the same words.
_by_content: dict[bytes, OfferedTool] = {}
_MAX_CONTENTS = 1_000


def _remember(schema: Offerable, tool: OfferedTool) -> None:
    key = id(schema)
    try:
        # Bound here, because at the end of the program the module's names go before the last schemas do.
        reference = weakref.ref(schema, lambda _, known=_by_identity: known.pop(key, None))
    except TypeError:  # its class has slots and no room for weak references
        return
    _by_identity[key] = (reference, tool)


def _equal_or_new(name: str, wire: JSONObject) -> OfferedTool:
    try:
        key = marshal.dumps((name, wire), 2)  # the fastest faithful key: it tells `1` from `1.0` and from `True`
    except ValueError:  # something in it is no plain JSON, such as an enum's member
        return _make(name, wire)
    tool = _by_content.get(key)
    if tool is None:
        if len(_by_content) >= _MAX_CONTENTS:
            _by_content.clear()
        tool = _by_content[key] = _make(name, wire)
    return tool


def _make(name: str, wire: JSONObject) -> OfferedTool:
    function = wire.get("function")
    if not isinstance(function, Mapping) or not name:
        raise ConfigurationError(
            f"the schema of tool {name!r} is written as {wire!r}; expected a name and "
            '{"type": "function", "function": {"name": ..., "parameters": ...}}'
        )
    parameters: Mapping[str, Any] = cast("Mapping[str, Any]", function).get("parameters") or {}
    try:
        return OfferedTool(name=name, wire=wire, check=compile_schema(parameters))
    except ConfigurationError as error:
        raise ConfigurationError(f"the parameters of tool {name!r} are no valid JSON Schema: {error}") from error
