"""Answers to a form that were not said but filled in, on a page or by a program: a block of a message's content.

    {"type": "answers", "values": {"name": "Ada", "age": 36}, "confirm": true}

The form takes them as the person's own words, all at once and without a model; what is stored of the message is text,
sensitive answers masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey.form import MASK, Form, masked
from agent_runtime_framework.journey.wording import told

TYPE = "answers"
_MOST_SHOWN = 200


class Answers(NamedTuple):
    """What was filled in.

    Attributes:
        values: Answers by field; None declines an optional question.
        confirm: True if the person agrees to all of the form with them.
    """

    values: Mapping[str, Any]
    confirm: bool = False

    def content(self) -> list[JSONObject]:
        """The content of a message that brings them."""
        return [{"type": TYPE, "values": dict(self.values), "confirm": self.confirm}]


def answers_in(message: Mapping[str, Any]) -> Answers | None:
    """The answers a message brings; None if it is an ordinary one."""
    content = message.get("content")
    for block in cast("list[object]", content) if isinstance(content, list) else ():
        if isinstance(block, dict) and cast("JSONObject", block).get("type") == TYPE:
            found = cast("JSONObject", block)
            return Answers(found.get("values") or {}, bool(found.get("confirm")))
    return None


def in_words(answers: Answers, form: Form[Any] | None) -> str:
    """The same as the person might have said it; without the form, nothing of it can be told."""
    if form is None:
        return f"({', '.join(answers.values)}: {MASK})" if answers.values else f"({MASK})"
    known = ((form.by_name[name], value) for name, value in answers.values.items() if name in form.by_name)
    lines = [f"{each.label[:1].upper()}{each.label[1:]}: {_shown(form, each.name, value)}" for each, value in known]
    return "\n".join([*lines, *(["OK."] if answers.confirm else [])]) or "OK."


def without_answers(messages: Iterable[JSONObject]) -> list[JSONObject]:
    """The messages with words in the place of answers that no form waits for any more."""
    return [
        each if (found := answers_in(each)) is None else {**each, "content": in_words(found, None)} for each in messages
    ]


def _shown(form: Form[Any], name: str, value: Any) -> str:
    field = form.by_name[name]
    if value is None:
        return "-"
    shown = masked(field, value)
    try:
        return told(field, shown, form.language)[:_MOST_SHOWN]
    except (TypeError, ValueError, AttributeError, KeyError):
        # It is no answer to this question, and the form says so.
        return MASK if field.is_sensitive else str(shown)[:_MOST_SHOWN]
