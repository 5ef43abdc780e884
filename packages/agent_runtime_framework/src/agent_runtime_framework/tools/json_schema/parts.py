"""The keywords that apply other schemas: to the keys and items of a value, or to the same value again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.tools.json_schema.faults import MAX_FAULTS, Fault, choices, preview
from agent_runtime_framework.tools.json_schema.values import VALUE_KEYWORDS, Check, Schema, demand, describe, regex


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in the document a schema stands.

    Attributes:
        resolve: Compiles what a reference points at.
        pointer: The reference that leads here without leaving the value; None once a key or an item was entered.
    """

    resolve: Callable[[str, str | None], Check | None]
    pointer: str | None

    def same(self, schema: Any) -> Check | None:
        """The check of a schema that applies to the same value."""
        return compile_keywords(schema, self)

    def inner(self, schema: Any) -> Check | None:
        """The check of a schema that applies to a part of the value."""
        return compile_keywords(schema, Scope(self.resolve, None))


def compile_keywords(schema: Any, scope: Scope) -> Check | None:
    """The check of a schema; None when it accepts everything.

    Raises:
        ConfigurationError: The schema, or one of its keywords, is senseless.
    """
    if isinstance(schema, bool):
        return None if schema else _nothing
    if not isinstance(schema, Mapping):
        raise ConfigurationError(f"a schema is {preview(schema)}; expected an object, true or false")
    schema = cast("Schema", schema)
    checks = [check for keyword, make in VALUE_KEYWORDS.items() if keyword in schema and (check := make(schema))]
    checks += [check for keyword, make in _KEYWORDS.items() if keyword in schema and (check := make(schema, scope))]
    return _all(checks, stop=bool({"type", "enum", "const"} & schema.keys()))


def _all(checks: list[Check], *, stop: bool = False) -> Check | None:
    """Every check in turn; with `stop`, a value of the wrong kind is not checked further."""
    if len(checks) <= 1:
        return checks[0] if checks else None
    first, *rest = checks

    def check(value: Any, faults: list[Fault]) -> bool:
        fits = first(value, faults)
        if not fits and stop:
            return False
        for each in rest:
            if not each(value, faults):
                fits = False
        return fits

    return check


def _nothing(value: Any, faults: list[Fault]) -> bool:
    faults.append(Fault(f"is {preview(value)}", "it to be left out", "false"))
    return False


def _required(schema: Schema, scope: Scope) -> Check:
    names = schema["required"]
    demand(
        isinstance(names, list) and all(isinstance(name, str) for name in cast("list[Any]", names)),
        "required",
        names,
        "a list of names, beside 'properties'",
    )
    properties = schema.get("properties")
    known: Schema = cast("Schema", properties) if isinstance(properties, Mapping) else {}
    expected = {name: describe(known.get(name)) for name in cast("list[str]", names)}

    def check(value: Any, faults: list[Fault]) -> bool:
        if not isinstance(value, dict) or expected.keys() <= value.keys():
            return True
        faults.extend(
            Fault("is missing", text, "required", [name]) for name, text in expected.items() if name not in value
        )
        return False

    return check


def _schemas(keyword: str, value: Any) -> Schema:
    demand(isinstance(value, Mapping), keyword, value, "an object of schemas")
    return cast("Schema", value)


def _entered(check: Check, value: Any, key: str | int, faults: list[Fault]) -> bool:
    """Check a part, and lead its faults' paths through `key`."""
    before = len(faults)
    if check(value, faults):
        return True
    for fault in faults[before:]:
        fault.path.append(key)
    return False


def _properties(schema: Schema, scope: Scope) -> Check | None:
    compiled = ((name, scope.inner(inner)) for name, inner in _schemas("properties", schema["properties"]).items())
    checks = [(name, check) for name, check in compiled if check]
    if not checks:
        return None

    def check(value: Any, faults: list[Fault]) -> bool:
        fits = True
        if isinstance(value, dict):
            for name, inner in checks:
                if name in value and not _entered(inner, value[name], name, faults):
                    fits = False
        return fits

    return check


def _patterns(schema: Schema) -> list[tuple[re.Pattern[str], Any]]:
    declared = _schemas("patternProperties", schema.get("patternProperties", {}))
    return [(regex("patternProperties", pattern), inner) for pattern, inner in declared.items()]


def _pattern_properties(schema: Schema, scope: Scope) -> Check | None:
    compiled = [(pattern, scope.inner(inner)) for pattern, inner in _patterns(schema)]

    def check(value: Any, faults: list[Fault]) -> bool:
        fits = True
        if isinstance(value, dict):
            for key, item in cast("dict[str, Any]", value).items():
                for pattern, inner in compiled:
                    if inner and pattern.search(key) and not _entered(inner, item, key, faults):
                        fits = False
        return fits

    return check if compiled else None


