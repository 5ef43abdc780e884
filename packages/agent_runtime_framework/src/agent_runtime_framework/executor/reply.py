"""Reads a model's reply, in whichever of the shapes models use, into text for the person and calls for the engine.

Besides structured calls, nested or flat, models write calls as text. Understood are:

    {"name": "pick", "arguments": {…}}          bare JSON, also in a code fence, in a list, or several in a row
    <tool_call>{…}</tool_call>                  tagged, also with the closing tag missing
    {{"name": "pick", …}}                       doubled braces
    pick(kind="car")                            a call expression on a line of its own, or in a fence; a list of such
    {"kind": "car"}                             bare arguments, when exactly one offered tool fits them

Rules:
    - Text is a call only if tools were offered, and only if it names an offered tool and its arguments fit.
    - What is unmistakably meant as a call but is not one of those is handed on as a call all the same: the gate
      refuses it and tells the model why. Either way the person never sees call text.
    - A tool result that the model made up, `<tool_response>…</tool_response>`, is dropped: it never happened.
    - Without tools, everything is text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.executor.turn import Reply
from agent_runtime_framework.messages import text_of
from agent_runtime_framework.toolcalls import (
    MAPPING,
    MAX_ARGUMENT_DEPTH,
    ToolCall,
    clean_text,
    make_call,
    preview,
    read_arguments,
    read_calls,
    read_json,
)

MAX_SCANNED_CHARS = 200_000
"""Longer texts are not searched for calls, in characters."""

MAX_OBJECTS = 64
"""How many JSON objects of one text are tried as calls."""

MAX_CALLS = 128
"""Calls of one reply beyond this number are forgotten; providers take no more in one message."""

KEPT_KEYS = ("thinking_blocks", "reasoning_content")
"""What of a reply, besides text and calls, is kept and sent back: providers refuse tool results without it."""

_CALL_MARK = re.compile(r"[{<(\[]")
_TAGGED = re.compile(r"<\|?(tool_call|function_call)\|?>(.*?)(?:<\|?/?\1\|?>|</\|?\1\|?>|\Z)", re.DOTALL)
_INVENTED = re.compile(
    r"<\|?((?:tool|function)_(?:response|result|output)s?)\|?>(.*?)(?:<\|?/?\1\|?>|</\|?\1\|?>|\Z)", re.DOTALL
)
_FENCED = re.compile(r"```[\w-]*[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_BACKTICKED_LINE = re.compile(r"^[ \t]*`([^`\n]+)`[ \t]*$", re.MULTILINE)
_TOOL_CALLS_MARK = re.compile(r"^\s*\[?TOOL_CALLS\]?\s*(?=[\[{])")
_CRUMBS = "{}[]()<>|\"',:;`/\\ \t\r\n"
"""What is left over of a call that was written with a bracket too many; a reply of nothing else says nothing."""

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
        if not text.strip(_CRUMBS):
            text = ""
    extra = {key: content[key] for key in KEPT_KEYS if content.get(key)}
    return Reply(text, tuple(calls[:MAX_CALLS]), usage, extra or None)


def read_text(text: str, tools: Tools) -> tuple[str, list[ToolCall]]:
    """`text` without the calls and the made-up results written in it, and those calls."""
    if len(text) > MAX_SCANNED_CHARS or not _CALL_MARK.search(text):
        return text, []
    truth = _INVENTED.sub("", text)
    if truth != text:
        text = _tidy(truth)
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
            error = f"the call could not be read: {preview(body)}"
            self.calls.append(make_call("unknown", None)._replace(error=error))
            return ""
        return match.group()

    def take_objects(self, text: str, *, is_marked: bool = False, is_alone: bool = False) -> str:
        """`text` without the JSON objects that are calls."""
        kept: list[str] = []
        position = 0
        for start, end, value in _json_values(text):
            whole = is_alone or not (text[:start].strip() or text[end:].strip(_CRUMBS))
            calls = self._calls_of(value, is_marked=is_marked, is_whole=whole)
            if calls:
                self.calls += calls
                kept.append(text[position:start])
                position = end
        return "".join([*kept, text[position:]])

    def take_expressions(self, text: str) -> str:
        """`text` without the lines that are call expressions of offered tools; as a whole, it may be one itself."""
        if "(" not in text:
            return text
        if "\n" in text and (calls := self._expressions(text)):
            self.calls += calls
            return ""
        lines: list[str] = []
        for line in text.split("\n"):
            calls = self._expressions(line)
            self.calls += calls
            if not calls:
                lines.append(line)
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
        call = self._fitting(data, is_whole=is_whole) or self._meant(data, is_marked=is_marked, is_whole=is_whole)
        return [call] if call else []

    def _fitting(self, data: JSONObject, *, is_whole: bool) -> ToolCall | None:
        """A call of an offered tool with arguments that fit it."""
        candidates = [_named(data), self._flat(data), _keyed(data)]
        if is_whole:
            candidates += self._bare(data)
        return next((call for call in candidates if call is not None and self._fits(call)), None)

    def _meant(self, data: JSONObject, *, is_marked: bool, is_whole: bool) -> ToolCall | None:
        """A call that will be refused, but can be meant as nothing else."""
        call = _named(data)
        if call is not None and (is_marked or _is_call_shaped(data)):
            return call
        call = _keyed(data)
        return call if call is not None and (is_marked or is_whole) and call.name in self.tools else None

    def _fits(self, call: ToolCall) -> bool:
        tool = self.tools.get(call.name)
        return tool is not None and call.error is None and not tool.check(call.arguments)

    def _flat(self, data: JSONObject) -> ToolCall | None:
        """`{"name": "pick", "kind": "car"}`."""
        name_key = _name_key(data)
        tool = None if name_key is None else self.tools.get(data[name_key])
        if name_key is None or tool is None:
            return None
        arguments = {key: value for key, value in data.items() if key != name_key}
        return make_call(data[name_key], arguments) if arguments.keys() <= set(tool.parameter_names) else None

    def _bare(self, data: JSONObject) -> list[ToolCall]:
        """`{"kind": "car"}`, when exactly one tool has such parameters and the values fit."""
        names = [name for name, tool in self.tools.items() if data and data.keys() <= set(tool.parameter_names)]
        fitting = [call for name in names if self._fits(call := make_call(name, data))]
        return fitting if len(fitting) == 1 else []

    def _expressions(self, text: str) -> list[ToolCall]:
        """`pick(kind="car")`, or a list of such."""
        text = text.strip().rstrip("; ")
        if text.lstrip("[ ").partition("(")[0] not in self.tools or text[-1] not in ")]":
            return []
        try:
            tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
        nodes = tree.elts if isinstance(tree, ast.List) else [tree]
        calls = [self._expression(node) for node in nodes]
        return [call for call in calls if call] if all(calls) else []

    def _expression(self, node: ast.expr) -> ToolCall | None:
        """A call of an offered tool; one that is not only a mention, but cannot be read, will be refused."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in self.tools:
            return None
        name = node.func.id
        try:
            return make_call(name, _arguments_of(node, self.tools[name].parameter_names))
        except (ValueError, TypeError, RecursionError, MemoryError):
            is_mention = not node.keywords and any(isinstance(each, ast.Name) for each in node.args)
            problem = "the arguments of the call could not be read; send one JSON object"
            return None if is_mention else make_call(name, None)._replace(error=problem)


