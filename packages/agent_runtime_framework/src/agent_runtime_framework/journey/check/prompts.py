"""Is the model told something in every step, and only what exists?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from string import Template
from typing import Any, cast

from agent_runtime_framework.journey.check.finding import ERROR, WARNING, Finding, Findings
from agent_runtime_framework.journey.check.forms import fields_of
from agent_runtime_framework.journey.definition import Source, StepDefinition
from agent_runtime_framework.journey.form import Form
from agent_runtime_framework.journey.source import Reading
from agent_runtime_framework.journey.source.code import is_authors
from agent_runtime_framework.journey.source.places import Places

_LEFT_OVER = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_BRACES = re.compile(r"(?<!\{)\{([A-Za-z_]\w*)\}(?!\})")
_CALLABLE_WORD = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")


def find(reading: Reading) -> Findings:
    """All of it."""
    for step in reading.definition.steps.values():
        yield from _missing(reading, step)
        yield from (_in_long_form if reading.is_long_form else _in_short_form)(reading, step)
        yield from _named_tools(reading, step)
    if reading.is_long_form:
        yield from _unknown_steps(reading)
    elif "$" in reading.definition.persona:
        yield from _persona(reading)


def _place(reading: Reading, step: StepDefinition) -> Source | None:
    prompt = reading.prompts.get(step.name)
    return prompt.source if prompt else step.source


def _texts(reading: Reading, step: StepDefinition) -> tuple[str, ...]:
    if reading.is_long_form:
        return reading.prompts[step.name].texts
    return tuple(text for text in (step.prompt, step.say) if text)


def _missing(reading: Reading, step: StepDefinition) -> Findings:
    if (
        not step.speaks
        or step.is_final
        or step.collect is not None
        or any(each.strip() for each in _texts(reading, step))
    ):
        return
    if any(note.code in ("missing-prompt", "unknown-name", "prompt-fails") for note in reading.notes):
        # Why there is no text was told already.
        return
    yield Finding(
        code="missing-prompt",
        severity=ERROR if reading.is_long_form else WARNING,
        message=f"the model is not told what to do in `{step.name}`",
        hint="give the step a prompt",
        source=_place(reading, step),
        step=step.name,
    )


def _in_short_form(reading: Reading, step: StepDefinition) -> Iterator[Finding]:
    fields = (*reading.definition.fields, "recap", *_properties(reading.owner), *_answers(reading))
    for text in (*_texts(reading, step), *_in_silence(step)):
        for name in Template(text).get_identifiers():
            if name not in fields:
                yield _unknown(step, f"${name}", name, fields, step.source)
        for name in _BRACES.findall(text):
            if name in fields:
                yield Finding(
                    code="braces",
                    severity=WARNING,
                    message=f"`{step.name}` writes {{{name}}}, which stays as it is",
                    hint=f"a field's value is written ${name}",
                    source=step.source,
                    step=step.name,
                )


def _in_silence(step: StepDefinition) -> Iterator[str]:
    return (text for rule in step.on_idle for text in (rule.say, rule.tell) if text)


def _properties(owner: type) -> list[str]:
    """The properties an author wrote; a template may name them like fields."""
    return [
        name
        for base in owner.__mro__
        for name, value in vars(base).items()
        if isinstance(value, property) and value.fget is not None and is_authors(value.fget)
    ]


def _answers(reading: Reading) -> list[str]:
    """What the journey's forms ask for; a template may name it, too."""
    forms: list[Form[Any]] = [each.collect for each in reading.definition.steps.values() if each.collect is not None]
    return [field.name for form in forms for field in fields_of(form)]


def _in_long_form(reading: Reading, step: StepDefinition) -> Iterator[Finding]:
    fields = reading.definition.fields
    left = dict.fromkeys(name for text in _texts(reading, step) for name in _LEFT_OVER.findall(text))
    for name in left:
        yield _unknown(step, f"${name}", name, fields, _place(reading, step))
    braces: dict[str, None] = dict.fromkeys(name for text in _texts(reading, step) for name in _BRACES.findall(text))
    for name in braces:
        # Braces may be meant literally; those that hold a field's name, or nearly so, are not.
        if difflib.get_close_matches(name, fields, n=1, cutoff=0.75):
            yield _unknown(step, f"{{{name}}}", name, fields, _place(reading, step))


def _unknown(step: StepDefinition, written: str, name: str, fields: tuple[str, ...], source: Source | None) -> Finding:
    close = difflib.get_close_matches(name, fields, n=1)
    known = f"the fields are: {', '.join(fields)}" if fields else "there are no fields"
    hint = f"did you mean {close[0]}?" if close and close[0] != name else known
    if name in fields:
        hint = "the prompt is handed on unfilled; fill it with .format(...), an f-string, or a PromptTemplate"
    return Finding(
        code="unknown-name",
        severity=ERROR,
        message=f"the model reads {written} in `{step.name}` as it is written, because nothing fills it",
        hint=hint,
        source=source,
        step=step.name,
    )


def _named_tools(reading: Reading, step: StepDefinition) -> Iterator[Finding]:
    """Tools that a prompt speaks of, and that its step does not offer."""
    here = {schema.name for schema in reading.offers.get(step.name, ())}
    everywhere = {schema.name for offered in reading.offers.values() for schema in offered}
    own = {*reading.definition.fields, *reading.definition.steps}
    words: dict[str, None] = dict.fromkeys(
        word for text in _texts(reading, step) for word in _CALLABLE_WORD.findall(text)
    )
    for word in words:
        if word in here or word in own:
            continue
        close = difflib.get_close_matches(word, everywhere, n=1, cutoff=0.85)
        if not close:
            continue
        hint = (
            f"did you mean {close[0]}?"
            if close[0] in here
            else f"offer {close[0]} in `{step.name}`, or drop the sentence"
        )
        yield Finding(
            code="prompt-names-tool",
            severity=WARNING,
            message=f"the prompt of `{step.name}` speaks of {word}, which is not offered there",
            hint=hint,
            source=_place(reading, step),
            step=step.name,
            tool=word,
        )


def _unknown_steps(reading: Reading) -> Iterator[Finding]:
    step_type = cast("Any", type(reading.agent.get_initial_state().step))
    known: set[str] = {*reading.definition.steps, *getattr(step_type, "__members__", ())}
    for key in Places([reading.owner, reading.tools, reading.state]).prompt_keys():
        if key.step is None or key.step in known:
            continue
        close = difflib.get_close_matches(key.step, known, n=1)
        yield Finding(
            code="prompt-for-no-step",
            severity=WARNING,
            message=f"there is a prompt for {key.text}, which is no step",
            hint=f"did you mean {close[0]}?" if close else "take it out, or declare the step",
            source=key.source,
        )


def _persona(reading: Reading) -> Iterator[Finding]:
    names = [name for name in _LEFT_OVER.findall(reading.definition.persona) if name in reading.definition.fields]
    for name in names:
        yield Finding(
            code="persona",
            severity=WARNING,
            message=f"the docstring writes ${name}, but it is the same in every turn and filled with nothing",
            hint="write it in the prompt of a step, or where a tool returns text",
            source=reading.definition.source,
        )
