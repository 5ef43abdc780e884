"""Will the providers take the tools? Names, types, and the shapes that some of them refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from agent_runtime_framework.journey.check.finding import ERROR, HINT, WARNING, Finding, Findings, Severity
from agent_runtime_framework.journey.source import Reading, ReadSchema

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
NOT_AT_THE_TOP = ("anyOf", "oneOf", "allOf", "enum", "not", "if")
MOST_TOOLS = 128
MANY_TOOLS = 20
"""With more than that, models choose badly."""

MOST_DESCRIPTION = 1024

_KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
}  # fmt: skip


def find(reading: Reading) -> Findings:
    """All of it."""
    for step, offered in reading.offers.items():
        yield from _count(step, offered)
        for schema in offered:
            yield from (_placed(schema, step, *each) for each in _faults(schema, is_own=not reading.is_long_form))


Fault = tuple[str, Severity, str, str]


def _placed(schema: ReadSchema, step: str, code: str, severity: Severity, message: str, hint: str) -> Finding:
    return Finding(
        code=code, severity=severity, message=message, hint=hint, source=schema.source, step=step, tool=schema.name
    )


def _count(step: str, offered: tuple[ReadSchema, ...]) -> Iterator[Finding]:
    if len(offered) > MANY_TOOLS:
        yield Finding(
            code="too-many-tools",
            severity=ERROR if len(offered) > MOST_TOOLS else HINT,
            message=f"`{step}` offers {len(offered)} tools",
            hint=f"providers take at most {MOST_TOOLS}, and models choose badly among more than {MANY_TOOLS}; "
            "spread them over several steps",
            source=offered[0].source,
            step=step,
        )


def _faults(schema: ReadSchema, *, is_own: bool) -> Iterator[Fault]:
    function = cast("Mapping[str, Any]", schema.wire.get("function") or {})
    name = schema.name
    if not NAME.fullmatch(name):
        what = f"has {len(name)} characters" if len(name) > 64 else "has characters that providers refuse"
        yield "tool-name", ERROR, f"the name of tool {name!r} {what}", "use at most 64 letters, digits, _ and -"
    description = str(function.get("description") or "")
    if not description.strip():
        how = "give it a docstring" if is_own else "add .description(...)"
        yield "no-description", HINT, f"{name} has no description; the model has to guess from the name", how
    elif len(description) > MOST_DESCRIPTION:
        text = f"the description of {name} has {len(description)} characters"
        yield "long-description", HINT, text, f"OpenAI takes at most {MOST_DESCRIPTION}; keep the rest for the prompt"
    yield from _parameters(name, function.get("parameters"))


def _parameters(tool: str, schema: Any) -> Iterator[Fault]:
    if schema is None:
        return
    if not isinstance(schema, Mapping) or cast("Mapping[str, Any]", schema).get("type", "object") != "object":
        yield "schema-shape", ERROR, f"the parameters of {tool} are no object", 'providers want {"type": "object", ...}'
        return
    parameters = cast("Mapping[str, Any]", schema)
    for keyword in NOT_AT_THE_TOP:
        if keyword in parameters:
            hint = "providers refuse it at the top of a schema; put it into one parameter"
            yield "schema-shape", ERROR, f"the parameters of {tool} have {keyword} at the top", hint
    properties = cast("Mapping[str, Any]", parameters.get("properties") or {})
    for name in parameters.get("required") or ():
        if name not in properties:
            text = f"{tool} requires {name!r}, which is none of its parameters"
            yield "required-unknown", ERROR, text, f"its parameters are: {', '.join(properties) or 'none'}"
    definitions = cast("Mapping[str, Any]", parameters.get("$defs") or {})
    for name, each in properties.items():
        yield from _parameter(tool, name, each, definitions)
    for name, each in definitions.items():
        yield from _types(tool, name, each)


def _parameter(tool: str, name: str, schema: Any, definitions: Mapping[str, Any]) -> Iterator[Fault]:
    if not NAME.fullmatch(name):
        yield (
            "parameter-name",
            ERROR,
            f"the parameter {name!r} of {tool} has a name that providers refuse",
            ("use at most 64 letters, digits, _ and -"),
        )
    yield from _types(tool, name, schema)
    if not isinstance(schema, Mapping):
        return
    parameter = cast("Mapping[str, Any]", schema)
    referred = str(parameter.get("$ref", "")).rpartition("/")[2]
    described = parameter.get("description") or definitions.get(referred, {}).get("description")
    if not described and not (parameter.get("enum") or parameter.get("const") is not None):
        yield (
            "no-description",
            HINT,
            f"{name} of {tool} has no description",
            "say what belongs there, and in which form",
        )


def _types(tool: str, name: str, schema: Any) -> Iterator[Fault]:
    """What is wrong in a schema or in one of those inside it."""
    if not isinstance(schema, Mapping):
        yield "schema-type", ERROR, f"{name} of {tool} is described by {schema!r}", "expected a JSON Schema, as a dict"
        return
    part = cast("Mapping[str, Any]", schema)
    kinds = cast("list[Any]", part["type"]) if isinstance(part.get("type"), list) else [part.get("type")]
    for kind in kinds:
        if kind is not None and kind not in TYPES:
            hint = f"JSON Schema knows: {', '.join(sorted(TYPES))}"
            yield "schema-type", ERROR, f"{name} of {tool} has the type {kind!r}, which providers refuse", hint
    if "array" in kinds and "items" not in part and "prefixItems" not in part:
        yield (
            "no-items",
            ERROR,
            f"{name} of {tool} is an array of nothing in particular",
            ('OpenAI refuses an array without items; add items={"type": ...}'),
        )
    yield from _values(tool, name, part, kinds)
    for inner in _inner(part):
        yield from _types(tool, name, inner)


def _values(tool: str, name: str, part: Mapping[str, Any], kinds: list[Any]) -> Iterator[Fault]:
    values = part.get("enum")
    expected = tuple(each for kind in kinds if kind in _KINDS for each in _as_tuple(_KINDS[kind]))
    if isinstance(values, list):
        odd = [each for each in cast("list[Any]", values) if expected and not isinstance(each, expected)]
        if odd:
            yield (
                "enum-type",
                ERROR,
                f"{name} of {tool} is {kinds[0]}, but may be {odd[0]!r}",
                "let type and enum agree",
            )
        if "default" in part and part["default"] not in values:
            text = f"the default {part['default']!r} of {name} in {tool} is none of its values"
            yield "default-value", WARNING, text, f"its values are: {', '.join(map(repr, cast('list[Any]', values)))}"


def _as_tuple(kind: type | tuple[type, ...]) -> tuple[type, ...]:
    return kind if isinstance(kind, tuple) else (kind,)


def _inner(part: Mapping[str, Any]) -> Iterator[Any]:
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from cast("list[Any]", part.get(keyword) or [])
    for keyword in ("items", "additionalProperties"):
        if isinstance(part.get(keyword), Mapping):
            yield part[keyword]
    yield from cast("Mapping[str, Any]", part.get("properties") or {}).values()
