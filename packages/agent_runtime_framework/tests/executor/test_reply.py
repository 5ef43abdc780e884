"""Calls are understood in every shape in which models send them, and nothing else is taken for a call."""

import json
from typing import Any

import pytest

from agent_runtime_framework.executor.reply import MAX_CALLS, MAX_SCANNED_CHARS, read_reply
from agent_runtime_framework.executor.turn import Reply
from agent_runtime_framework.tools.offer import Offer
from agent_runtime_framework.tools.schema import ToolParameter, ToolSchema

PICK = ToolSchema(
    "pick",
    "Pick a kind.",
    [
        ToolParameter("kind", "string", required=True, enum=["car", "home"]),
        ToolParameter("extras", "object"),
    ],
)
SAVE_NAME = ToolSchema("save_name", "Save the name.", [ToolParameter("name", "string", required=True)])
FINISH = ToolSchema("finish", "Finish.")
TOOLS = Offer([PICK, SAVE_NAME, FINISH]).tools


def read(content: Any, tools: Any = TOOLS, **message: Any) -> Reply:
    return read_reply({"role": "assistant", "content": content, **message}, None, tools)


def made(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in reply.calls]


CAR = {"kind": "car"}
JSON_CALL = '{"name": "pick", "arguments": {"kind": "car"}}'
TEXT_SHAPES = {
    "bare": JSON_CALL,
    "bare, parameters": '{"name": "pick", "parameters": {"kind": "car"}}',
    "bare, nested": '{"type": "function", "function": {"name": "pick", "arguments": "{\\"kind\\": \\"car\\"}"}}',
    "bare, flat": '{"name": "pick", "kind": "car"}',
    "bare, keyed": '{"pick": {"kind": "car"}}',
    "bare, python": "{'name': 'pick', 'arguments': {'kind': 'car'}}",
    "bare, trailing comma": '{"name": "pick", "arguments": {"kind": "car",},}',
    "bare, tool_calls": '{"tool_calls": [{"name": "pick", "arguments": {"kind": "car"}}]}',
    "fenced": f"```json\n{JSON_CALL}\n```",
    "fenced, open": f"```json\n{JSON_CALL}",
    "backticked": f"`{JSON_CALL}`",
    "tagged": f"<tool_call>\n{JSON_CALL}\n</tool_call>",
    "tagged, open": f"<tool_call>{JSON_CALL}",
    "tagged, pipes": f"<|tool_call|>{JSON_CALL}<|/tool_call|>",
    "marked": f"[TOOL_CALLS] [{JSON_CALL}]",
    "expression": 'pick(kind="car")',
    "expression, positional": "pick('car')",
    "expression, object": 'pick({"kind": "car"})',
    "expression, unpacked": 'pick(**{"kind": "car"})',
    "expression, several lines": 'pick(\n    kind="car",\n)',
    "expression, fenced": '```tool_code\npick(kind="car")\n```',
    "expression, listed": '[pick(kind="car")]',
    "doubled braces": '{{"name": "pick", "arguments": {{"kind": "car"}}}}',
    "bare arguments": '{"kind": "car"}',
    "bare arguments, fenced": '```json\n{"kind": "car"}\n```',
}
STRUCTURED_SHAPES: dict[str, Any] = {
    "nested": [{"id": "c1", "type": "function", "function": {"name": "pick", "arguments": '{"kind": "car"}'}}],
    "flat": [{"id": "c1", "name": "pick", "arguments": '{"kind": "car"}'}],
    "flat, parsed": [{"id": "c1", "name": "pick", "arguments": {"kind": "car"}}],
    "input": [{"id": "c1", "name": "pick", "input": {"kind": "car"}}],
    "not in a list": {"id": "c1", "name": "pick", "arguments": {"kind": "car"}},
}


@pytest.mark.parametrize("shape", TEXT_SHAPES)
def test_written_call_of_an_offered_tool_is_understood(shape: str) -> None:
    reply = read(TEXT_SHAPES[shape])
    assert made(reply) == [("pick", CAR)]
    assert reply.calls[0].error is None
    assert json.loads(reply.calls[0].text) == CAR
    assert reply.text == ""


BESIDE_WORDS = TEXT_SHAPES.keys() - {"bare arguments", "expression, several lines", "marked"}


@pytest.mark.parametrize("shape", sorted(BESIDE_WORDS))
def test_words_around_a_written_call_remain(shape: str) -> None:
    reply = read(f"Good choice!\n\n{TEXT_SHAPES[shape]}")
    assert made(reply) == [("pick", CAR)]
    assert reply.text == "Good choice!"


@pytest.mark.parametrize("shape", STRUCTURED_SHAPES)
def test_structured_call_is_understood_in_any_layout(shape: str) -> None:
    reply = read("One moment.", tool_calls=STRUCTURED_SHAPES[shape])
    assert made(reply) == [("pick", CAR)]
    assert reply.calls[0].id == "c1"
    assert reply.text == "One moment."


