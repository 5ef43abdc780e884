"""Reads a model's reply, in whichever of the shapes models use, into text for the person and calls for the engine.

Besides structured calls, nested or flat, models write calls as text. Understood are:

    {"name": "pick", "arguments": {…}}          bare JSON, also in a code fence, in a list, or several in a row
    <tool_call>{…}</tool_call>                  tagged, also with the closing tag missing
    {{"name": "pick", …}}                       doubled braces
    pick(kind="car")                            a call expression on a line of its own, or in a fence
    {"kind": "car"}                             bare arguments, when exactly one offered tool fits them

Rules:
    - Text is a call only if tools were offered, and only if it names an offered tool and its arguments fit.
    - What is unmistakably meant as a call but is not one of those is handed on as a call all the same: the gate
      refuses it and tells the model why. Either way the person never sees call text.
    - Without tools, everything is text.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.executor.turn import Reply
from agent_runtime_framework.messages import text_of
from agent_runtime_framework.toolcalls import (
    MAPPING,
    ToolCall,
    clean_text,
    make_call,
    preview,
    read_arguments,
    read_calls,
)

MAX_SCANNED_CHARS = 200_000
"""Longer texts are not searched for calls, in characters."""

MAX_OBJECTS = 64
"""How many JSON objects of one text are tried as calls."""

_TAGGED = re.compile(r"<\|?(tool_call|function_call)\|?>(.*?)(?:<\|?/?\1\|?>|</\|?\1\|?>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```[\w-]*[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_BACKTICKED_LINE = re.compile(r"^[ \t]*`([^`\n]+)`[ \t]*$", re.MULTILINE)
_TOOL_CALLS_MARK = re.compile(r"^\s*\[?TOOL_CALLS\]?\s*(?=[\[{])")
_NAME_KEYS = ("name", "tool", "tool_name", "function", "function_name", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "action_input")
_OTHER_KEYS = frozenset({"id", "type"})


class OfferedTool(Protocol):
    """What reading needs to know of an offered tool."""

    @property
    def parameter_names(self) -> Sequence[str]:
        """Its parameters, in order."""
        ...

    @property
    def check(self) -> Callable[[Any], Sequence[str]]:
        """Says what does not fit in a call's arguments."""
        ...


Tools = Mapping[str, OfferedTool]
"""The offered tools by name."""


def read_reply(message: object, usage: Mapping[str, Any] | None, tools: Tools) -> Reply:
    """The reply that `message`, an assistant message, stands for.

    Total: whatever the message holds, the result is a reply; nothing readable is an empty one.

    Args:
        message: What the client returned: a dict with `content` and, perhaps, `tool_calls`.
        usage: The client's token counts.
        tools: The tools that were offered with the request.
    """
    if not isinstance(message, MAPPING):
        return Reply(usage=usage)
    content = cast("Mapping[str, Any]", message)
    text = clean_text(text_of(content.get("content"))).strip()
    calls = read_calls(content.get("tool_calls"))
    if tools and text:
        text, written = read_text(text, tools)
        if not calls:
            calls = written
    return Reply(text, tuple(calls), usage)


def read_text(text: str, tools: Tools) -> tuple[str, list[ToolCall]]:
    """`text` without the calls written in it, and those calls."""
    if len(text) > MAX_SCANNED_CHARS or not any(mark in text for mark in "{<(["):
        return text, []
    reader = _TextReader(tools)
    rest = text
    for pattern in (_TAGGED, _FENCED, _BACKTICKED_LINE):
        rest = pattern.sub(reader.take_marked, rest)
    rest = reader.take_objects(_TOOL_CALLS_MARK.sub("", rest))
    rest = reader.take_expressions(rest)
    if not reader.calls:
        return text, []
    return _tidy(rest), reader.calls


