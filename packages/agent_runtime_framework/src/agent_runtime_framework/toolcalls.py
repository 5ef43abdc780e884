"""Tool calls in their one sound form, whatever shape a model sent them in.

Rules:
    - A call is read once; afterwards it is a `ToolCall`, and its `wire` form is what history and providers see.
    - The wire form is always acceptable: a string id, a legal function name, arguments that are JSON text of an object.
    - Arguments that cannot be read are an error to tell the model, never a silent empty object.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NoReturn, TypeGuard, cast

from agent_runtime_core.interfaces import JSONObject

MAX_ARGUMENT_CHARS = 100_000
"""Longer argument texts are refused unread, in characters."""

PREVIEW_CHARS = 800
"""How much of a bad argument text the model is shown again, in characters."""

MAPPING = (dict, Mapping)
"""For `isinstance` on hot paths: a dict is told at once, where the abstract class alone takes ten times as long."""

_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ILLEGAL_IN_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_BROKEN_CHARACTERS = re.compile("[\x00\ud800-\udfff]")
_TRAILING_COMMA = re.compile(r',(?=\s*[}\]])|"(?:[^"\\]|\\.)*"', re.DOTALL)
_FENCE = re.compile(r"^```[\w-]*\s*\n?(.*?)\n?\s*```$", re.DOTALL)
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One request of the model to run a tool.

    Attributes:
        id: Unique in the conversation; pairs the call with its result.
        name: The tool as the model named it.
        arguments: The parsed arguments; empty when `error` is set.
        text: The arguments as JSON text of an object.
        error: What is wrong with the arguments, for the model to read; None if they could be read.
    """

    id: str
    name: str
    arguments: JSONObject
    text: str = "{}"
    error: str | None = None

    @property
    def wire_name(self) -> str:
        """The name, with what providers reject in a name replaced."""
        return self.name if _FUNCTION_NAME.fullmatch(self.name) else _legal_name(self.name)

    @property
    def wire(self) -> JSONObject:
        """The call as an entry of an assistant message's `tool_calls`."""
        return {"id": self.id, "type": "function", "function": {"name": self.wire_name, "arguments": self.text}}


def read_calls(raw: object, taken: AbstractSet[str] = frozenset()) -> list[ToolCall]:
    """The calls of a reply's `tool_calls`, in order; None and nonsense are no calls.

    Args:
        raw: A list of calls, nested (`{"id", "function": {…}}`) or flat (`{"id", "name", "arguments"}`), as dicts
            or as a vendor's objects; a single call is taken as a list of one.
        taken: Ids that earlier calls of the conversation use; a call that repeats one gets another id.
    """
    if not raw:
        return []
    entries = cast("Iterable[object]", raw) if isinstance(raw, (list, tuple)) else (raw,)
    calls: list[ToolCall] = []
    fresh: set[str] = set()
    for entry in entries:
        call = _read_call(entry, lambda wanted: unique_id(wanted, taken, fresh))
        fresh.add(call.id)
        calls.append(call)
    return calls


def unique_id(wanted: str, *taken: AbstractSet[str]) -> str:
    """`wanted`, or `wanted_<number>` when it is taken.

    The number starts above the count of taken ids, so that a model that never sends ids costs no search.
    """
    if not any(wanted in ids for ids in taken):
        return wanted
    number = 1 + sum(len(ids) for ids in taken)
    while any(f"{wanted}_{number}" in ids for ids in taken):
        number += 1
    return f"{wanted}_{number}"


def make_call(name: str, arguments: JSONObject, *, call_id: str = "") -> ToolCall:
    """A call from a name and parsed arguments."""
    return ToolCall(call_id or f"call_{_legal_name(name)}", name, arguments, json.dumps(arguments, ensure_ascii=False))


def read_arguments(raw: object) -> tuple[JSONObject, str, str | None]:
    """Arguments as an object, as JSON text, and what is wrong with them.

    JSON comes first; a Python literal, trailing commas, doubled braces, a code fence, JSON inside a JSON string,
    null and nothing at all are understood too. Characters no database or wire accepts (NUL, lone surrogates)
    become U+FFFD.
    """
    if raw is None or raw == "":
        return {}, "{}", None
    if isinstance(raw, str):
        return _read_text(raw)
    if _is_object(raw):
        try:
            return _read_text(json.dumps(raw, ensure_ascii=False))
        except (TypeError, ValueError, RecursionError) as exc:
            return {}, "{}", f"the arguments are not JSON ({exc}); send one JSON object"
    return {}, "{}", f"the arguments are {_kind(raw)}; send one JSON object"


