"""The keywords that look at one value as a whole: its type, its size, what it may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.tools.json_schema.faults import Fault, choices, preview

Check: TypeAlias = Callable[[Any, list[Fault]], bool]
"""True if the value fits; otherwise at least one fault was added."""

Schema: TypeAlias = Mapping[str, Any]


def _test(keyword: str, fits: Callable[[Any], bool], expected: str) -> Check:
    def check(value: Any, faults: list[Fault]) -> bool:
        if fits(value):
            return True
        faults.append(Fault(f"is {preview(value)}", expected, keyword))
        return False

    return check


def demand(condition: bool, keyword: str, value: Any, expected: str) -> None:
    """Raise a `ConfigurationError` unless the keyword makes sense."""
    if not condition:
        raise ConfigurationError(f"schema keyword {keyword!r} is {preview(value)}; expected {expected}")


def _is_integer(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "a string"),
    "integer": (_is_integer, "an integer"),
    "number": (_is_number, "a number"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "array": (lambda value: isinstance(value, list), "a list"),
    "object": (lambda value: isinstance(value, dict), "an object"),
    "null": (lambda value: value is None, "null"),
}


def _type(schema: Schema) -> Check:
    kinds = _kinds(schema["type"])
    tests = [_TYPES[kind][0] for kind in kinds]
    if len(tests) == 1:
        return _test("type", tests[0], describe(schema))
    return _test("type", lambda value: any(test(value) for test in tests), describe(schema))


def _kinds(declared: Any) -> list[str]:
    kinds = cast("list[str]", declared if isinstance(declared, list) else [declared])
    known = bool(kinds) and all(isinstance(cast("object", kind), str) and kind in _TYPES for kind in kinds)
    demand(known, "type", declared, f"one or a list of: {', '.join(_TYPES)}")
    return kinds


def describe(schema: Any) -> str:
    """What fits the schema, in a few words."""
    if not isinstance(schema, Mapping):
        return "a value"
    schema = cast("Schema", schema)
    if "const" in schema:
        return f"exactly {preview(schema['const'])}"
    if isinstance(values := schema.get("enum"), list) and values:
        return f"one of: {choices(cast('list[Any]', values))}"
    if "type" in schema:
        return " or ".join(_TYPES[kind][1] for kind in _kinds(schema["type"]))
    if isinstance(branches := schema.get("anyOf", schema.get("oneOf")), list):
        return " or ".join(dict.fromkeys(describe(branch) for branch in cast("list[Any]", branches)))
    return "a value"


def _identity(value: Any) -> Any:
    """A hashable that is equal for values that are equal in JSON: `1` and `1.0` are, `1` and `true` are not."""
    match value:
        case bool():
            return (bool, value)
        case list():
            return (list, tuple(map(_identity, cast("list[Any]", value))))
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            return (dict, frozenset((key, _identity(item)) for key, item in pairs))
        case str() | int() | float() | None:
            return value
        case _:
            return object()  # not JSON: equal to nothing


def _enum(schema: Schema) -> Check:
    values = schema["enum"]
    demand(isinstance(values, list), "enum", values, "a list of values")
    allowed = frozenset(map(_identity, values))
    return _test("enum", lambda value: _identity(value) in allowed, describe({"enum": values}) if values else "nothing")


def _const(schema: Schema) -> Check:
    allowed = _identity(schema["const"])
    return _test("const", lambda value: _identity(value) == allowed, describe(schema))


def _bound(keyword: str, words: str, exceeds: Callable[[Any, Any], bool]) -> Callable[[Schema], Check | None]:
    def make(schema: Schema) -> Check | None:
        bound = schema[keyword]
        if isinstance(bound, bool) and keyword.startswith("exclusive"):
            return None  # draft 4: it says how `minimum` is meant, and is read there
        demand(_is_number(bound), keyword, bound, "a number")
        strict = schema.get("exclusive" + keyword.capitalize()) is True

        def fits(value: Any) -> bool:
            return not _is_number(value) or not (exceeds(value, bound) or (strict and value == bound))

        return _test(keyword, fits, f"a number {words} {bound}" + (", and not that" if strict else ""))

    return make


def _size(keyword: str, kind: type, unit: str, *, at_least: bool) -> Callable[[Schema], Check]:
    def make(schema: Schema) -> Check:
        bound = schema[keyword]
        demand(_is_integer(bound) and bound >= 0, keyword, bound, "a count")
        limit = int(bound)
        expected = f"at {'least' if at_least else 'most'} {limit} {unit}{'' if limit == 1 else 's'}"
        if at_least:
            return _test(keyword, lambda value: not isinstance(value, kind) or len(value) >= limit, expected)
        return _test(keyword, lambda value: not isinstance(value, kind) or len(value) <= limit, expected)

    return make


def _pattern(schema: Schema) -> Check:
    search = regex("pattern", schema["pattern"]).search
    expected = f"text that matches {schema['pattern']}"
    return _test("pattern", lambda value: not isinstance(value, str) or search(value) is not None, expected)


def regex(keyword: str, pattern: Any) -> re.Pattern[str]:
    """The compiled pattern, or a `ConfigurationError`."""
    try:
        return re.compile(pattern)
    except (re.error, TypeError, OverflowError, RecursionError) as error:
        raise ConfigurationError(
            f"schema keyword {keyword!r} is {preview(pattern)}; expected a regular expression ({error})"
        ) from None


def _unique(schema: Schema) -> Check | None:
    demand(isinstance(schema["uniqueItems"], bool), "uniqueItems", schema["uniqueItems"], "true or false")
    if not schema["uniqueItems"]:
        return None

    def fits(value: Any) -> bool:
        return not isinstance(value, list) or len(set(map(_identity, cast("list[Any]", value)))) == len(
            cast("list[Any]", value)
        )

    return _test("uniqueItems", fits, "a list that holds nothing twice")


VALUE_KEYWORDS: dict[str, Callable[[Schema], Check | None]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _bound("minimum", "of at least", lambda value, bound: value < bound),
    "maximum": _bound("maximum", "of at most", lambda value, bound: value > bound),
    "exclusiveMinimum": _bound("exclusiveMinimum", "above", lambda value, bound: value <= bound),
    "exclusiveMaximum": _bound("exclusiveMaximum", "below", lambda value, bound: value >= bound),
    "minLength": _size("minLength", str, "character", at_least=True),
    "maxLength": _size("maxLength", str, "character", at_least=False),
    "pattern": _pattern,
    "minItems": _size("minItems", list, "item", at_least=True),
    "maxItems": _size("maxItems", list, "item", at_least=False),
    "uniqueItems": _unique,
}
"""In the order in which they are checked: what kind of value it is comes first."""
