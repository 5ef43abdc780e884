"""What strangers say of their tools is cleaned, cut, and checked before anything is sent."""

from __future__ import annotations

import time
from typing import Any

import pytest

from agent_runtime_framework.tools.compiled import offered
from agent_runtime_framework.tools.remote import RemoteSchema, cut, plain_text, remote_tool


def schema(**parameters: Any) -> dict[str, Any]:
    return {"type": "object", "properties": parameters}


def test_a_schema_is_sent_as_its_source_wrote_it():
    tool = remote_tool("find", "Find it.", {"$schema": "x", **schema(at={"type": "string", "minLength": 2})})

    sent = RemoteSchema(tool, "maps_find").to_openai_format()["function"]

    assert sent == {"name": "maps_find", "description": "Find it.", "parameters": schema(at=tool_part(tool, "at"))}
    assert tool_part(tool, "at") == {"type": "string", "minLength": 2}


def tool_part(tool: Any, name: str) -> Any:
    return tool.parameters["properties"][name]


def test_arguments_are_checked_without_coercion():
    tool = offered(RemoteSchema(remote_tool("find", "", {**schema(at={"type": "integer"}), "required": ["at"]})))

    assert tool.check({"at": 3}) == []
    assert tool.check({"at": "3"}) != []
    assert tool.check({}) != []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("two\nlines\t!", "two\nlines\t!"),
        ("bell\x07 and \x1b[31mred", "bell and [31mred"),
        ("zero\u200bwidth \u202eturned\u2066", "zerowidth turned"),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("größer 天", "größer 天"),
    ],
)
def test_characters_that_nobody_sees_are_taken_out(text: str, kept: str):
    assert plain_text(text) == kept


def test_long_descriptions_are_cut():
    tool = remote_tool("find", "x" * 5_000, schema(at={"type": "string", "description": "y" * 5_000}))

    assert tool.description.endswith("x… [cut: 1024 of 5000 characters]")
    assert tool_part(tool, "at")["description"].endswith("y… [cut: 300 of 5000 characters]")


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        (None, "no JSON Schema object"),
        ({"type": "array"}, "expected an object"),
        (schema(at={"type": "nonsense"}), "cannot be used"),
        (schema(at={"$ref": "https://example.com/schema"}), "cannot be used"),
        (schema(at={"enum": ["x" * 40_000]}), "characters long"),
    ],
)
def test_a_schema_that_cannot_be_used_is_a_problem_and_no_error(parameters: Any, why: str):
    assert why in remote_tool("find", "", parameters).problem


@pytest.mark.parametrize("pattern", ["^(a+)+$", r"^(\w+\s?)*$", "a*a*a*a*a*b", r"\p{L}+"])
def test_patterns_that_could_take_for_ever_are_left_to_the_source(pattern: str):
    tool = remote_tool("find", "", schema(at={"type": "string", "pattern": pattern}))
    check = offered(RemoteSchema(tool)).check
    began = time.perf_counter()

    faults = check({"at": "a" * 5_000 + "!"})

    assert faults == []
    assert time.perf_counter() - began < 5
    assert tool_part(tool, "at")["pattern"] == pattern


def test_quick_patterns_are_checked():
    check = offered(RemoteSchema(remote_tool("find", "", schema(at={"pattern": r"^\d{4}-\d{2}$"})))).check

    assert check({"at": "2026-11"}) == []
    assert check({"at": "soon"}) != []


def test_cut_says_how_long_a_text_was():
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 3) == "abc… [cut: 3 of 6 characters]"
