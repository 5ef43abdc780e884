"""Calls in their one sound form."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_framework.toolcalls import (
    MAX_ARGUMENT_CHARS,
    MAX_ARGUMENT_DEPTH,
    MAX_ID_CHARS,
    ToolCall,
    clean,
    clean_text,
    make_call,
    preview,
    read_arguments,
    read_calls,
    read_json,
    unique_id,
)


def deep(levels: int) -> str:
    return '{"a": ' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [
        (None, {}),
        ("", {}),
        ("null", {}),
        ("{}", {}),
        ('{"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ({1: 2}, {"1": 2}),
        ("{'a': True, 'b': None}", {"a": True, "b": None}),
        ('{"a": [1, 2,], }', {"a": [1, 2]}),
        ('{"a": "x,}"}', {"a": "x,}"}),
        ('{"a": "x,}",}', {"a": "x,}"}),
        ('{{"a": 1}}', {"a": 1}),
        ('{{"a": {{"b": 1}}}}', {"a": {"b": 1}}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('{"a": "one\ntwo"}', {"a": "one\ntwo"}),
        ("{'a': (1, 2)}", {"a": [1, 2]}),
        ('  {"a": 1}\n', {"a": 1}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        (deep(MAX_ARGUMENT_DEPTH), json.loads(deep(MAX_ARGUMENT_DEPTH))),
    ],
)
def test_arguments_are_understood(raw: Any, arguments: dict[str, Any]) -> None:
    found, text, error = read_arguments(raw)
    assert (found, error) == (arguments, None)
    assert json.loads(text) == arguments


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("nonsense", "not JSON; send one JSON object. Received: nonsense"),
        ("[1]", "a list"),
        ("5", "a number"),
        ("true", "a boolean"),
        ('"text"', "a string"),
        (5, "a number"),
        ([1], "a list"),
        (True, "a boolean"),
        (b"{}", "a bytes"),
        ('{"a": ', "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ('{"a": -Infinity}', "not JSON"),
        ('{"a": 1e999}', "not JSON"),
        ({"a": float("nan")}, "not JSON"),
        ({"a": float("inf")}, "not JSON"),
        ({"a": {1}}, "not JSON"),
        ({(1, 2): 3}, "not JSON"),
        ("{'a': {1, 2}}", "not JSON"),
        ("{'a': b'x'}", "not JSON"),
        ("{'a': 1 + 2j}", "not JSON"),
        ("9" * 5_000, "not JSON"),
        ('{"a": ' + "9" * 5_000 + "}", "not JSON"),
        (deep(MAX_ARGUMENT_DEPTH + 1), f"nested more than {MAX_ARGUMENT_DEPTH} levels"),
        (deep(10_000), "not JSON"),
        ("[" * 50_000, "not JSON"),
        ("-" * 50_000, "not JSON"),
        ("x" * (MAX_ARGUMENT_CHARS + 1), f"{MAX_ARGUMENT_CHARS + 1} characters long"),
        ('{"a": "' + '\\"' * 49_000, "not JSON"),
    ],
)
def test_arguments_that_cannot_be_read_are_an_error_and_never_a_silent_object(raw: Any, problem: str) -> None:
    arguments, text, error = read_arguments(raw)
    assert (arguments, text) == ({}, "{}")
    assert problem in str(error)
    assert len(str(error)) < 1_200


@pytest.mark.parametrize(
    "raw", ['{"a": "\\u0000\\ud800"}', '{"a": "\x00\ud800"}', {"a": "\x00\ud800"}, "{'a': '\\0\\ud800'}"]
)
def test_arguments_are_free_of_characters_that_cannot_be_stored(raw: Any) -> None:
    arguments, text, error = read_arguments(raw)
    assert (arguments, error) == ({"a": "\ufffd\ufffd"}, None)
    assert json.loads(text) == arguments


def test_keys_are_cleaned_too() -> None:
    assert read_arguments('{"\\u0000": {"\\ud800": [{"\\u0000": 1}]}}')[0] == {"\ufffd": {"\ufffd": [{"\ufffd": 1}]}}


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_json_survives(arguments: dict[str, Any]) -> None:
    found, text, error = read_arguments(json.dumps(arguments))
    assert error is None
    assert found == json.loads(text) == clean(arguments)


@given(st.text() | st.binary() | st.integers() | st.floats() | st.lists(st.integers()))
def test_reading_arguments_is_total(raw: Any) -> None:
    arguments, text, error = read_arguments(raw)
    assert json.loads(text) == arguments
    assert error is None or arguments == {}


def test_vendor_objects_are_read() -> None:
    function = SimpleNamespace(name="pick", arguments='{"a": 1}')
    plain = SimpleNamespace(id="c1", function=function)
    dumped = SimpleNamespace(model_dump=lambda: {"id": "c2", "name": "pick", "arguments": {"a": 1}})
    odd = SimpleNamespace(model_dump=lambda: 5, id="c3", name="pick", arguments=None)
    assert [(call.id, call.name, call.arguments) for call in read_calls([plain, dumped, odd])] == [
        ("c1", "pick", {"a": 1}),
        ("c2", "pick", {"a": 1}),
        ("c3", "pick", {}),
    ]


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"name": " pick "}, "pick"),
        ({"function": "pick", "arguments": {}}, "pick"),
        ({"name": "pi\x00ck"}, "pi\ufffdck"),
        ({"name": None}, ""),
        ({"name": 5}, ""),
        ({"name": ["pick"]}, ""),
        ({"function": {"name": {}}}, ""),
        ({"function": []}, ""),
    ],
)
def test_name_is_text_or_nothing(entry: Any, name: str) -> None:
    (call,) = read_calls([entry])
    assert call.name == name


@pytest.mark.parametrize(
    ("given_id", "sound"),
    [
        ("call_1", "call_1"),
        ("toolu_01A-b", "toolu_01A-b"),
        ("functions.pick:0", "functions_pick_0"),
        ("a b\x00", "a_b_"),
        ("é", "_"),
        ("x" * 1_000, "x" * MAX_ID_CHARS),
        (None, "call_pick"),
        ("", "call_pick"),
        (7, "call_pick"),
        ({}, "call_pick"),
    ],
)
def test_id_is_sound(given_id: Any, sound: str) -> None:
    assert read_calls([{"id": given_id, "name": "pick"}])[0].id == sound


def test_missing_id_of_a_long_name_is_cut() -> None:
    assert len(read_calls([{"name": "x" * 1_000}])[0].id) == MAX_ID_CHARS


@given(st.text(max_size=60), st.sets(st.text(max_size=5)), st.integers(1, 20))
def test_unique_id_is_new_and_short(wanted: str, taken: set[str], times: int) -> None:
    fresh: set[str] = set()
    for _ in range(times):
        found = unique_id(wanted[:MAX_ID_CHARS], taken, fresh)
        assert found not in taken | fresh
        assert len(found) <= MAX_ID_CHARS
        fresh.add(found)


def test_taken_candidates_are_passed_over() -> None:
    assert unique_id("a", {"a", "a_3"}) == "a_4"


@pytest.mark.parametrize(
    ("name", "wire_name"), [("pick", "pick"), ("pick it!", "pick_it_"), ("", "unknown"), ("x" * 99, "x" * 64)]
)
def test_wire_form_has_a_legal_name(name: str, wire_name: str) -> None:
    call = make_call(name, {"a": 1})
    assert call.wire == {
        "id": f"call_{wire_name}"[:MAX_ID_CHARS],
        "type": "function",
        "function": {"name": wire_name, "arguments": '{"a": 1}'},
    }


def test_made_call_says_what_is_wrong_with_its_arguments() -> None:
    assert make_call("pick", None) == ToolCall("call_pick", "pick", {})
    assert "not JSON" in str(make_call("pick", {"a": float("inf")}).error)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1e999]", "[" * 5_000, deep(MAX_ARGUMENT_DEPTH + 1), "[1] 2"])
def test_what_is_no_sound_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_json_is_read_clean() -> None:
    assert read_json('["\\ud800", {"\\u0000": 1.5}]') == ["\ufffd", {"\ufffd": 1.5}]


def test_text_is_cleaned_only_where_it_must_be() -> None:
    text = "Zoë 🙂"
    assert clean_text(text) is not None
    assert (clean_text(text), clean_text("a\x00"), clean_text("\udfff")) == (text, "a\ufffd", "\ufffd")
    assert clean({"a": (1, None), 2: ["\x00"]}) == {"a": (1, None), "2": ["\ufffd"]}


def test_preview_says_how_much_was_cut() -> None:
    assert (preview("abc", 3), preview("abcd", 3)) == ("abc", "abc… (4 characters)")