def _named(data: JSONObject) -> ToolCall | None:
    """`{"name": …, "arguments": …}` in its variants."""
    data = _inner(data)
    key = _name_key(data)
    argument_key = _argument_key(data)
    if key is None or (argument_key is None and not data.keys() <= {key, *_OTHER_KEYS}):
        return None
    return make_call(data[key].strip(), data[argument_key] if argument_key else None)


def _keyed(data: JSONObject) -> ToolCall | None:
    """`{"pick": {"kind": "car"}}`."""
    if len(data) != 1:
        return None
    ((name, arguments),) = data.items()
    return make_call(name, cast("JSONObject", arguments)) if isinstance(arguments, dict) else None


def _is_call_shaped(data: JSONObject) -> bool:
    data = _inner(data)
    argument_key = _argument_key(data)
    return argument_key is not None and data.keys() <= {_name_key(data), argument_key, *_OTHER_KEYS}


def _inner(data: JSONObject) -> JSONObject:
    function = data.get("function")
    return cast("JSONObject", function) if isinstance(function, dict) else data


def _name_key(data: JSONObject) -> str | None:
    return next((key for key in _NAME_KEYS if isinstance(data.get(key), str)), None)


def _argument_key(data: JSONObject) -> str | None:
    return next((key for key in _ARGUMENT_KEYS if key in data), None)


def _arguments_of(call: ast.Call, names: Sequence[str]) -> JSONObject:
    values = [_constant(node) for node in call.args]
    if len(values) == 1 and isinstance(values[0], dict) and not call.keywords:
        return cast("JSONObject", values[0])
    if len(values) > len(names):
        raise ValueError("more arguments than parameters")
    arguments: JSONObject = dict(zip(names, values, strict=False))
    for keyword in call.keywords:
        value = _constant(keyword.value)
        arguments.update({keyword.arg: value} if keyword.arg else cast("JSONObject", value))
    return arguments


def _constant(node: ast.expr) -> object:
    if isinstance(node, ast.Name) and node.id in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[node.id]
    return ast.literal_eval(node)


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


_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)


def _closing(text: str, start: int) -> int:
    """Where the bracket at `start` is closed; 0 if it is not, or if it holds more levels than anything we read."""
    depth = 0
    for match in _STRUCTURE.finditer(text, start):
        token = match.group()
        if token in "{[":
            depth += 1
            if depth > MAX_ARGUMENT_DEPTH:
                return 0
        elif token in "}]":
            depth -= 1
            if depth == 0:
                return match.end()
    return 0


def _load(text: str) -> object:
    if text.startswith("["):
        try:
            return read_json(text)
        except ValueError:
            return None
    arguments, _, error = read_arguments(text)
    return None if error else arguments


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip(" \t\r\n,;`")