def clean_text(text: str) -> str:
    """`text` with U+FFFD for the characters no database or wire accepts: NUL and lone surrogates."""
    if text.isascii() and "\x00" not in text:
        return text
    return _BROKEN_CHARACTERS.sub("\ufffd", text)


def preview(text: str, limit: int = PREVIEW_CHARS) -> str:
    """The beginning of `text`, with a mark if it was cut."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def _read_call(entry: object, assign: Callable[[str], str]) -> ToolCall:
    outer = _as_mapping(entry)
    nested = _as_mapping(outer.get("function"))
    source = nested if nested.get("name") is not None else outer
    name = clean_text(str(source.get("name") or "")).strip()
    raw = next((source[key] for key in _ARGUMENT_KEYS if source.get(key) is not None), None)
    arguments, text, error = read_arguments(raw)
    call_id = outer.get("id")
    wanted = clean_text(call_id) if isinstance(call_id, str) and call_id else f"call_{_legal_name(name)}"
    return ToolCall(assign(wanted), name, arguments, text, error)


def _as_mapping(value: object) -> Mapping[str, Any]:
    if isinstance(value, MAPPING):
        return cast("Mapping[str, Any]", value)
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return _as_mapping(dump())
    fields = ("id", "function", "name", "arguments")
    return {key: getattr(value, key) for key in fields if hasattr(value, key) and not isinstance(value, str)}


def _legal_name(name: str) -> str:
    return _ILLEGAL_IN_NAME.sub("_", name)[:64] or "unknown"


def _read_text(raw: str) -> tuple[JSONObject, str, str | None]:
    if len(raw) > MAX_ARGUMENT_CHARS:
        problem = f"the arguments are {len(raw)} characters long; send at most {MAX_ARGUMENT_CHARS}"
        return {}, "{}", problem
    text = clean_text(raw)
    try:
        value = _load(text)
        is_sound = True
    except (ValueError, RecursionError):
        value = _read_leniently(text)
        is_sound = False
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        return _read_text(value)
    if value is None:
        return {}, "{}", None
    if not _is_object(value):
        found = "not JSON" if value is _UNREADABLE else _kind(value)
        return {}, "{}", f"the arguments are {found}; send one JSON object. Received: {preview(text)}"
    if is_sound and "\\u" not in text:
        return value, text, None
    value = cast("JSONObject", _clean(value))
    return value, json.dumps(value, ensure_ascii=False), None


_UNREADABLE = object()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_load = json.JSONDecoder(parse_constant=_refuse_constant).decode


def _read_leniently(text: str) -> object:
    stripped = text.strip()
    if fenced := _FENCE.match(stripped):
        stripped = fenced.group(1).strip()
    candidates = [stripped, _TRAILING_COMMA.sub(_keep_strings, stripped)]
    if stripped.startswith("{{") and stripped.endswith("}}"):
        candidates += [stripped[1:-1], stripped.replace("{{", "{").replace("}}", "}")]
    for candidate in candidates:
        for parse in (_load, _literal):
            try:
                return parse(candidate)
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                continue
    return _UNREADABLE


def _keep_strings(match: re.Match[str]) -> str:
    return "" if match.group().startswith(",") else match.group()


def _literal(text: str) -> object:
    value = ast.literal_eval(text)
    # A literal may hold what JSON cannot: sets, bytes, complex numbers, keys that are no strings.
    return _load(json.dumps(value, allow_nan=False))


def _clean(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        items = cast("Mapping[str, object]", value).items()
        return {clean_text(key): _clean(each) for key, each in items}
    if isinstance(value, list):
        return [_clean(each) for each in cast("list[object]", value)]
    return value


def _is_object(value: object) -> TypeGuard[JSONObject]:
    return isinstance(value, dict)


def _kind(value: object) -> str:
    kinds: dict[type, str] = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), f"a {type(value).__name__}")
