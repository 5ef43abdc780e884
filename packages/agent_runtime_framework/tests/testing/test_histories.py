"""The strict validators object to what providers object to."""

from typing import Any

import pytest

from agent_runtime_framework.testing import anthropic_problems, openai_problems

USER = {"role": "user", "content": "hi"}


def made(call_id: Any = "a", name: Any = "pick", arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call], **more}


def answer(call_id: str = "a") -> dict[str, Any]:
    return {"role": "tool", "content": "ok", "tool_call_id": call_id}


def test_sound_history_has_no_problems() -> None:
    history = [{"role": "system", "content": "x"}, USER, made(), answer(), {"role": "assistant", "content": "Done."}]
    assert openai_problems(history) == anthropic_problems(history) == []


OPENAI: dict[str, list[dict[str, Any]]] = {
    "role": [{"role": "robot", "content": "x"}],
    "with": [{**USER, "metadata": {}}],
    "content": [{"role": "user", "content": None}],
    "assistant message with the content": [{"role": "assistant", "content": 5}],
    "says nothing": [{"role": "assistant", "content": ""}],
    "tool_calls are": [{"role": "assistant", "content": "x", "tool_calls": []}],
    "call id": [made("a b"), answer("a b")],
    "function name": [made(name="pick it"), answer()],
    "arguments": [made(arguments="[1]"), answer()],
    "arguments '{": [made(arguments='{"a": NaN}'), answer()],
    "call {": [made(call_id=5), answer("5")],
    "nothing waits": [USER, answer()],
    "not answered yet": [made(), USER],
    "never answered": [made()],
    "repeated": [made(), answer(), made(), answer()],
    "UTF-8": [{"role": "user", "content": "\ud800"}],
    "NUL": [{"role": "user", "content": "\x00"}],
}


@pytest.mark.parametrize("problem", OPENAI)
def test_chat_completions_problem_is_found(problem: str) -> None:
    assert any(problem in found for found in openai_problems(OPENAI[problem]))


def test_backslashes_are_no_nul() -> None:
    assert openai_problems([{"role": "user", "content": "\\u0000"}]) == []


ANTHROPIC: dict[str, list[dict[str, Any]]] = {
    "unsound id": [USER, made("a b"), answer("a b")],
    "repeated": [USER, made(), answer(), made(), answer()],
    "a text before a result": [USER, made(), USER, answer()],
}


@pytest.mark.parametrize("problem", ANTHROPIC)
def test_anthropic_problem_is_found(problem: str) -> None:
    assert any(problem in found for found in anthropic_problems(ANTHROPIC[problem]))


def test_blank_text_of_a_person_is_sent_as_something_anthropic_takes() -> None:
    # The validator refuses blank texts, so this fails as soon as the client's conversion lets one through.
    assert anthropic_problems([{"role": "user", "content": " "}]) == []
