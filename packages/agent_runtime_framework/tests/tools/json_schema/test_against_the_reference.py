"""Random schemas and values: our verdict is that of the `jsonschema` package."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.tools.arguments import compile_schema

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 1.0, 1.5, -2.0]), st.text("ab1é", max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
types = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
bounds = st.integers(-2, 2) | st.sampled_from([0.5, -1.5])
counts = st.integers(0, 3)

LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
    "enum": st.lists(values, max_size=4),
    "const": values,
    "minimum": bounds,
    "maximum": bounds,
    "exclusiveMinimum": bounds,
    "exclusiveMaximum": bounds,
    "minLength": counts,
    "maxLength": counts,
    "pattern": st.sampled_from(["^a", "b$", "1", "^$", "[ab]{2}"]),
    "minItems": counts,
    "maxItems": counts,
    "uniqueItems": st.booleans(),
    "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
    "$ref": st.sampled_from(["#/$defs/one", "#/$defs/two", "#"]),
    "description": st.just("ignored"),
}
PARTS = ("properties", "patternProperties", "additionalProperties", "items", "prefixItems", "allOf", "anyOf", "oneOf")


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2) -> Any:
    if draw(st.integers(0, 9)) == 0:
        return draw(st.booleans())
    return draw(objects(depth))


@st.composite
def objects(draw: st.DrawFn, depth: int = 2) -> Any:
    keywords = [*LEAVES, *PARTS] if depth else [*LEAVES]
    chosen = draw(st.lists(st.sampled_from(keywords), unique=True, min_size=1, max_size=4))
    return {name: draw(LEAVES[name] if name in LEAVES else parts(name, schemas(depth - 1))) for name in chosen}


def parts(keyword: str, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    match keyword:
        case "properties":
            return st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        case "patternProperties":
            return st.dictionaries(st.sampled_from(["^a", "[bc]", "d"]), inner, max_size=2)
        case "additionalProperties" | "items":
            return inner
        case _:
            return st.lists(inner, min_size=1, max_size=3)


@st.composite
def documents(draw: st.DrawFn) -> Any:
    return {**draw(objects()), "$defs": {"one": draw(schemas()), "two": draw(schemas())}}


TYPICAL = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    1.5,
    "",
    "a",
    "ab1",
    [],
    [1],
    [1, 1.0, True],
    {},
    {"a": 1},
    {"a": "b", "d": []},
]


@settings(max_examples=250, deadline=None)
@given(schema=documents(), more=st.lists(values, max_size=5))
def test_verdict_is_the_same(schema: Any, more: list[Any]):
    jsonschema: Any = pytest.importorskip("jsonschema", reason="the reference implementation is not installed")
    try:
        check = compile_schema(schema)
    except ConfigurationError as error:
        assume("without end" not in str(error))
        raise

    reference = jsonschema.Draft202012Validator(schema)

    for value in TYPICAL + more:
        told = check(value)
        assert (told == []) == reference.is_valid(value), (value, told)


@settings(deadline=None)
@given(schema=documents(), value=values)
def test_what_does_not_fit_is_said_in_sentences(schema: Any, value: Any):
    try:
        told = compile_schema(schema)(value)
    except ConfigurationError:
        return

    assert all("; expected " in sentence or sentence.startswith("and ") for sentence in told)
