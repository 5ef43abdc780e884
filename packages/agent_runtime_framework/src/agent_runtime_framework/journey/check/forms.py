"""Does every form that a step is ask for what can be asked, when it can be, and end with a model that is valid?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from string import Template
from typing import Any

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.ask import FormField
from agent_runtime_framework.journey.check.conditions import Tried, try_out
from agent_runtime_framework.journey.check.finding import ERROR, WARNING, Finding, Findings, Severity
from agent_runtime_framework.journey.definition import Source, StepDefinition
from agent_runtime_framework.journey.form import Form
from agent_runtime_framework.journey.mistakes import source_in_class
from agent_runtime_framework.journey.source import Reading
from agent_runtime_framework.journey.wording import languages

_WORD = re.compile(r"[^\W\d_]{3,}")
_PLAIN_ITEMS = frozenset({"string", "integer", "number", "boolean"})


def find(reading: Reading) -> Findings:
    """All of it."""
    for step in reading.definition.steps.values():
        if step.collect is not None:
            yield from _Checked(step, step.collect).find()


def fields_of(form: Form[Any]) -> Sequence[FormField]:
    """The questions of a form; none where it cannot tell them, which is a finding of its own."""
    try:
        return form.fields
    except ConfigurationError:
        return ()


class _Checked:
    """One form, as the step it is."""

    def __init__(self, step: StepDefinition, form: Form[Any]) -> None:
        self._step = step
        self._form = form
        self._model: type = form.model

    def find(self) -> Findings:
        if self._form.language not in languages():
            known = ", ".join(languages())
            message = f"the form of `{self._step.name}` has no words for language {self._form.language!r}"
            yield self._finding("form-language", ERROR, message, f"it speaks: {known}", self._step.source)
            return
        try:
            fields = self._form.fields
        except ConfigurationError as error:
            yield self._broken(str(error))
            return
        for each in fields:
            yield from self._question(each)
            yield from self._condition(each)
            yield from self._values(each)
        yield from self._circles(fields)

    def _broken(self, text: str) -> Finding:
        named = re.search(rf"{re.escape(self._model.__name__)}\.(\w+)|calls '(\w+)'", text)
        place = self._place((named[1] or named[2]) if named else "")
        message, _, hint = text.partition("; ")
        return self._finding("form", ERROR, message, hint, place)

    def _question(self, field: FormField) -> Findings:
        asked = field.ask.prompt
        if not asked and not field.schema.get("description") and not field.is_gate and not _WORD.search(field.label):
            yield self._about(
                field,
                "missing-prompt",
                WARNING,
                f"nobody can tell what to answer when asked for {field.label!r}",
                'say what is asked: Annotated[..., Ask(prompt="...")], or give the field a title',
            )
        if not field.is_gate and not _is_sayable(field.schema):
            yield self._about(
                field,
                "unaskable",
                ERROR,
                f"nobody can say the value of {field.name!r} in a conversation: it is {_kind(field.schema)}",
                "use a nested model, a list of plain values, or give it a default and leave it out of the form",
            )
        for name in Template(asked).get_identifiers():
            if name in self._form.by_name:
                yield self._about(
                    field,
                    "unknown-name",
                    ERROR,
                    f"the person reads ${name} in the question for {field.name!r} as it is written",
                    "the prompt of a field is no template; word it without the answer",
                )

    def _condition(self, field: FormField) -> Findings:
        when = field.ask.when
        if when is None:
            return
        tried = try_out(when)
        yield from self._names(field, tried)
        if tried.error is not None and not tried.outcomes:
            text = f"when= of {field.name!r} always fails with {type(tried.error).__name__}: {tried.error!s:.100}"
            yield self._about(field, "when-fails", ERROR, text, "let it answer for answers of any kind, None included")
        elif tried.is_whole and tried.error is None and tried.outcomes == {False}:
            text = f"{field.name!r} is never asked: its when= is never true"
            yield self._about(field, "never-asked", WARNING, text, "correct the condition, or drop the field")
        if field.is_required and not field.is_gate and False in tried.outcomes:
            yield self._about(
                field,
                "when-required",
                ERROR,
                f"{field.name!r} is needed by {self._model.__name__}, but is left out where its when= is not true",
                "give it a default; the form cannot end without it otherwise",
            )

    def _names(self, field: FormField, tried: Tried) -> Findings:
        known = self._form.by_name
        for name in tried.names:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"the fields are: {', '.join(known)}"
                text = f"when= of {field.name!r} reads {name!r}, which is no field"
                yield self._about(field, "when-unknown", ERROR, text, hint)
            elif name == field.name:
                text = f"when= of {field.name!r} reads its own answer, so it is never asked"
                yield self._about(field, "when-unknown", ERROR, text, "let it read an earlier one")
        for name, values in tried.compared.items():
            choices = known[name].choices if name in known else ()
            for value in values:
                plain = getattr(value, "value", value)
                if choices and plain is not None and plain not in choices:
                    close = difflib.get_close_matches(str(plain), map(str, choices), n=1)
                    hint = f"did you mean {close[0]!r}?" if close else f"it is one of: {', '.join(map(str, choices))}"
                    text = f"when= of {field.name!r} compares {name!r} with {plain!r}, which it never is"
                    yield self._about(field, "when-never", ERROR, text, hint)

    def _values(self, field: FormField) -> Findings:
        """What the author wrote as a value of the field: its default, and the example of an answer."""
        if field.is_gate:
            return
        default = self._default_of(field)
        if default is not None:
            problem = _problem(field, default)
            if problem:
                yield self._about(
                    field,
                    "form-default",
                    ERROR,
                    f"the default of {field.name!r}, {default!r:.60}, is no value of it: {problem}",
                    "give it a default that fits, or `| None = None`",
                )
        example = field.ask.example
        if example and self._form.checker.check(field, example, {})[1] is not None:
            yield self._about(
                field,
                "form-example",
                WARNING,
                f"the example for {field.name!r}, {example!r:.60}, would be refused as an answer",
                "show one that would be taken",
            )

    def _default_of(self, field: FormField) -> Any:
        if field.is_required or len(field.path) > 1:
            return None
        info = next((info for name, info in self._form.model.model_fields.items() if name == field.name), None)
        return None if info is None or info.default_factory is not None else info.default

    def _circles(self, fields: Sequence[FormField]) -> Iterator[Finding]:
        sources = {each.name: each.sources for each in fields}
        for each in fields:
            way = _way_back(each.name, sources)
            if way and min(way, key=list(sources).index) == each.name:
                text = f"{each.name!r} depends on itself: {' -> '.join((*way, each.name))}"
                hint = "drop one of these; a change of either would drop the other"
                yield self._about(each, "form-circle", WARNING, text, hint)

    def _about(self, field: FormField, code: str, severity: Severity, message: str, hint: str) -> Finding:
        return self._finding(code, severity, message, hint, self._place(field.path[0]))

    def _finding(self, code: str, severity: Severity, message: str, hint: str, source: Source | None) -> Finding:
        return Finding(code=code, severity=severity, message=message, hint=hint, source=source, step=self._step.name)

    def _place(self, name: str) -> Source | None:
        return source_in_class(self._model, name) or self._step.source


def _is_sayable(schema: Any) -> bool:
    """True if a person can say such a value: a plain one, or a list of these."""
    if "enum" in schema or "const" in schema or "format" in schema or "pattern" in schema:
        return True
    if "anyOf" in schema or "oneOf" in schema:
        return any(_is_sayable(each) for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())))
    if "$ref" in schema:
        return _is_sayable(schema.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {"type": "string"}))
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items", {})
        return "$ref" in items or "enum" in items or items.get("type", "string") in _PLAIN_ITEMS
    return kind in _PLAIN_ITEMS


def _kind(schema: Any) -> str:
    return {"array": "a list of objects", "object": "an object"}.get(str(schema.get("type")), "no plain value")


def _problem(field: FormField, value: Any) -> str:
    """Why a value is none of the field's; empty if it is."""
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(field.adapter_for).validate_python(value)
    except ValidationError as error:
        message = str(error.errors(include_url=False)[0]["msg"])
        return f"{message[:1].lower()}{message[1:]}"
    return ""


def _way_back(name: str, sources: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The way along `depends_on` from a field to itself; empty if there is none."""
    ways: list[tuple[str, ...]] = [(name,)]
    while ways:
        way = ways.pop()
        for each in sources.get(way[-1], ()):
            if each == name:
                return way
            if each not in way:
                ways.append((*way, each))
    return ()
