import json
from typing import Any

import pytest

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.tools.arguments import compile_schema

JSONSchema = dict[str, Any] | bool


def only(name: str, schema: JSONSchema) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}}


def reasons(schema: JSONSchema, value: Any) -> list[str]:
    """What is said of `value` as argument `x`."""
    return compile_schema(only("x", schema))({"x": value})


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"enum": ["car", "home"]}, "boat", "'x' is 'boat'; expected one of: car, home"),
        ({"type": "string", "enum": ["car", "home"]}, 5, "'x' is 5; expected one of: car, home"),
        ({"enum": [1, "a", None]}, "1", "'x' is '1'; expected one of: 1, a, null"),
        ({"enum": []}, "1", "'x' is '1'; expected nothing"),
        ({"const": "yes"}, "no", "'x' is 'no'; expected exactly 'yes'"),
        ({"type": "string"}, None, "'x' is null; expected a string"),
        ({"type": "string"}, ["a"], "'x' is ['a']; expected a string"),
        ({"type": "integer"}, True, "'x' is true; expected an integer"),
        ({"type": "integer"}, 2.5, "'x' is 2.5; expected an integer"),
        ({"type": "integer"}, "5", "'x' is '5'; expected an integer"),
        ({"type": "number"}, False, "'x' is false; expected a number"),
        ({"type": "boolean"}, "true", "'x' is 'true'; expected true or false"),
        ({"type": "array"}, {}, "'x' is {}; expected a list"),
        ({"type": "object"}, [], "'x' is []; expected an object"),
        ({"type": "null"}, 0, "'x' is 0; expected null"),
        ({"type": ["string", "null"]}, 5, "'x' is 5; expected a string or null"),
        ({"minimum": 18}, 17, "'x' is 17; expected a number of at least 18"),
        ({"maximum": 1.5}, 2, "'x' is 2; expected a number of at most 1.5"),
        ({"exclusiveMinimum": 0}, 0, "'x' is 0; expected a number above 0"),
        ({"exclusiveMaximum": 9}, 9, "'x' is 9; expected a number below 9"),
        ({"minimum": 0, "exclusiveMinimum": True}, 0, "'x' is 0; expected a number of at least 0, and not that"),
        ({"minLength": 1}, "", "'x' is ''; expected at least 1 character"),
        ({"maxLength": 2}, "abc", "'x' is 'abc'; expected at most 2 characters"),
        ({"pattern": "^[A-Z]+$"}, "a", "'x' is 'a'; expected text that matches ^[A-Z]+$"),
        ({"minItems": 2}, [1], "'x' is [1]; expected at least 2 items"),
        ({"maxItems": 0}, [1], "'x' is [1]; expected at most 0 items"),
        ({"uniqueItems": True}, [1, 1.0], "'x' is [1, 1.0]; expected a list that holds nothing twice"),
        ({"items": {"type": "integer"}}, [1, "b"], "'x[1]' is 'b'; expected an integer"),
        ({"items": [{"type": "integer"}]}, ["b"], "'x[0]' is 'b'; expected an integer"),
        ({"prefixItems": [True], "items": False}, [1, 2], "'x[1]' is 2; expected it to be left out"),
        ({"required": ["y"], "properties": {"y": {"type": "string"}}}, {}, "'x.y' is missing; expected a string"),
        ({"required": ["y"]}, {}, "'x.y' is missing; expected a value"),
        (
            {"required": ["y"], "properties": {"y": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
            {},
            "'x.y' is missing; expected a string or null",
        ),
        ({"required": ["y"], "properties": {"y": {}}}, {}, "'x.y' is missing; expected a value"),
        ({"enum": [1]}, {1}, "'x' is {1}; expected one of: 1"),
        ({"uniqueItems": True, "items": {"type": "integer"}}, [1, {2}], "'x[1]' is {2}; expected an integer"),
        ({"properties": {"y": {"items": {"enum": [1]}}}}, {"y": [2]}, "'x.y[0]' is 2; expected one of: 1"),
        (
            {"properties": {"y": True}, "additionalProperties": False},
            {"z": 1},
            "'x.z' is not known here; expected only: y",
        ),
        ({"additionalProperties": False}, {"z": 1}, "'x.z' is not known here; expected no arguments"),
        ({"additionalProperties": {"type": "null"}}, {"z": 1}, "'x.z' is 1; expected null"),
        ({"patternProperties": {"^n": {"type": "null"}}}, {"nn": 1}, "'x.nn' is 1; expected null"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 5, "'x' is 5; expected a string or null"),
        (
            {"oneOf": [{"minimum": 1}, {"minimum": 2}]},
            3,
            "'x' is 3; expected exactly one of the 2 alternatives to fit, but 2 do",
        ),
        ({"oneOf": [{"type": "string"}, {"const": 1}]}, 3, "'x' is 3; expected a string or exactly 1"),
        ({"allOf": [{"type": "string"}, {"minLength": 1}]}, "", "'x' is ''; expected at least 1 character"),
        (False, 1, "'x' is 1; expected it to be left out"),
    ],
)
def test_sentence_names_the_place_the_value_and_what_fits(schema: JSONSchema, value: Any, sentence: str):
    assert reasons(schema, value) == [sentence]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 3.0),
        ({"type": "number"}, 3),
        ({"enum": [1]}, 1.0),
        ({"minimum": 5}, "not a number"),
        ({"minLength": 5}, 1),
        ({"pattern": "a"}, 1),
        ({"minItems": 5}, "ab"),
        ({"uniqueItems": True}, [1, True, "1", [1], [True], {"a": 1}, {"a": True}]),
        ({"uniqueItems": False}, [1, 1]),
        ({"items": {"type": "integer"}}, "ab"),
        ({"additionalProperties": False, "patternProperties": {"^n": True}}, {"n": 1}),
        ({"anyOf": [{"type": "string"}, {}]}, 5),
        ({"format": "email", "title": "X", "multipleOf": "nonsense", "$comment": 1}, "anything"),
        (True, 1),
    ],
)
def test_value_fits(schema: JSONSchema, value: Any):
    assert reasons(schema, value) == []