class _TextReader:
    """Takes calls out of a text, piece by piece."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.calls: list[ToolCall] = []

    def take_marked(self, match: re.Match[str]) -> str:
        """The replacement for a tagged, fenced or backticked piece: nothing if it holds calls, itself otherwise."""
        is_tagged = match.re is _TAGGED
        body = match.group(2 if is_tagged else 1).strip()
        before = len(self.calls)
        rest = self.take_objects(body, is_marked=is_tagged, is_alone=True)
        rest = self.take_expressions(rest)
        if len(self.calls) > before:
            return ""
        if is_tagged:
            self.calls.append(
                ToolCall("call_unknown", "unknown", {}, "{}", f"the call could not be read: {preview(body)}")
            )
            return ""
        return match.group()

    def take_objects(self, text: str, *, is_marked: bool = False, is_alone: bool = False) -> str:
        """`text` without the JSON objects that are calls."""
        kept: list[str] = []
        position = 0
        for start, end, value in _json_values(text):
            whole = is_alone or not (text[:start].strip() or text[end:].strip())
            calls = self._calls_of(value, is_marked=is_marked, is_whole=whole)
            if calls:
                self.calls += calls
                kept.append(text[position:start])
                position = end
        return "".join([*kept, text[position:]])

    def take_expressions(self, text: str) -> str:
        """`text` without the lines that are call expressions of offered tools."""
        if "(" not in text:
            return text
        lines: list[str] = []
        for line in text.split("\n"):
            call = self._expression(line.strip().rstrip(";"))
            if call is None:
                lines.append(line)
            else:
                self.calls.append(call)
        return "\n".join(lines)

    def _calls_of(self, value: object, *, is_marked: bool, is_whole: bool) -> list[ToolCall]:
        if isinstance(value, list):
            entries = cast("list[object]", value)
            calls = [self._calls_of(each, is_marked=is_marked, is_whole=False) for each in entries]
            return [call for each in calls for call in each] if calls and all(calls) else []
        if not isinstance(value, dict):
            return []
        data = cast("JSONObject", value)
        if isinstance(data.get("tool_calls"), list):
            return self._calls_of(data["tool_calls"], is_marked=is_marked, is_whole=False)
        call = self._named(data, is_marked=is_marked) or self._keyed(data)
        if call is None and is_whole:
            call = self._bare(data)
        return [call] if call else []

    def _named(self, data: JSONObject, *, is_marked: bool) -> ToolCall | None:
        """`{"name": …, "arguments": …}` in its variants."""
        if isinstance(data.get("function"), dict):
            data = cast("JSONObject", data["function"])
        name_key = next((key for key in _NAME_KEYS if isinstance(data.get(key), str)), None)
        if name_key is None:
            return None
        name = data[name_key].strip()
        argument_key = next((key for key in _ARGUMENT_KEYS if key in data), None)
        arguments, text, error = read_arguments(data[argument_key] if argument_key else None)
        call = ToolCall(f"call_{name}", name, arguments, text, error)
        if name in self.tools and error is None and not self.tools[name].check(arguments):
            return call
        is_call_shaped = argument_key is not None and data.keys() <= {name_key, argument_key, *_OTHER_KEYS}
        return call if is_marked or is_call_shaped else None

    def _keyed(self, data: JSONObject) -> ToolCall | None:
        """`{"pick": {"kind": "car"}}`."""
        if len(data) != 1:
            return None
        ((name, arguments),) = data.items()
        if name not in self.tools or not isinstance(arguments, dict):
            return None
        found = cast("JSONObject", arguments)
        return None if self.tools[name].check(found) else make_call(name, found)

    def _bare(self, data: JSONObject) -> ToolCall | None:
        """`{"kind": "car"}`, when exactly one tool has such parameters and the values fit."""
        fitting = [
            name
            for name, tool in self.tools.items()
            if data and data.keys() <= set(tool.parameter_names) and not tool.check(data)
        ]
        return make_call(fitting[0], data) if len(fitting) == 1 else None

    def _expression(self, line: str) -> ToolCall | None:
        name, opened, rest = line.partition("(")
        tool = self.tools.get(name)
        if tool is None or not opened or not rest.endswith(")"):
            return None
        try:
            tree = ast.parse(line, mode="eval").body
            arguments = _arguments_of(tree, tool.parameter_names)
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
            return None
        return make_call(name, arguments)


def _arguments_of(call: ast.expr, names: Sequence[str]) -> JSONObject:
    if not isinstance(call, ast.Call):
        raise TypeError
    values = [_constant(node) for node in call.args]
    if len(values) == 1 and isinstance(values[0], dict) and not call.keywords:
        return cast("JSONObject", values[0])
    arguments: JSONObject = dict(zip(names, values, strict=False))
    arguments.update((keyword.arg or "", _constant(keyword.value)) for keyword in call.keywords)
    return arguments


def _constant(node: ast.expr) -> object:
    if isinstance(node, ast.Name) and node.id in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[node.id]
    return json.loads(json.dumps(ast.literal_eval(node)))


def _json_values(text: str) -> Iterator[tuple[int, int, object]]:
    """The JSON objects and lists in `text`, outermost first, with where they begin and end."""
    position = 0
    for _ in range(MAX_OBJECTS):
        start = _next_opening(text, position)
        if start < 0:
            return
        end = _closing(text, start)
        value = _load(text[start:end]) if end else None
        if value is None:
            position = start + 1
            continue
        yield start, end, value
        position = end


def _next_opening(text: str, position: int) -> int:
    found = [index for index in (text.find("{", position), text.find("[", position)) if index >= 0]
    return min(found, default=-1)


_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)


def _closing(text: str, start: int) -> int:
    """Where the bracket at `start` is closed; 0 if it is not."""
    depth = 0
    for match in _STRUCTURE.finditer(text, start):
        token = match.group()
        if token in "{[":
            depth += 1
        elif token in "}]":
            depth -= 1
            if depth == 0:
                return match.end()
    return 0


def _load(text: str) -> object:
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    arguments, _, error = read_arguments(text)
    return None if error else arguments


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip(" \t\r\n,;`")
