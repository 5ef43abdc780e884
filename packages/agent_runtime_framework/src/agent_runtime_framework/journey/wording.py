"""What a form says, in words: its questions, why an answer was refused, and what it has, for the person to confirm.

The words are in `form_words.json`, one entry per language; questions and objections by kind of answer are those of the
offline model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.ask import FormField

if TYPE_CHECKING:
    from agent_runtime_framework.journey.form import Form, Question

EXAMPLE_FROM = 2
"""From this attempt on, a question comes with an example or the choices."""


def languages() -> tuple[str, ...]:
    """The languages a form has words of."""
    return tuple(_words())


def word(language: str, key: str, **values: object) -> str:
    """A sentence of the form's own, filled once.

    Raises:
        ConfigurationError: There are no words of that language.
    """
    table = _words().get(language)
    if table is None:
        raise ConfigurationError(f"a form has no words for language {language!r}; it speaks: {', '.join(_words())}")
    text = table[key]
    for part in _pieces(text):
        if part in values:
            text = text.replace("{" + part + "}", "\x00" + part + "\x00")
    for part, value in values.items():
        text = text.replace("\x00" + part + "\x00", str(value))
    return text


def ask(form: Form[Any], question: Question) -> str:
    """The next question, with the reason why it is asked again."""
    field, language = question.field, form.language
    if question.kind != "open":
        return word(
            language, question.kind, label=_of_person(field, language), value=told(field, question.value, language)
        )
    text = plain_question(form, field)
    if not field.is_required and not field.is_gate and question.attempt == 0:
        text = word(language, "optional", question=text)
    if not question.reason:
        return text
    if question.attempt >= EXAMPLE_FROM and field.choices:
        choices = ", ".join(told(field, each, language) for each in field.choices)
        return word(language, "choices", reason=question.reason, choices=choices)
    example = field.ask.example or _example(field)
    if question.attempt >= EXAMPLE_FROM and example and example not in question.reason:
        return word(language, "example", reason=question.reason, example=example, question=text)
    return word(language, "reason", reason=question.reason, question=text)


def plain_question(form: Form[Any], field: FormField) -> str:
    """The question for a field: the author's, else one from its name, description and kind."""
    if field.ask.prompt:
        return field.ask.prompt
    if field.is_gate:
        return word(form.language, "group", label=_of_person(field, form.language))
    from agent_runtime_core.llm.offline import question

    schema = dict(field.schema)
    is_plain_name = field.label == field.name.replace("_", " ") and form.language != "en"
    if not schema.get("description") and not field.choices and not field.is_flag and not is_plain_name:
        schema["description"] = word(form.language, "your", label=field.label)
    return question(schema, field.name, language=form.language)


def summary(form: Form[Any], progress: Mapping[str, Any]) -> str:
    """All answers, and the question whether they are right."""
    language = form.language
    lines = [
        word(language, "line", label=_title(field), value=told(field, value, language))
        for field, value in form.shown(dict(progress))
    ]
    return "\n".join([word(language, "summary"), *lines, word(language, "confirm")])


def told(field: FormField, value: Any, language: str) -> str:
    """An answer as a person reads it."""
    if isinstance(value, bool):
        return word(language, "yes" if value else "no")
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, list):
        return ", ".join(told(field, each, language) for each in value)  # pyright: ignore[reportUnknownVariableType]
    if field.choices and isinstance(value, str):
        return value.replace("_", " ")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _title(field: FormField) -> str:
    return field.label[:1].upper() + field.label[1:]


def _of_person(field: FormField, language: str) -> str:
    return word(language, "your", label=field.label) if language == "en" else _title(field)


def _example(field: FormField) -> str:
    examples = field.schema.get("examples")
    return str(examples[0]) if isinstance(examples, list) and examples else ""  # pyright: ignore[reportUnknownArgumentType]


def _pieces(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    return json.loads(Path(__file__).with_name("form_words.json").read_text(encoding="utf-8"))
