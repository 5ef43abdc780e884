"""What is shown of a reply while it is written: never call text, never what has to be taken back without saying so."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_framework.executor.preview import MAX_PENDING_CHARS, Preview
from agent_runtime_framework.executor.reply import read_text
from agent_runtime_framework.tools.offer import Offer
from agent_runtime_framework.tools.schema import ToolParameter, ToolSchema

PICK = ToolSchema("pick", "Pick.", [ToolParameter("kind", "string", required=True, enum=["car", "home"])])
FINISH = ToolSchema("finish", "Finish.")
TOOLS = Offer([PICK, FINISH]).tools

CALLS = [
    '{"name": "pick", "arguments": {"kind": "car"}}',
    '{"name": "pick", "arguments": {"kind": "boat"}}',
    '[{"name": "finish", "arguments": {}}]',
    '[ [{"name": "finish", "arguments": {}}]]',
    '{{"name": "finish", "arguments": {{}}}}',
    '```json\n{"kind": "car"}\n```',
    "```\nfinish()\n```",
    "<tool_call>nonsense</tool_call>",
    "<tool_response>Saved.</tool_response>",
    "Good.\n<tool_response>Saved.</tool_response>\nAnd now?",
    '<tool_call>{"name": "finish"}',
    '<|tool_call|>{"name": "finish"}',
    '<function_call>{"name": "finish"}</function_call>',
    '[TOOL_CALLS] [{"name": "finish", "arguments": {}}]',
    'TOOL_CALLS[{"name": "finish", "arguments": {}}]',
    'pick(kind="car")',
    "  pick(kind=car)",
    "[finish(), pick(kind='home')]",
    "[\n  finish()\n]",
    '`{"name": "finish", "arguments": {}}`',
    "`finish()`",
    "\xa0finish()",
]
PROSE = [
    "Good day, Ada!",
    "Pick a car (or a home), then we finish.",
    "I pick\nfinish early\npick up (later)",
    "See [the page](https://example.org), [1] and [2].\n\n- one\n- two",
    "A list: [1, 2, 3] and a < b, <b>bold</b>, <tool>",
    "```python\nprint({'a': 1})\n```\nThat was code.",
    "`code` at the beginning, and `code` inside",
    "braces {like these} and 'quotes'",
    "你好。我是助手。\n请告诉我你的名字。",
    "finish",
    "[",
    "<",
    "``",
    "",
    "  \n ",
]
CORPUS = [
    *PROSE,
    *CALLS,
    *(f"Of course.\n{call}" for call in CALLS),
    *(f"Of course.\n\n{call}\n\nAnything else?" for call in CALLS),
]


def shown(pieces: list[str], *, holds_all: bool = False) -> Preview:
    preview = Preview(TOOLS, holds_all=holds_all)
    said = "".join(preview.feed(piece) for piece in pieces)
    assert said == preview.released
    return preview


def final_text(text: str) -> str:
    return read_text(text.strip(), TOOLS)[0]


def two_pieces(text: str) -> Iterator[list[str]]:
    for index in range(len(text) + 1):
        yield [text[:index], text[index:]]


@pytest.mark.parametrize("text", CORPUS)
def test_call_text_is_never_shown_however_the_text_is_cut(text: str) -> None:
    final = final_text(text)
    for pieces in [*two_pieces(text), list(text)]:
        assert final.startswith(shown(pieces).released)


@given(st.sampled_from(CORPUS), st.lists(st.integers(1, 12), min_size=1))
def test_call_text_is_never_shown_in_pieces_of_any_size(text: str, sizes: list[int]) -> None:
    pieces: list[str] = []
    rest = text
    while rest:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(rest[:size])
        rest = rest[size:]
    preview = shown(pieces)
    assert final_text(text).startswith(preview.released)
    assert preview.text == text.lstrip()


@pytest.mark.parametrize("text", CORPUS)
def test_every_text_of_the_corpus_is_read_as_it_is_meant(text: str) -> None:
    """Guards the tests above: they say nothing about a call that is not read as one."""
    rest, calls = read_text(text.strip(), TOOLS)
    assert bool(calls or ("Saved." not in rest and "Saved." in text)) is (text not in PROSE)


@pytest.mark.parametrize(
    ("text", "released"),
    [
        ("Good day, Ada!", "Good day, Ada!"),
        ("Good day, \n\n", "Good day,"),
        ("See [the page](https://example.org).", "See [the page](https://example.org)."),
        ("你好。我是助手", "你好。我是助手"),
        ("pickles are good", "pickles are good"),
        ("pick (the car)", ""),
        ("I pick (the car)", "I pick (the car)"),
        ("I pick\nfi", "I pick"),
        ("So: `", "So:"),
        ("a < b", "a < b"),
        ("a <", "a"),
        ("Here: {", "Here:"),
    ],
)
def test_what_cannot_become_a_call_is_shown_at_once(text: str, released: str) -> None:
    assert shown(list(text)).released == released


def test_without_tools_everything_is_shown_at_once() -> None:
    preview = Preview(())
    assert [preview.feed(piece) for piece in ("{", '"a": 1}', "\n", "```")] == ["{", '"a": 1}', "", "\n```"]


def test_nothing_is_shown_where_a_call_is_required() -> None:
    preview = shown(["Good day, ", "Ada!"], holds_all=True)
    assert preview.released == ""
    assert preview.text == "Good day, Ada!"


def test_blank_space_before_the_text_is_not_shown() -> None:
    assert shown(["\n", "  ", " Hi"]).released == "Hi"


def test_endless_blank_space_is_held_back() -> None:
    preview = shown(["Hi", *["\n"] * 2 * MAX_PENDING_CHARS, "there"])
    assert preview.released == "Hi"
    assert preview.text.endswith("\nthere")


def test_broken_characters_are_replaced_before_they_are_shown() -> None:
    assert shown(["a\x00", "\ud83d", "b"]).released == "a\ufffd\ufffdb"
