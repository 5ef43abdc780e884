"""Whether answers fit a model: one by one with the field's own validators, at the end with those across fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey.ask import FormField

if TYPE_CHECKING:
    from pydantic import BaseModel, TypeAdapter

_TOLD_BY_AUTHOR = ("value_error", "assertion_error")
"""Types of errors whose text an author wrote, for a person."""

_LIMITS = {
    "greater_than_equal": ("minimum", "ge"),
    "greater_than": ("exclusiveMinimum", "gt"),
    "less_than_equal": ("maximum", "le"),
    "less_than": ("exclusiveMaximum", "lt"),
    "multiple_of": ("multipleOf", "multiple_of"),
    "string_too_short": ("minLength", "min_length"),
    "string_too_long": ("maxLength", "max_length"),
    "string_pattern_mismatch": ("pattern", "pattern"),
}
"""Types of errors at a limit, with the keyword of JSON Schema that says it and where the error keeps the limit."""

_NO_SUCH_VALUE = ("_parsing", "_type", "literal_error", "enum", "_from_datetime_inexact", "_pattern_mismatch")
"""Ends of the types of errors that mean: this is no value of that kind at all."""


class Answers(dict[str, Any]):
    """The answers so far by name; one that is not there yet is None."""

    def __missing__(self, name: str) -> None:
        return None


class Checker:
    """Holds answers against a model.

    Args:
        model: The model.
        fields: Its questions.
        language: Of the reasons it gives.
    """

    def __init__(self, model: type[BaseModel], fields: Sequence[FormField], language: str) -> None:
        self._model = model
        self._fields = {each.name: each for each in fields}
        self._language = language

    def check(self, field: FormField, value: Any, answers: Mapping[str, Any]) -> tuple[Any, str | None]:
        """The answer as JSON, and why it does not fit; None if it does."""
        reason: str | None = None
        for candidate in self._readings(field, value):
            fitting, reason = self.fits(field, candidate, answers)
            if reason is None:
                return fitting, None
        return None, reason

    def whole(self, answers: Mapping[str, Any], newest: Sequence[str]) -> tuple[str, str] | None:
        """What the whole model objects to: the field to ask again, and the reason; None if all is well."""
        errors = self._errors(answers, is_complete=True)
        if not errors:
            return None
        error = errors[0]
        reason = self._reason(error, None)
        return self._blamed(error, answers, newest), reason

    def values(self, answers: Mapping[str, Any]) -> Answers:
        """The answers as the Python values of their fields."""
        return Answers({name: self._value(name, each) for name, each in answers.items() if name in self._fields})

    def nested(self, answers: Mapping[str, Any]) -> JSONObject:
        """The answers as the model's input."""
        data: JSONObject = {}
        for name, value in answers.items():
            field = self._fields[name]
            if field.is_gate:
                continue
            place = data
            for key in field.path[:-1]:
                place = place.setdefault(key, {})
            place[field.path[-1]] = value
        return data

    def _readings(self, field: FormField, value: Any) -> list[Any]:
        """The value as it came, and what a text may mean: models write dates and numbers as people say them."""
        from agent_runtime_core.llm.offline import find_value

        if not isinstance(value, str):
            return [value]
        found = find_value(field.schema, field.name, value, question=field.label, language=self._language)
        if field.choices:
            return [value, *([found] if found is not None else [])]
        meant = field.schema.get("type") != "string" or "format" in field.schema or "pattern" in field.schema
        return [value.strip(), *([found] if meant and found is not None and found != value.strip() else [])]

    def fits(self, field: FormField, value: Any, answers: Mapping[str, Any]) -> tuple[Any, str | None]:
        """The same as `check`, of the value just as it is."""
        from pydantic import ValidationError

        adapter = self._adapters[field.name]
        try:
            fitting = _as_json(adapter, adapter.validate_json(json.dumps(value)))
        except ValidationError as error:
            return None, self._reason(error.errors(include_url=False)[0], field)
        errors = self._errors({**answers, field.name: fitting})
        own = [each for each in errors if _is_at(each, field.path)]
        return fitting, self._reason(own[0], field) if own else None

    def _errors(self, answers: Mapping[str, Any], *, is_complete: bool = False) -> list[Any]:
        from pydantic import ValidationError

        try:
            self._model.model_validate_json(json.dumps(self.nested(answers)))
        except ValidationError as error:
            return list(error.errors(include_url=False))
        except Exception:
            if is_complete:
                raise
            # A validator of the whole model that stumbles over what is not there yet has nothing to say so far.
        return []

    def _blamed(self, error: Any, answers: Mapping[str, Any], newest: Sequence[str]) -> str:
        """The field an error is about: the one it stands at, else one it names, else the newest answer."""
        for name, field in self._fields.items():
            if error["loc"] and _is_at(error, field.path):
                return name
        text = str(error["msg"]).casefold()
        here = [name for name in newest if name in answers]
        named = [name for name in (*here, *reversed(list(answers))) if self._is_named(name, text)]
        return next(iter([*named, *reversed(here), *reversed(list(answers))]))

    def _is_named(self, name: str, text: str) -> bool:
        field = self._fields[name]
        return not field.is_gate and (name.casefold() in text or field.label.casefold() in text)

    def _reason(self, error: Any, field: FormField | None) -> str:
        """Why, in words for the person: the author's own where there are any."""
        message = str(error["msg"])
        if error["type"] in _TOLD_BY_AUTHOR:
            return _sentence(message.partition(", ")[2] or message)
        from agent_runtime_core.llm.offline import objection

        kind = str(error["type"])
        if field is None:
            return _sentence(message)
        if kind in _LIMITS and not (kind == "string_pattern_mismatch" and "format" in field.schema):
            keyword, where = _LIMITS[kind]
            limit = (keyword, error["ctx"][where])
            return objection(field.schema, field.name, limit=limit, language=self._language)
        if kind.endswith(_NO_SUCH_VALUE):
            return objection(field.schema, field.name, language=self._language)
        return _sentence(message.replace("Input should", "It should"))

    def _value(self, name: str, answer: Any) -> Any:
        from pydantic import ValidationError

        try:
            return self._adapters[name].validate_json(json.dumps(answer))
        except ValidationError:
            return answer

    @cached_property
    def _adapters(self) -> Mapping[str, TypeAdapter[Any]]:
        from pydantic import TypeAdapter

        return {name: TypeAdapter(bool if field.is_gate else field.adapter_for) for name, field in self._fields.items()}


def _as_json(adapter: TypeAdapter[Any], value: Any) -> Any:
    reveal = getattr(value, "get_secret_value", None)
    if callable(reveal):
        hidden = reveal()
        return hidden.decode() if isinstance(hidden, bytes) else hidden
    return adapter.dump_python(value, mode="json")


def _is_at(error: Any, path: tuple[str, ...]) -> bool:
    location = tuple(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return False
    return location[: len(path)] == path or (bool(location) and path[: len(location)] == location)


def _sentence(text: str) -> str:
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text[-1:] in ".!?" else f"{text}."