def _additional(schema: Schema, scope: Scope) -> Check | None:
    inner = scope.inner(schema["additionalProperties"])
    if inner is None:
        return None
    known = frozenset(_schemas("properties", schema.get("properties", {})))
    patterns = [pattern for pattern, _ in _patterns(schema)]
    allowed = f"only: {choices(sorted(known))}" if known else "no arguments"

    def check(value: Any, faults: list[Fault]) -> bool:
        if not isinstance(value, dict) or value.keys() <= known:
            return True
        fits = True
        for key, item in cast("dict[str, Any]", value).items():
            if key in known or any(pattern.search(key) for pattern in patterns):
                continue
            if inner is _nothing:
                faults.append(Fault("is not known here", allowed, "additionalProperties", [key]))
                fits = False
            elif not _entered(inner, item, key, faults):
                fits = False
        return fits

    return check


def _items(schema: Schema, scope: Scope) -> Check | None:
    declared = schema["items"]
    if isinstance(declared, list):  # the older spelling of prefixItems
        return _positions(cast("list[Any]", declared), scope)
    inner = scope.inner(declared)
    start = len(cast("list[Any]", schema.get("prefixItems", [])))
    if inner is None:
        return None

    def check(value: Any, faults: list[Fault]) -> bool:
        fits = True
        if isinstance(value, list):
            for index, item in enumerate(cast("list[Any]", value)[start:], start):
                if not _entered(inner, item, index, faults):
                    fits = False
                    if len(faults) > MAX_FAULTS:
                        break
        return fits

    return check


def _prefix_items(schema: Schema, scope: Scope) -> Check:
    declared = schema["prefixItems"]
    demand(isinstance(declared, list), "prefixItems", declared, "a list of schemas")
    return _positions(cast("list[Any]", declared), scope)


def _positions(declared: list[Any], scope: Scope) -> Check:
    checks = [scope.inner(inner) for inner in declared]

    def check(value: Any, faults: list[Fault]) -> bool:
        fits = True
        if isinstance(value, list):
            for index, (inner, item) in enumerate(zip(checks, cast("list[Any]", value), strict=False)):
                if inner and not _entered(inner, item, index, faults):
                    fits = False
        return fits

    return check


def _ref(schema: Schema, scope: Scope) -> Check | None:
    demand(isinstance(schema["$ref"], str), "$ref", schema["$ref"], "text such as '#/$defs/Name'")
    return scope.resolve(schema["$ref"], scope.pointer)


def _branches(keyword: str, schema: Schema) -> list[Any]:
    declared = schema[keyword]
    demand(isinstance(declared, list) and declared != [], keyword, declared, "a list of schemas, not empty")
    return cast("list[Any]", declared)


def _all_of(schema: Schema, scope: Scope) -> Check | None:
    return _all([check for branch in _branches("allOf", schema) if (check := scope.same(branch))])


def _any_of(schema: Schema, scope: Scope) -> Check | None:
    branches = [scope.same(branch) for branch in _branches("anyOf", schema)]
    checks = [branch for branch in branches if branch]
    if len(checks) < len(branches):
        return None

    def check(value: Any, faults: list[Fault]) -> bool:
        attempts: list[list[Fault]] = []
        for branch in checks:
            attempt: list[Fault] = []
            if branch(value, attempt):
                return True
            attempts.append(attempt)
        faults.extend(_nearest(value, attempts))
        return False

    return check


def _one_of(schema: Schema, scope: Scope) -> Check:
    branches = [scope.same(branch) for branch in _branches("oneOf", schema)]

    def check(value: Any, faults: list[Fault]) -> bool:
        attempts: list[list[Fault]] = [[] for _ in branches]
        tries = zip(branches, attempts, strict=True)
        fitting = [attempt for branch, attempt in tries if branch is None or branch(value, attempt)]
        if len(fitting) == 1:
            return True
        if fitting:
            text = f"exactly one of the {len(branches)} alternatives to fit, but {len(fitting)} do"
            faults.append(Fault(f"is {preview(value)}", text, "oneOf"))
        else:
            faults.extend(_nearest(value, attempts))
        return False

    return check


def _nearest(value: Any, attempts: list[list[Fault]]) -> list[Fault]:
    """What to tell of a value that fits no alternative: the faults of the one it was meant for, if that is plain."""
    kindred = [attempt for attempt in attempts if all(fault.path for fault in attempt)]
    if kindred:
        return min(kindred, key=len)
    expected = dict.fromkeys(fault.expected for attempt in attempts for fault in attempt if not fault.path)
    return [Fault(f"is {preview(value)}", " or ".join(expected), "anyOf")]


_KEYWORDS: dict[str, Callable[[Schema, Scope], Check | None]] = {
    "$ref": _ref,
    "prefixItems": _prefix_items,
    "items": _items,
    "required": _required,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
}