def test_extra_arguments_pass_where_they_are_not_forbidden():
    assert compile_schema(only("x", {"type": "string"}))({"y": 1}) == []


def test_all_faults_are_told_at_once():
    check = compile_schema(only("x", {"type": "string"}) | {"required": ["x", "y"]})

    assert check({"x": 1}) == ["'y' is missing; expected a value", "'x' is 1; expected a string"]


def test_a_long_list_of_faults_is_cut():
    told = reasons({"items": {"type": "string"}}, list(range(100_000)))

    assert len(told) == 11
    assert told[-1] == "and 1 more"


def test_arguments_that_are_no_object():
    assert compile_schema({"type": "object"})([1]) == ["the value is [1]; expected an object"]


def test_of_several_alternatives_the_one_that_was_meant_is_explained():
    car = {"properties": {"kind": {"const": "car"}, "plate": {"type": "string"}}, "required": ["kind", "plate"]}
    home = {"properties": {"kind": {"const": "home"}, "rooms": {"type": "integer"}}, "required": ["kind", "rooms"]}

    assert reasons({"anyOf": [car, home]}, {"kind": "home", "rooms": "two"}) == [
        "'x.rooms' is 'two'; expected an integer"
    ]


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1_000_000,
        "\ud800" * 100,
        "\x00" * 100,
        {"k": "v" * 1000},
        [[[[[1]]]]],
        10**100,
        "Ünïcödé \n" * 30,
        {"\ud800": 1},
    ],
)
def test_preview_is_short_on_one_line_and_can_be_sent(value: Any):
    (told,) = reasons({"type": "null"}, value)

    assert len(told) <= len("'x' is ; expected null") + 80
    assert "\n" not in told
    json.dumps(told, ensure_ascii=False).encode()


def test_an_integer_too_long_to_write_out_is_described():
    assert reasons({"type": "null"}, 10**5000) == ["'x' is a very large int; expected null"]


