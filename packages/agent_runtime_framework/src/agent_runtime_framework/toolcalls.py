"""Tool calls in their one sound form, whatever shape a model sent them in.

Rules:
    - A call is read once; afterwards it is a `ToolCall`, and its `wire` form is what history and providers see.
    - The wire form is always acceptable: a legal id and function name, arguments that are JSON text of an object.
    - Arguments that cannot be read are an error to tell the model, never a silent empty object.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, Literal, NamedTuple, NoReturn, TypeAlias, TypeGuard, cast

from agent_runtime_core.interfaces import JSONObject

Effect: TypeAlias = Literal["state", "read", "idempotent", "once"]
"""What running a tool twice would do.

- state: nothing; it touches only the journey's state.
- read: nothing; it only looks something up.
- idempotent: the same as once, given the same key.
- once: harm. A call cut off half-way is never run again; its outcome is told as unknown.
"""

MAX_ARGUMENT_CHARS = 100_000
"""Longer argument texts are refused unread, in characters."""

MAX_ARGUMENT_DEPTH = 100
"""Arguments nested deeper are refused, in levels; what walks them later may do so by recursion."""

MAX_ID_CHARS = 40
"""Longer ids are cut, in characters; OpenAI rejects them."""

PREVIEW_CHARS = 800
"""How much of a bad argument text the model is shown again, in characters."""

MAPPING = (dict, Mapping)
"""For `isinstance` on hot paths: a dict is told at once, where the abstract class alone takes ten times as long."""

_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_ILLEGAL_IN_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_BROKEN_CHARACTERS = re.compile("[\x00\ud800-\udfff]")
# A string left open runs to the end: backing out of it at every quote would take quadratic time.
_TRAILING_COMMA = re.compile(r',(?=\s*[}\]])|"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_FENCE = re.compile(r"^```[\w-]*\s*\n?(.*?)\n?\s*```$", re.DOTALL)
_CALL_KEYS = frozenset({"id", "type", "index", "function", "name", "arguments", "parameters", "args", "input"})
_OTHER_ARGUMENT_KEYS = ("parameters", "args", "input")


class ToolCall(NamedTuple):
    """One request of the model to run a tool.

    Attributes:
        id: Unique in the conversation; pairs the call with its result.
        name: The tool as the model named it.
        arguments: The parsed arguments; empty when `error` is set.
        text: The arguments as JSON text of an object.
        error: What is wrong with the arguments, for the model to read; None if they could be read.
        extra: What else the provider put into the call and wants back with it, such as a thought's signature.
    """

    id: str
    name: str
    arguments: JSONObject
    text: str = "{}"
    error: str | None = None
    extra: JSONObject | None = None

    @property
    def wire_name(self) -> str:
        """The name, with what providers reject in a name replaced."""
        return _legal_name(self.name[:64])

    @property
    def wire(self) -> JSONObject:
        """The call as an entry of an assistant message's `tool_calls`."""
        function = {"name": self.wire_name, "arguments": self.text}
        wire: JSONObject = {"id": self.id, "type": "function", "function": function}
        return wire if self.extra is None else {**self.extra, **wire}


def read_calls(raw: object) -> list[ToolCall]:
    """The calls of a reply's `tool_calls`, in order; None and nonsense are no calls.

    Their ids are sound, but may repeat each other or earlier ones: see `unique_id`.

    Args:
        raw: A list of calls, nested (`{"id", "function": {…}}`) or flat (`{"id", "name", "arguments"}`), as dicts
            or as a vendor's objects; a single call is taken as a list of one.
    """
    return [_read_call(entry) for entry in call_entries(raw)] if raw else []


def call_entries(raw: object) -> list[Mapping[str, Any]]:
    """The entries of a message's `tool_calls` that are calls at all, as mappings."""
    if not raw:
        return []
    entries = cast("Iterable[object]", raw) if isinstance(raw, (list, tuple)) else (raw,)
    return [entry for each in entries if (entry := _as_mapping(each))]


def unique_id(wanted: str, *taken: AbstractSet[str]) -> str:
    """`wanted`, or `wanted_<number>` when it is taken.

    The number starts above the count of taken ids, so that a model that never sends ids costs no search.
    """
    for ids in taken:
        if wanted in ids:
            break
    else:
        return wanted
    number = 1 + sum(len(ids) for ids in taken)
    while True:
        suffix = f"_{number}"
        candidate = wanted[: MAX_ID_CHARS - len(suffix)] + suffix
        if not any(candidate in ids for ids in taken):
            return candidate
        number += 1


def make_call(name: str, arguments: object) -> ToolCall:
    """A call without an id of its own, from a name and whatever stands for its arguments."""
    name = clean_text(name)
    return ToolCall(_id_for(name), name, *read_arguments(arguments))


