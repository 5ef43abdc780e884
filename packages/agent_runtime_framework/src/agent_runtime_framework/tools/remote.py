"""Tools that somebody else offers, as a step or an agent borrows them.

Rules:
    - What the other side says of its tools is text of strangers: it is cut, and control characters are taken out.
    - A tool whose schema cannot be used is not offered, and the reason is kept.
    - Arguments are checked against the other side's schema before anything is sent, and nothing is coerced.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.tools import ToolParameter, ToolSchema
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.toolcalls import Effect, clean_text
from agent_runtime_framework.tools.arguments import ArgumentCheck, compile_schema

__all__ = ["Listing", "RemoteSchema", "RemoteTool", "ToolSource", "cut", "plain_text", "remote_tool"]

MAX_DESCRIPTION = 1_024
MAX_WORDS = 300
"""How long a text inside a schema may be."""

MAX_SCHEMA = 30_000
"""How long a schema may be as JSON."""

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_WORDS = frozenset({"description", "title", "$comment"})
_REPEATED_GROUP = re.compile(r"\)\s*[*+{]|\\[1-9]")
_REPEATS = re.compile(r"(?<!\\)[*+]|\{\d*,\}")
_MOST_REPEATS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTool:
    """A tool as its source describes it.

    Attributes:
        name: What its source calls it.
        description: What it is for; cleaned.
        parameters: The JSON Schema of its arguments; cleaned.
        problem: Why it cannot be offered; empty if it can.
    """

    name: str
    description: str
    parameters: JSONObject
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a source offers, as far as is known.

    Attributes:
        tools: Its tools by name; empty before it was asked.
        problem: Why none of them can be called now; empty if they can.
    """

    tools: Mapping[str, RemoteTool] = field(default_factory=dict[str, RemoteTool])
    problem: str = ""


class ToolSource(Protocol):
    """Somebody else who offers tools, such as an MCP server."""

    @property
    def name(self) -> str:
        """What it is called, in errors and to the model."""
        ...

    @property
    def timeout(self) -> float | None:
        """Seconds after which a call is given up, where a step says nothing else."""
        ...

    @property
    def is_current(self) -> bool:
        """True if `listing` is as good as `refresh` could make it now."""
        ...

    def listing(self) -> Listing:
        """What is known of its tools; the same object until that changes."""
        ...

    async def refresh(self) -> None:
        """Find out what it offers. A source that cannot be reached says so in `listing`; nothing is raised."""
        ...

    async def run(self, tool: str, arguments: JSONObject, *, effect: Effect, key: str | None) -> str:
        """Call a tool, and return what the model is told.

        Args:
            tool: Its name there.
            arguments: Fit its schema.
            effect: What calling it twice would do.
            key: The same text whenever this very call is made again.

        Raises:
            ToolError: It failed, or could not be reached.
        """
        ...

    def held_by(self, holder: object) -> None:
        """Somebody uses it; it stays open until they let go."""
        ...

    async def let_go(self, holder: object) -> None:
        """Somebody does not use it any more; the last one closes it."""
        ...


class RemoteSchema(ToolSchema):
    """The schema of a borrowed tool, in the words of its source."""

    def __init__(self, tool: RemoteTool, name: str | None = None) -> None:
        super().__init__(name or tool.name, tool.description, _parameters(tool.parameters))
        self.remote = tool
        self._check = _check_of(tool.parameters)

    def to_openai_format(self) -> JSONObject:
        """The schema as a chat-completions function."""
        function = {"name": self.name, "description": self.description, "parameters": self.remote.parameters}
        return {"type": "function", "function": function}

    def problems(self, arguments: Any) -> list[str]:
        """What does not fit in a call's arguments."""
        return self._check(arguments)


def remote_tool(name: str, description: str | None, parameters: Any) -> RemoteTool:
    """A tool from what its source says of it."""
    about = cut(plain_text(description or ""), MAX_DESCRIPTION)
    schema, problem = _cleaned_schema(parameters)
    return RemoteTool(name=name, description=about, parameters=schema, problem=problem)


def plain_text(text: str) -> str:
    """Text without characters that nobody sees, except line ends and tabs."""
    if text.isascii() and text.isprintable():
        return text
    return clean_text("".join(each for each in text if each in "\n\t" or unicodedata.category(each) not in _UNSEEN))


def cut(text: str, most: int) -> str:
    """Text, or its beginning and how long it was."""
    if len(text) <= most:
        return text
    return f"{text[:most].rstrip()}… [cut: {most} of {len(text)} characters]"


def _cleaned_schema(parameters: Any) -> tuple[JSONObject, str]:
    nothing: JSONObject = {"type": "object", "properties": {}}
    if not isinstance(parameters, dict):
        return nothing, "its arguments are no JSON Schema object"
    schema = cast("JSONObject", _cleaned({**nothing, **cast("JSONObject", parameters)}))
    schema.pop("$schema", None)
    try:
        size = len(json.dumps(schema))
        if size > MAX_SCHEMA:
            return nothing, f"its schema is {size} characters long; at most {MAX_SCHEMA} are taken"
        _check_of(schema)
    except (ConfigurationError, ValueError, TypeError, RecursionError) as error:
        return nothing, f"its schema cannot be used: {cut(plain_text(str(error)), MAX_WORDS)}"
    if schema.get("type") != "object":
        return nothing, f"its arguments are {cut(repr(schema.get('type')), 40)}; expected an object"
    return schema, ""


def _cleaned(part: object, at: str = "") -> object:
    if isinstance(part, str):
        return cut(plain_text(part), MAX_WORDS) if at in _WORDS else part
    if isinstance(part, dict):
        return {name: _cleaned(each, name) for name, each in cast("JSONObject", part).items()}
    if isinstance(part, list):
        return [_cleaned(each) for each in cast("list[object]", part)]
    return part


def _check_of(schema: JSONObject) -> ArgumentCheck:
    return compile_schema(cast("JSONObject", _without_slow_patterns(schema)))


def _without_slow_patterns(part: object) -> object:
    """A schema whose patterns take no time to speak of; its source checks the others itself."""
    if isinstance(part, list):
        return [_without_slow_patterns(each) for each in cast("list[object]", part)]
    if not isinstance(part, dict):
        return part
    schema = cast("dict[str, object]", part)
    patterns = schema.get("patternProperties")
    if isinstance(patterns, dict) and not all(map(_is_quick, cast("JSONObject", patterns))):
        # Whether the other names are additional cannot be told any more.
        return {"type": "object"}
    return {name: _without_slow_patterns(each) for name, each in schema.items() if not _is_slow(name, each)}


def _is_slow(name: str, value: object) -> bool:
    return name == "pattern" and isinstance(value, str) and not _is_quick(value)


def _is_quick(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):  # JSON Schema's patterns are those of JavaScript
        return False
    return (
        len(pattern) <= 200 and not _REPEATED_GROUP.search(pattern) and len(_REPEATS.findall(pattern)) <= _MOST_REPEATS
    )


def _parameters(schema: JSONObject) -> list[ToolParameter]:
    required = schema.get("required") or ()
    properties: dict[str, object] = schema.get("properties") or {}
    parts = {name: cast("JSONObject", part) for name, part in properties.items() if isinstance(part, dict)}
    return [
        ToolParameter(name, str(part.get("type", "string")), str(part.get("description", "")), name in required)
        for name, part in parts.items()
    ]