def test_a_long_choice_is_cut():
    (told,) = reasons({"enum": list(range(200))}, "x")

    assert told.endswith("28, 29 and 170 more")


def test_strange_keys_are_named_safely():
    (told,) = compile_schema({"additionalProperties": False})({"\ud800" + "k" * 500: 1})

    assert len(told) < 150
    told.encode()


TREE: dict[str, Any] = {
    "$defs": {
        "Tree": {"type": "object", "properties": {"value": {"type": "integer"}, "left": {"$ref": "#/$defs/Tree"}}}
    },
    "$ref": "#/$defs/Tree",
}


def test_a_schema_may_refer_to_itself_further_down():
    check = compile_schema(TREE)

    assert check({"left": {"left": {"value": 1}}}) == []
    assert check({"left": {"left": {"value": "one"}}}) == ["'left.left.value' is 'one'; expected an integer"]


def test_arguments_of_any_depth_are_answered():
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"left": deep}

    assert compile_schema(TREE)(deep) == [
        "the arguments are nested too deeply; expected the few levels that the schema describes"
    ]


@pytest.mark.parametrize(
    ("pointer", "value"), [("#/$defs/a~1b", 1), ("#/$defs/c%20d", 1), ("#/$defs/list/anyOf/1", 1), ("#/$defs/m~0n", 1)]
)
def test_pointers_are_unescaped(pointer: str, value: Any):
    text = {"type": "string"}
    defs = {"a/b": text, "c d": text, "m~n": text, "list": {"anyOf": [True, text]}}

    assert compile_schema({"$defs": defs, "properties": {"x": {"$ref": pointer}}})({"x": value})


def test_keywords_beside_a_reference_count_too():
    schema = {"$defs": {"T": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/T", "minLength": 2}}}

    assert compile_schema(schema)({"x": "a"}) == ["'x' is 'a'; expected at least 2 characters"]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "str"}, "keyword 'type' is 'str'; expected one or a list of: string, integer"),
        ({"type": []}, "keyword 'type' is \\[\\]"),
        ({"type": [["string"]]}, "keyword 'type'"),
        ({"enum": "abc"}, "keyword 'enum' is 'abc'; expected a list of values"),
        ({"required": True}, "keyword 'required' is true; expected a list of names"),
        ({"minimum": "1"}, "keyword 'minimum' is '1'; expected a number"),
        ({"minLength": -1}, "keyword 'minLength' is -1; expected a count"),
        ({"pattern": "("}, "keyword 'pattern' is '\\('; expected a regular expression"),
        ({"pattern": 1}, "keyword 'pattern' is 1; expected a regular expression"),
        ({"properties": []}, "keyword 'properties' is \\[\\]; expected an object of schemas"),
        ({"properties": {"x": "string"}}, "a schema is 'string'; expected an object, true or false"),
        ({"anyOf": []}, "keyword 'anyOf' is \\[\\]; expected a list of schemas"),
        ({"uniqueItems": 1}, "keyword 'uniqueItems' is 1"),
        ({"prefixItems": {}}, "keyword 'prefixItems' is {}"),
        ({"$ref": 1}, "keyword '\\$ref' is 1"),
        ({"$ref": "https://example.org/x.json"}, "is 'https://example.org/x.json'; expected a local reference"),
        ({"$ref": "#/$defs/Missing"}, "is '#/\\$defs/Missing'; expected a place that is in the schema"),
        ({"$ref": "#"}, "refers to itself without end: # -> #"),
        (
            {
                "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}},
                "properties": {"x": {"$ref": "#/$defs/a"}},
            },
            "refers to itself without end",
        ),
    ],
)
def test_a_senseless_schema_is_told_when_it_is_compiled(schema: JSONSchema, said: str):
    with pytest.raises(ConfigurationError, match=said):
        compile_schema(schema)


def test_a_schema_of_any_depth_is_answered():
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"items": deep}

    with pytest.raises(ConfigurationError, match="nested too deeply"):
        compile_schema(deep)
