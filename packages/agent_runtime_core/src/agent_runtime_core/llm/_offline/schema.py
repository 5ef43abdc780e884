"""What a parameter of a tool wants, read from its JSON Schema, its name and its description."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from agent_runtime_core.llm._offline.language import kind_words
from agent_runtime_core.llm._offline.text import readable, stems_of

Schema = Mapping[str, Any]

_DEEPEST = 8
_FORMATS = {
    "email": "email", "idn-email": "email", "phone": "phone", "tel": "phone", "uri": "url", "url": "url",
    "date": "date", "time": "time", "date-time": "datetime", "uuid": "code", "decimal": "money",
}  # fmt: skip
_BY_WORD = ("email", "phone", "url", "date", "time", "money", "code", "name")


class Kind(StrEnum):
    """The kinds of value that can be found in a person's words."""

    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    MONEY = "money"
    NUMBER = "number"
    CODE = "code"
    CHOICE = "choice"
    CHOICES = "choices"
    LIST = "list"
    BOOLEAN = "boolean"
    NAME = "name"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of an enumeration and the words for it."""

    value: Any
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument of a tool, understood.

    Attributes:
        name: Its keyword.
        kind: What to look for.
        type: The JSON Schema type of the value.
        description: What its author says of it.
        required: True if a call needs it.
        choices: The permitted values, for `CHOICE` and `CHOICES`.
        stems: Stems of the words of name and title.
        hints: `stems` and those of the description.
        part: "first" or "last" for a part of a person's name.
        schema: Its schema, references resolved.
    """

    name: str
    kind: Kind
    type: str = "string"
    description: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    stems: frozenset[str] = frozenset()
    hints: frozenset[str] = frozenset()
    part: str = ""
    schema: Schema


def parameters_of(schema: object) -> tuple[Parameter, ...]:
    """The parameters in the schema of a tool's arguments; what is not a schema has none."""
    root = as_object(schema)
    resolved = resolve(root, root)
    required = _strings(resolved.get("required"))
    properties = as_object(resolved.get("properties"))
    return tuple(parameter(str(name), each, root, str(name) in required) for name, each in properties.items())


def parameter(name: str, schema: object, root: Schema | None = None, required: bool = False) -> Parameter:
    """One parameter, from its own schema; `root` is where its references point."""
    own = as_object(schema)
    resolved = resolve(own, root if root is not None else own)
    description = readable(own.get("description") or resolved.get("description"))
    stems = frozenset(stems_of(f"{name} {readable(own.get('title'))}"))
    hints = stems | frozenset(stems_of(description))
    choices = tuple(_choices(resolved))
    kind, type_name = _kind(resolved, choices, stems, hints)
    if kind is Kind.CHOICES:
        choices = tuple(_choices(resolve(as_object(resolved.get("items")), root or own)))
        kind = Kind.CHOICES if choices else Kind.LIST
    return Parameter(
        name=name,
        kind=kind,
        type=type_name,
        description=description,
        required=required,
        choices=choices,
        stems=stems,
        hints=hints,
        part=_part(stems) if kind is Kind.NAME else "",
        schema=resolved,
    )


def as_object(value: object) -> Schema:
    """The value if it is a mapping, else an empty one."""
    return cast("Schema", value) if isinstance(value, Mapping) else {}


def resolve(schema: Schema, root: Schema, depth: int = 0) -> Schema:
    """The schema with `$ref`, `allOf` and a nullable `anyOf` folded into it; of other unions the first member."""
    if depth > _DEEPEST:
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {**resolve(_at(root, reference), root, depth + 1), **rest}
    for key in ("allOf", "anyOf", "oneOf"):
        members = [resolve(as_object(each), root, depth + 1) for each in _sequence(schema.get(key))]
        members = [each for each in members if each.get("type") != "null" and each]
        if members:
            rest = {name: value for name, value in schema.items() if name != key}
            return {**_joined(members, key), **rest}
    return schema


def _joined(members: Sequence[Schema], key: str) -> Schema:
    if key == "allOf":
        return {name: value for each in members for name, value in each.items()}
    if all("const" in each or "enum" in each for each in members):
        return {"oneOf_choices": members}
    return min(members, key=lambda each: each.get("type") not in ("number", "integer"))


def _at(root: Schema, reference: str) -> Schema:
    found: object = root
    for part in reference.lstrip("#/").split("/"):
        found = as_object(found).get(part.replace("~1", "/").replace("~0", "~"))
    return as_object(found)


def _choices(schema: Schema) -> Iterator[Choice]:
    if "const" in schema:
        yield _choice(schema["const"], schema.get("title"))
    names = _sequence(schema.get("enumNames") or schema.get("x-enum-labels"))
    for index, value in enumerate(_sequence(schema.get("enum"))[:200]):
        yield _choice(value, names[index] if index < len(names) else None)
    for member in _sequence(schema.get("oneOf_choices"))[:200]:
        yield from _choices(as_object(member))


def _choice(value: Any, title: object) -> Choice:
    written = readable(value) if isinstance(value, str) else str(value)
    shown = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", written).replace("_", " ")
    labels = (readable(title), shown, shown.replace("-", " "), written)
    return Choice(value, tuple(dict.fromkeys(label for label in labels if label.strip())))


def _kind(schema: Schema, choices: Sequence[Choice], stems: frozenset[str], hints: frozenset[str]) -> tuple[Kind, str]:
    type_name = _type(schema)
    if choices and all(isinstance(each.value, bool) for each in choices):
        return Kind.BOOLEAN, "boolean"
    if choices:
        return Kind.CHOICE, type_name
    match type_name:
        case "boolean":
            return Kind.BOOLEAN, type_name
        case "array":
            return Kind.CHOICES, type_name
        case "integer" | "number":
            return (Kind.MONEY if _money(stems, hints) else Kind.NUMBER), type_name
        case "string":
            return _string_kind(schema, stems, hints), type_name
        case _:
            return Kind.OTHER, type_name


def _type(schema: Schema) -> str:
    found = schema.get("type")
    if isinstance(found, str):
        return found
    named = [each for each in _strings(found) if each != "null"]
    if named:
        return named[0]
    return "object" if "properties" in schema else "string"


def _money(stems: frozenset[str], hints: frozenset[str]) -> bool:
    return bool(stems & kind_words("money")) and not hints & (kind_words("quantity") - kind_words("money"))


def _string_kind(schema: Schema, stems: frozenset[str], hints: frozenset[str]) -> Kind:
    named = _FORMATS.get(str(schema.get("format")))
    if named:
        return Kind(named)
    if _is_telling(schema.get("pattern")):
        return Kind.CODE
    return _kind_by_words(stems, hints) or Kind.TEXT


def _is_telling(pattern: object) -> bool:
    return isinstance(pattern, str) and pattern not in ("", ".*", ".+", "^.*$", "^.+$", r"\S", r"^\S+$")


def _kind_by_words(stems: frozenset[str], hints: frozenset[str]) -> Kind | None:
    for source in (stems, hints) if len(hints - stems) <= 4 else (stems,):
        for kind in _BY_WORD:
            if source & kind_words(kind) and not (kind in ("name", "code") and source & kind_words(f"not_{kind}")):
                return Kind(kind)
    return None


def _part(stems: frozenset[str]) -> str:
    full = {"full", "fullnam"} & stems
    return "" if full else "first" if stems & kind_words("first") else "last" if stems & kind_words("last") else ""


def _sequence(value: object) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def _strings(value: object) -> tuple[str, ...]:
    return tuple(each for each in _sequence(value) if isinstance(each, str))
