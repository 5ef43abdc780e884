"""Histories stay acceptable to every provider, whatever was done to them."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.messages import (
    INTERRUPTED,
    AgentMessage,
    History,
    as_wire,
    call_ids,
    is_sound,
    repair,
    text_of,
    tool_message,
    window,
)
from agent_runtime_framework.testing import anthropic_problems, openai_problems

USER: JSONObject = {"role": "user", "content": "hi"}


def assistant(text: str | None, *ids: str) -> JSONObject:
    calls = [{"id": each, "type": "function", "function": {"name": "pick", "arguments": "{}"}} for each in ids]
    return {"role": "assistant", "content": text, **({"tool_calls": calls} if ids else {})}


def answer(call_id: str, content: Any = "ok") -> JSONObject:
    return tool_message(call_id, "pick", content)


SOUND = [
    {"role": "system", "content": "Be brief."},
    USER,
    assistant(None, "a", "b"),
    answer("a"),
    answer("b", "two"),
    assistant("And?", "c"),
    answer("c"),
    assistant("Done."),
    {
        "role": "user",
        "content": [{"type": "text", "text": "and this"}, {"type": "image_url", "image_url": {"url": "u"}}],
    },
    assistant("Nice."),
]


def test_sound_history_comes_back_as_it_was() -> None:
    assert repair(SOUND) == SOUND


REPAIRS: list[tuple[list[Any], list[JSONObject]]] = [
    ([], []),
    ([assistant(None, "a")], [assistant(None, "a"), answer("a", INTERRUPTED)]),
    ([assistant(None, "a", "b"), answer("b")], [assistant(None, "a", "b"), answer("a", INTERRUPTED), answer("b")]),
    ([assistant(None, "a"), USER, answer("a")], [assistant(None, "a"), answer("a"), USER]),
    ([assistant(None, "a", "b"), answer("b"), answer("a")], [assistant(None, "a", "b"), answer("a"), answer("b")]),
    ([assistant(None, "a"), answer("a"), answer("a", "again")], [assistant(None, "a"), answer("a")]),
    ([assistant(None, "a"), answer("a"), assistant(None, "a")], [assistant(None, "a"), answer("a")]),
    ([assistant(None, "a"), answer("a"), assistant("x", "a")], [assistant(None, "a"), answer("a"), assistant("x")]),
    ([answer("a"), USER], [USER]),
    ([USER, assistant(None)], [USER]),
    ([USER, assistant(" \n")], [USER]),
    ([USER, {**assistant("x"), "tool_calls": []}], [USER, assistant("x")]),
    ([USER, {**assistant("x"), "tool_calls": None}], [USER, assistant("x")]),
    ([USER, {**assistant(None), "tool_calls": "garbage"}], [USER]),
    ([{**USER, "tool_calls": assistant(None, "a")["tool_calls"]}], [USER]),
    ([None, 5, "text", [], {}, {"role": 5}, {"role": "robot", "content": "x"}, USER], [USER]),
    ([{"role": "user", "content": None}], [{"role": "user", "content": ""}]),
    ([{"role": "user", "content": {"a": 1}}], [{"role": "user", "content": '{"a": 1}'}]),
    ([{**USER, "name": 5, "metadata": {"a": 1}}], [USER]),
    ([{"role": "user", "content": "a\x00\ud800"}], [{"role": "user", "content": "a\ufffd\ufffd"}]),
]


@pytest.mark.parametrize(("broken", "sound"), REPAIRS)
def test_history_is_repaired(broken: list[Any], sound: list[JSONObject]) -> None:
    repaired = repair(broken)
    assert repaired == sound
    assert openai_problems(repaired) == []


def test_call_that_repeats_an_id_keeps_its_own_result() -> None:
    repaired = repair([assistant(None, "a"), answer("a", "one"), assistant(None, "a"), answer("a", "two")])
    assert [message["content"] for message in repaired if message["role"] == "tool"] == ["one", "two"]
    assert len(call_ids(repaired)) == 2
    assert openai_problems(repaired) == []


@pytest.mark.parametrize("call_id", ["functions.pick:0", "x" * 99, "a\x00", "\ud800"])
def test_unsound_id_is_made_sound_together_with_its_result(call_id: str) -> None:
    repaired = repair([assistant(None, call_id), answer(call_id, "mine")])
    assert repaired[1]["content"] == "mine"
    assert openai_problems(repaired) == []


def test_unsound_id_without_a_result_is_answered() -> None:
    assert repair([assistant(None, "a b")])[1]["content"] == INTERRUPTED


def test_result_of_blocks_is_kept() -> None:
    blocks = [{"type": "text", "text": "ok"}]
    assert repair([assistant(None, "a"), answer("a", blocks)])[1]["content"] == blocks


def test_flat_and_vendor_calls_are_stored_in_the_one_form() -> None:
    flat = {"role": "assistant", "tool_calls": [{"name": "pick", "arguments": {"a": 1}}]}
    assert repair([flat])[0]["tool_calls"] == [
        {"id": "call_pick", "type": "function", "function": {"name": "pick", "arguments": '{"a": 1}'}}
    ]


def test_message_nested_beyond_reason_is_no_message() -> None:
    block: Any = "x"
    for _ in range(5_000):
        block = [block]
    assert repair([USER, {"role": "user", "content": block}]) == [USER]


def test_given_messages_are_not_changed() -> None:
    given_messages = [assistant(None, "a"), {**USER, "metadata": {"a": 1}}]
    before = json.dumps(given_messages)
    repair(given_messages)
    assert json.dumps(given_messages) == before


def _conversation(rng: random.Random) -> list[JSONObject]:
    messages: list[JSONObject] = []
    number = 0
    for _ in range(rng.randint(1, 4)):
        messages.append({"role": "user", "content": rng.choice(["hi", "and?", "x" * 30])})
        for _ in range(rng.randint(0, 3)):
            ids = [f"call_{number + n}" if rng.random() < 0.8 else "call_same" for n in range(rng.randint(1, 3))]
            number += len(ids)
            messages.append(assistant(rng.choice([None, "hm"]), *ids))
            messages += [answer(each, rng.choice(["ok", "", INTERRUPTED])) for each in ids]
        messages.append(assistant("Done."))
    return messages


def _damaged(messages: list[Any], rng: random.Random) -> list[Any]:
    for _ in range(rng.randint(1, 6)):
        if not messages:
            break
        index = rng.randrange(len(messages))
        match rng.randrange(6):
            case 0:
                del messages[index]
            case 1:
                messages.insert(rng.randrange(len(messages) + 1), messages[index])
            case 2:
                other = rng.randrange(len(messages))
                messages[index], messages[other] = messages[other], messages[index]
            case 3:
                rng.shuffle(messages)
            case 4:
                messages = messages[index:]
            case _:
                junk: list[Any] = [
                    None,
                    {},
                    {"role": "tool", "content": "?"},
                    {"role": "assistant", "tool_calls": [{}]},
                ]
                messages.insert(index, rng.choice(junk))
    return messages


@pytest.mark.parametrize("seed", range(10))
def test_repair_is_total_idempotent_and_acceptable_over_10_000_damaged_histories(seed: int) -> None:
    for number in range(1_000):
        rng = random.Random(f"{seed}.{number}")
        damaged = _damaged(list(_conversation(rng)), rng)
        repaired = repair(damaged)
        case = f"seed {seed}.{number}: {damaged}"
        assert openai_problems(repaired) == [], case
        assert anthropic_problems(repaired) == [], case
        assert repair(repaired) == repaired, case
        said = [each for each in damaged if each and each.get("role") == "user"]
        assert [each for each in repaired if each["role"] == "user"] == said, case


@given(st.integers(0, 10_000), st.integers(0, 40))
def test_window_never_splits_a_call_from_its_result(seed: int, limit: int) -> None:
    messages = repair(_conversation(random.Random(seed)))
    kept = window(messages, limit)
    assert len(kept) <= limit
    assert kept == messages[len(messages) - len(kept) :]
    assert openai_problems(kept) == []
    if any(message["role"] == "user" for message in messages[len(messages) - limit :]) and limit:
        assert kept[0]["role"] == "user"


@pytest.mark.parametrize(
    ("limit", "count"), [(-1, 0), (0, 0), (1, 1), (2, 2), (3, 2), (4, 4), (5, 5), (8, 5), (9, 9), (99, 10)]
)
def test_window_begins_with_a_person_or_behind_a_whole_batch(limit: int, count: int) -> None:
    messages = [
        USER,
        *(USER, assistant(None, "a", "b"), answer("a"), answer("b")),
        *(USER, assistant("x", "c"), answer("c"), assistant("Done."), assistant("More.")),
    ]
    assert len(window(messages, limit)) == count


def test_history_is_sound_from_the_beginning_and_grows() -> None:
    history = History([USER, assistant(None, "a")])
    assert history.messages[-1]["content"] == INTERRUPTED
    history.extend(iter([assistant(None, "b"), answer("b")]))
    assert history.call_ids == {"a", "b"}
    assert len(history.messages) == 5


def test_trimmed_history_forgets_whole_turns() -> None:
    history = History([USER, assistant(None, "a"), answer("a"), USER, assistant("Done.")])
    history.trim(4)
    assert (history.messages, history.call_ids) == ([USER, assistant("Done.")], set())
    history.trim(10)
    assert len(history.messages) == 2


def test_agent_message_exports_what_is_not_empty() -> None:
    message = AgentMessage("assistant", tool_calls=[{"id": "a"}], metadata={"n": 1})
    assert message.to_dict() == {"role": "assistant", "tool_calls": [{"id": "a"}]}
    full = AgentMessage("tool", "ok", tool_call_id="a", name="pick")
    assert full.to_dict() == {"role": "tool", "content": "ok", "tool_call_id": "a", "name": "pick"}


def test_agent_message_is_read_from_its_dict() -> None:
    data = {"role": "tool", "content": "ok", "tool_call_id": "a", "name": "pick", "tool_calls": None}
    assert AgentMessage.from_dict(data) == AgentMessage("tool", "ok", [], "a", "pick")
    with pytest.raises(KeyError, match="role"):
        AgentMessage.from_dict({"content": "x"})


def test_agent_message_is_accepted_in_a_history() -> None:
    assert repair([AgentMessage("user", "hi", metadata={"n": 1})]) == [USER]
    assert as_wire(AgentMessage("user", "hi")) == USER


@pytest.mark.parametrize(
    ("content", "text"),
    [("hi", "hi"), (None, ""), ({"text": "x"}, ""), ([{"text": "a"}, "b", {"type": "image"}, 5, {"text": 5}], "ab")],
)
def test_text_of_any_content(content: object, text: str) -> None:
    assert text_of(content) == text


@pytest.mark.parametrize("seed", range(10))
def test_history_is_called_sound_only_if_repair_would_change_nothing(seed: int) -> None:
    rng = random.Random(seed)
    told_sound = 0
    for _ in range(200):
        messages = _conversation(rng)
        assert is_sound(json.loads(json.dumps(repair(messages))))
        damaged = _damaged(messages, rng)
        if is_sound(damaged):
            told_sound += 1
            assert repair(damaged) == damaged
    assert told_sound < 200


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user"},
        {"role": "user", "content": "nul \x00"},
        {"role": "user", "content": "half \ud800"},
        {"role": "owner", "content": "hi"},
        {"role": "assistant", "content": " "},
        {"role": "tool", "content": "late", "tool_call_id": "a", "name": "save"},
        {"role": "user", "content": "hi", "metadata": {}},
        "hi",
        assistant(None, "a"),
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "name": "save", "arguments": "{}"}]},
    ],
)
def test_history_with_this_message_is_not_sound(message: Any) -> None:
    assert not is_sound([{"role": "user", "content": "hi"}, message])