@pytest.mark.parametrize(
    "text",
    [
        f"{JSON_CALL}\n" + '{"name": "finish", "arguments": {}}',
        f"<tool_call>{JSON_CALL}</tool_call>\n" + '<tool_call>{"name": "finish"}</tool_call>',
        f"<tool_call>{JSON_CALL}\n" + '<tool_call>{"name": "finish"}',
        f"[{JSON_CALL}, " + '{"name": "finish", "arguments": null}]',
        'pick(kind="car")\nfinish()',
        '[pick(kind="car"), finish()]',
        f"```json\n{JSON_CALL}\n```\nThen:\n" + '```json\n{"name": "finish"}\n```',
    ],
)
def test_several_written_calls_are_all_understood(text: str) -> None:
    assert made(read(text)) == [("pick", CAR), ("finish", {})]


@pytest.mark.parametrize("shape", TEXT_SHAPES)
def test_without_tools_everything_is_text(shape: str) -> None:
    assert read(TEXT_SHAPES[shape], {}) == Reply(TEXT_SHAPES[shape])


NOT_OFFERED = {shape: text.replace("pick", "steal") for shape, text in TEXT_SHAPES.items() if "pick" in text}
UNMISTAKABLE = {
    *("bare", "bare, parameters", "bare, nested", "bare, python", "bare, trailing comma", "bare, tool_calls"),
    *("fenced", "fenced, open", "backticked", "tagged", "tagged, open", "tagged, pipes", "marked", "doubled braces"),
}


@pytest.mark.parametrize("shape", NOT_OFFERED)
def test_written_call_of_another_tool_is_never_a_call_of_an_offered_one(shape: str) -> None:
    reply = read(NOT_OFFERED[shape])
    assert [call.name for call in reply.calls] == (["steal"] if shape in UNMISTAKABLE else [])
    assert (reply.text == "") is (shape in UNMISTAKABLE)


UNFIT = {shape: text.replace("car", "boat") for shape, text in TEXT_SHAPES.items()}


@pytest.mark.parametrize("shape", UNFIT)
def test_unfit_call_is_handed_on_to_be_refused_or_left_as_text_but_never_changed(shape: str) -> None:
    reply = read(UNFIT[shape])
    if shape.startswith("bare arguments") or shape == "bare, flat":
        assert reply.calls == ()
        return
    assert made(reply) == [("pick", {"kind": "boat"})]
    assert reply.text == ""


@pytest.mark.parametrize(
    "text",
    [
        "You can pick a car (or a home).",
        "I would pick(kind) that one.",
        "pick(kind)",
        "pick.one(kind='car')",
        "pick(kind='car').then()",
        "[pick(kind='car'), stop]",
        "pick (the car) is what I'd do",
        "offer(s) are limited (see below)",
        'Shall I save_name(name="Ada") now?',
        'The JSON is {"kind": "car"}, you see.',
        'Your data: {"name": "pick", "price": 5}',
        '{"name": "Ada", "surname": "Lovelace"}',
        "```python\nprint('hi')\n```",
        '```json\n{"a": [1, 2]}\n```',
        "[a link](https://example.org) and a list: [1, 2, 3]",
        "Use {braces} and <tags> (and brackets).",
        "pick(kind='car'",
        "{unclosed",
        '"quoted { brace',
        "finish",
    ],
)
def test_prose_that_mentions_a_tool_stays_prose(text: str) -> None:
    assert read(text) == Reply(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<tool_response>\nThe car is saved.\n</tool_response>", ""),
        ("<tool_response>The car is saved.", ""),
        ("<|tool_result|>{}<|/tool_result|>\nWhat else?", "What else?"),
        ("Done!\n<function_response>ok</function_response>", "Done!"),
    ],
)
def test_result_that_the_model_made_up_is_dropped(text: str, left: str) -> None:
    reply = read(text)

    assert (reply.text, reply.calls) == (left, ())


@pytest.mark.parametrize(
    "text", ['{{"name": "pick", "arguments": {"kind": "car"}}}}', '{"kind": "car"}}', 'pick(kind="car")\n}']
)
def test_bracket_too_many_is_no_words(text: str) -> None:
    reply = read(text)

    assert (reply.text, [each.name for each in reply.calls]) == ("", ["pick"])


@pytest.mark.parametrize(
    ("text", "left"), [("}\n", ""), ("]", ""), ("{}", ""), (":-)", ":-)"), ("?", "?"), ("👍", "👍")]
)
def test_reply_of_brackets_alone_says_nothing(text: str, left: str) -> None:
    assert read(text) == Reply(left)


def test_call_before_a_made_up_result_is_still_a_call() -> None:
    reply = read(
        '<tool_call>{"name": "pick", "arguments": {"kind": "car"}}</tool_call><tool_response>ok</tool_response>'
    )

    assert reply.text == ""
    assert [each.name for each in reply.calls] == ["pick"]


