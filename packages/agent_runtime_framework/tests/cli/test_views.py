from __future__ import annotations

from collections.abc import Sequence

import pytest

from agent_runtime_core.llm.available import Availability
from agent_runtime_core.tools import ToolSchemaBuilder
from agent_runtime_framework.cli import views
from agent_runtime_framework.cli.screen import Marks
from agent_runtime_framework.cli.spans import Line, Span, cells, one_line, wrapped
from agent_runtime_framework.memory import StoredMessage


def _texts(lines: Sequence[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def test_a_local_server_is_offered_with_the_words_that_use_it() -> None:
    ready = Availability(
        provider="openai", model="http://127.0.0.1:11434/v1#qwen", is_ready=True, says="a server answers on port 11434"
    )
    empty = Availability(provider="openai", model=None, is_ready=False, says="a server answers without a model loaded")
    assert _texts(views.local_servers([ready, empty])) == [
        "a server answers on port 11434; to use it: --model http://127.0.0.1:11434/v1#qwen or, here, "
        "/model http://127.0.0.1:11434/v1#qwen"
    ]


def test_a_tool_is_shown_with_its_parameters() -> None:
    schema = ToolSchemaBuilder("pick").param("kind", "string", required=True, enum=["a", "b"]).param("n", "integer")
    assert views.signature(schema.to_openai_format()) == "pick(kind: a | b, n?: integer)"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("hi", "hi"),
        (None, ""),
        ([{"type": "text", "text": "look"}, {"type": "image_url"}], "look [image_url]"),
        ([3, {"type": "file"}], " [file]"),
    ],
)
def test_content_that_is_no_text_is_named(content: object, text: str) -> None:
    assert views.message_text(content) == text


def test_a_recap_shows_the_last_words_of_both_sides_and_no_calls() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "save", "arguments": "{}"}}
    messages = [
        StoredMessage("user", "first"),
        StoredMessage("assistant", "x" * 1000),
        StoredMessage("user", "second"),
        StoredMessage("assistant", None, tool_calls=[call]),
        StoredMessage("tool", "done", tool_call_id="1"),
        StoredMessage("assistant", "ok"),
    ]
    shown = _texts(views.recap(messages, Marks(prompt=">")))
    assert [text[:6] for text in shown] == ["> firs", "xxxxxx", "> seco", "ok"]
    assert len(shown[1]) == views.MESSAGE_CHARS


def test_a_stored_call_that_cannot_be_read_is_shown_all_the_same() -> None:
    call = {"id": "1", "function": {"name": "save", "arguments": "{broken"}}
    assert _texts(views.history([StoredMessage("assistant", "", tool_calls=[call])], Marks())) == ["  · save(?)"]


def test_lines_are_broken_where_they_do_not_fit_and_hang() -> None:
    rows = wrapped([Span("one two "), Span("three four", "strong")], 12, hanging=2)
    assert ["".join(span.text for span in row) for row in rows] == ["one two ", "  three four"]


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_columns_are_counted_as_terminals_do(text: str, columns: int) -> None:
    assert cells(text) == columns


def test_a_long_text_is_cut_on_one_line() -> None:
    assert one_line("a\n b\x1b c", 4) == "a b…"