def read_arguments(raw: object) -> tuple[JSONObject, str, str | None]:
    """Arguments as an object, as JSON text, and what is wrong with them.

    JSON comes first; a Python literal, trailing commas, doubled braces, a code fence, JSON inside a JSON string,
    line breaks inside strings, null and nothing at all are understood too. Characters no database or wire accepts
    (NUL, lone surrogates) become U+FFFD.
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


def read_json(text: str) -> object:
    """A JSON value whose every string can be stored and sent.

    Raises:
        ValueError: It is no JSON, holds a number that is none, or is nested too deeply.
    """
    try:
        value = _load(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if _is_too_deep(text, value):
        raise ValueError("nested too deeply")
    return clean(value)


def clean_text(text: str) -> str:
    """`text` with U+FFFD for the characters no database or wire accepts: NUL and lone surrogates."""
    if text.isascii() and "\x00" not in text:
        return text
    return _BROKEN_CHARACTERS.sub("\ufffd", text)


def error_text(error: BaseException) -> str:
    """What an exception says, without the secrets that were caught in it."""
    # Nobody needs this before something has failed.
    from agent_runtime_core.masking import mask_secrets

    return clean_text(mask_secrets(str(error)))


def is_clean(text: str) -> bool:
    """True if `clean_text` would change nothing."""
    return _BROKEN_CHARACTERS.search(text) is None if not text.isascii() else "\x00" not in text


def is_wire_call(call_id: object, function: object) -> bool:
    """True for the id and the function of a call in its wire form, with arguments in JSON that are an object."""
    if not isinstance(call_id, str) or not _CALL_ID.fullmatch(call_id) or not isinstance(function, dict):
        return False
    parts = cast("JSONObject", function)
    name, text = parts.get("name"), parts.get("arguments")
    if not (isinstance(name, str) and _FUNCTION_NAME.fullmatch(name) and isinstance(text, str) and is_clean(text)):
        return False
    return text.startswith("{") and _read_text(text)[1] == text


def clean(value: object) -> object:
    """`value` with `clean_text` applied to every text in its lists and dicts."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        items = cast("Mapping[str, object]", value).items()
        return {clean_text(str(key)): clean(each) for key, each in items}
    if isinstance(value, list):
        return [clean(each) for each in cast("list[object]", value)]
    return value


def preview(text: str, limit: int = PREVIEW_CHARS) -> str:
    """The beginning of `text`, with a mark if it was cut."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def _read_call(entry: Mapping[str, Any]) -> ToolCall:
    nested = _as_mapping(entry.get("function"))
    source = nested if nested.get("name") is not None else entry
    given = source.get("name") or entry.get("function")
    name = clean_text(given).strip() if isinstance(given, str) else ""
    raw = source.get("arguments")
    if raw is None:
        raw = next((source[key] for key in _OTHER_ARGUMENT_KEYS if source.get(key) is not None), None)
    arguments, text, error = read_arguments(raw)
    return ToolCall(_sound_id(entry.get("id"), name), name, arguments, text, error, _extra(entry))


def _extra(entry: Mapping[str, Any]) -> JSONObject | None:
    if entry.keys() <= _CALL_KEYS:
        return None
    kept = {key: value for key, value in entry.items() if key not in _CALL_KEYS and value is not None}
    try:
        return cast("JSONObject", read_json(json.dumps(kept))) if kept else None
    except (TypeError, ValueError, RecursionError):  # no provider can want back what is no JSON
        return None


def _sound_id(given: object, name: str) -> str:
    if not isinstance(given, str) or not given:
        return _id_for(name)
    # Anthropic rejects an id with other characters, OpenAI a longer one; a conversation may change its provider.
    return given if _CALL_ID.fullmatch(given) else _ILLEGAL_IN_NAME.sub("_", given)[:MAX_ID_CHARS]


def _id_for(name: str) -> str:
    return f"call_{_legal_name(name[:64])}"[:MAX_ID_CHARS]


def _as_mapping(value: object) -> Mapping[str, Any]:
    if isinstance(value, MAPPING):
        return cast("Mapping[str, Any]", value)
    if value is None or isinstance(value, (str, int, float, list)):
        return {}
    dump = getattr(value, "model_dump", None)
    dumped: object = dump() if callable(dump) else None
    if isinstance(dumped, MAPPING):
        return cast("Mapping[str, Any]", dumped)
    return {key: getattr(value, key) for key in ("id", "function", "name", "arguments") if hasattr(value, key)}


@lru_cache(maxsize=1024)
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
    if _is_too_deep(text, value):
        return {}, "{}", f"the arguments are nested more than {MAX_ARGUMENT_DEPTH} levels deep; send a flatter object"
    if is_sound and "\\u" not in text:
        return value, text, None
    value = cast("JSONObject", clean(value))
    return value, json.dumps(value, ensure_ascii=False), None


_UNREADABLE = object()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large a number")
    return number


_load = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).decode
_load_loosely = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, strict=False).decode


def _read_leniently(text: str) -> object:
    stripped = text.strip()
    if fenced := _FENCE.match(stripped):
        stripped = fenced.group(1).strip()
    candidates = [stripped, _TRAILING_COMMA.sub(_keep_strings, stripped)]
    if stripped.startswith("{{") and stripped.endswith("}}"):
        candidates += [stripped[1:-1], stripped.replace("{{", "{").replace("}}", "}")]
    for candidate in candidates:
        for parse in (_load_loosely, _literal):
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


def _is_too_deep(text: str, value: object) -> bool:
    if len(text) <= MAX_ARGUMENT_DEPTH or text.count("{") + text.count("[") + text.count("(") <= MAX_ARGUMENT_DEPTH:
        return False
    level = [value]
    for _ in range(MAX_ARGUMENT_DEPTH + 1):
        level = [child for each in level for child in _children(each)]
        if not level:
            return False
    return True


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("Mapping[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _is_object(value: object) -> TypeGuard[JSONObject]:
    return isinstance(value, dict)


def _kind(value: object) -> str:
    kinds: dict[type, str] = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), f"a {type(value).__name__}")