@pytest.mark.parametrize(
    "text", ["pick(kind=car)", 'pick("car", "home", "x")', "pick(kind=open('x'))", "<tool_call>pick it</tool_call>"]
)
def test_call_that_cannot_be_read_is_handed_on_with_what_is_wrong(text: str) -> None:
    reply = read(text)
    assert [call.arguments for call in reply.calls] == [{}]
    assert "could not be read" in str(reply.calls[0].error)
    assert reply.text == ""


def test_bare_arguments_that_fit_two_tools_are_text() -> None:
    rename = ToolSchema("rename", "Rename.", [ToolParameter("name", "string", required=True)])
    text = '{"name": "Ada"}'
    assert made(read(text)) == [("save_name", {"name": "Ada"})]
    assert read(text, Offer([SAVE_NAME, rename]).tools) == Reply(text)


def test_arguments_that_look_like_a_call_are_taken_as_what_fits() -> None:
    act = ToolSchema("act", "Act.", [ToolParameter("action", "string"), ToolParameter("input", "string")])
    reply = read('{"action": "start", "input": "now"}', Offer([act]).tools)
    assert made(reply) == [("act", {"action": "start", "input": "now"})]


def test_json_words_are_values_in_an_expression() -> None:
    rate = ToolSchema("rate", "Rate.", [ToolParameter("good", "boolean"), ToolParameter("why", "string")])
    assert made(read("rate(good=true, why=null)", Offer([rate]).tools)) == [("rate", {"good": True, "why": None})]


def test_written_calls_beside_structured_ones_are_dropped_and_not_shown() -> None:
    reply = read(f"Sure.\n{JSON_CALL}", tool_calls=[{"id": "c1", "name": "finish", "arguments": "{}"}])
    assert made(reply) == [("finish", {})]
    assert reply.text == "Sure."


@pytest.mark.parametrize("message", [None, "text", 5, [], {}, {"content": None}, {"content": {"a": 1}}, {"content": 5}])
def test_message_that_holds_nothing_is_an_empty_reply(message: object) -> None:
    assert read_reply(message, {"n": 1}, TOOLS) == Reply(usage={"n": 1})


@pytest.mark.parametrize("nonsense", [None, [], "", "garbage", 5, [None, 7, "x", []], {}, True])
def test_tool_calls_that_are_none_are_no_calls(nonsense: Any) -> None:
    assert read("Hello.", tool_calls=nonsense) == Reply("Hello.")


def test_content_blocks_are_joined() -> None:
    assert read([{"type": "text", "text": "Hel"}, {"type": "thinking"}, "lo", 5]).text == "Hello"


def test_calls_beyond_what_providers_take_are_forgotten() -> None:
    reply = read("", tool_calls=[{"name": "finish", "arguments": "{}"}] * (MAX_CALLS + 5))
    assert len(reply.calls) == MAX_CALLS


def test_text_is_free_of_characters_that_cannot_be_stored() -> None:
    reply = read("a\x00b\ud800")
    assert reply.text == "a\ufffdb\ufffd"


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "pick", "arguments": {"kind": "\\ud800"}}]',
        '[{"name": "\\ud800\\u0000", "arguments": {}}]',
        'pick(kind="\\ud800")',
        "save_name(name='\\x00')",
        '{"pick": {"kind": "\\u0000"}}',
    ],
)
def test_written_calls_are_free_of_characters_that_cannot_be_stored(text: str) -> None:
    for each in read(text).calls:
        stored = f"{each.id}{each.name}{each.text}{each.error}{json.dumps(each.arguments, ensure_ascii=False)}"
        stored.encode()
        assert "\x00" not in stored
        assert "\\u0000" not in stored


@pytest.mark.parametrize("number", ["1e999", "Infinity", "NaN", "-Infinity"])
def test_number_that_json_cannot_hold_makes_no_sound_call(number: str) -> None:
    rate = ToolSchema("rate", "Rate.", [ToolParameter("stars", "number", required=True)])
    tools = Offer([rate]).tools
    for text in (f"rate(stars={number})", f'[{{"rate": {{"stars": {number}}}}}]', f'{{"stars": {number}}}'):
        assert all(call.error for call in read(text, tools).calls)


HOSTILE = {
    "quotes": '"\\' * 50_000,
    "open brackets": "[" * MAX_SCANNED_CHARS,
    "open braces": "{" * MAX_SCANNED_CHARS,
    "nested": "[" * 10_000 + "]" * 10_000,
    "tags": "<tool_call>" * 15_000,
    "fences": "```" * 60_000,
    "ticks": "`a`\n" * 50_000,
    "open calls": "pick(" * 40_000 + ")",
    "many calls": 'pick(kind="car")\n' * 5_000,
    "signs": "pick(" + "-" * 100_000 + ")",
    "sum": "pick(" + "+".join("1" * 50_000) + ")",
    "commas": '{"a": "' + '\\",' * 30_000,
    "long": "a" * 1_000_000,
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_hostile_text_is_read_in_linear_time(shape: str) -> None:
    reply = read(HOSTILE[shape])  # in quadratic time this would take minutes
    says_something = any(map(str.isalnum, HOSTILE[shape]))
    assert bool(reply.text or reply.calls) is says_something
