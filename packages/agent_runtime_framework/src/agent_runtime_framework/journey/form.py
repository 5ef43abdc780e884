"""A form: what is known, what is next, what an answer changes. All of it code, on plain JSON, without a model request.

Rules:
    - Answers come one or several at a time, from a message, a page or a program; each is accepted, or refused with a
      reason, by itself. What Pydantic says of the whole model is heard once nothing is open; it reopens a field.
    - The next question is the earliest open one. An optional one is asked once.
    - A changed answer drops, or puts up for confirmation, the fields that depend on it, and those that depend on
      these; nothing else.
    - A value that the person never said is questioned, not saved; said again, or agreed to, it counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.ask import FormField, fields_of
from agent_runtime_framework.journey.checking import Checker

if TYPE_CHECKING:
    from pydantic import BaseModel

    ModelT = TypeVar("ModelT", bound=BaseModel)
else:
    ModelT = TypeVar("ModelT")

MASK = "•••"
"""What stands for a sensitive answer."""

MOST_ASKS_OF_OPTIONAL = 2
"""How many turns an optional question may stay open once it was asked; the second is for what came in between."""

Heard: TypeAlias = Callable[[FormField, Any], bool]
"""Whether the person said something that can mean this value of this field."""

Progress: TypeAlias = JSONObject
"""How far a form is, as JSON; `{}` is the beginning.

`answers` by field, `declined` fields, `doubtful` values by field with the turn that brought them, `stale` answers that
may no longer hold, `reasons` why the last answer to a field was refused, `asks` per field, and `confirmed`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of answers.

    Attributes:
        accepted: The fields that have their answer now.
        changed: Those among them that had another one before.
        rejected: Why others have not, by field.
        questioned: Values that nobody said, by field.
        cleared: Fields whose answer was dropped because another one changed.
        stale: Fields whose answer has to be confirmed because another one changed.
    """

    accepted: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    rejected: Mapping[str, str] = field(default_factory=dict[str, str])
    questioned: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cleared: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask next.

    Attributes:
        field: The field.
        kind: "open" asks for it, "doubtful" whether a value that nobody said is meant, "stale" whether an answer
            still holds.
        value: The value in question, for the latter two.
        reason: Why the last answer was refused.
        attempt: How often the field was asked before.
    """

    field: FormField
    kind: Literal["open", "doubtful", "stale"] = "open"
    value: Any = None
    reason: str = ""
    attempt: int = 0


class Form(Generic[ModelT]):
    """A Pydantic model as a conversation asks for it.

    Args:
        model: The model.
        title: What it is about, in a few words; by default the model's name.
        language: The language of the questions the form words itself: "en", "de" or "es".
        grounded: Whether values the person never said are questioned.
        confirm: Whether the person confirms all answers at the end.
        wording: "exact" asks in the form's own words, without a model request; "model" lets the model word it.

    Raises:
        ConfigurationError: The model has no fields, or one that cannot be asked for.
    """

    def __init__(
        self,
        model: type[ModelT],
        *,
        title: str = "",
        language: str = "en",
        grounded: bool = True,
        confirm: bool = True,
        wording: Literal["exact", "model"] = "exact",
    ) -> None:
        self.model = model
        self.title = title
        self.language = language
        self.grounded = grounded
        self.confirm = confirm
        self.wording: Literal["exact", "model"] = wording

    @cached_property
    def fields(self) -> tuple[FormField, ...]:
        """All questions, in order."""
        found = fields_of(self.model)
        if not found:
            raise ConfigurationError(f"{self.model.__name__} has no fields; a form needs at least one")
        return found

    @cached_property
    def by_name(self) -> Mapping[str, FormField]:
        """The same by name."""
        return {each.name: each for each in self.fields}

    @cached_property
    def checker(self) -> Checker:
        """Says whether answers fit."""
        return Checker(self.model, self.fields, self.language)

    def applicable(self, progress: Progress) -> list[FormField]:
        """The questions that are to be asked, given the answers so far."""
        answers: JSONObject = progress.get("answers", {})
        known = self.checker.values(answers)
        return [each for each in self.fields if self._applies(each, answers, known)]

    def open_fields(self, progress: Progress) -> list[FormField]:
        """The questions without a usable answer, in order."""
        return [each for each in self.applicable(progress) if self._is_open(each, progress)]

    def next_question(self, progress: Progress) -> Question | None:
        """The earliest open question; None once everything is known."""
        for each in self.applicable(progress):
            name, asks = each.name, progress.get("asks", {}).get(each.name, 0)
            if name in progress.get("stale", ()):
                return Question(field=each, kind="stale", value=progress["answers"][name], attempt=asks)
            if not self._is_open(each, progress):
                continue
            if not each.is_required and asks >= MOST_ASKS_OF_OPTIONAL:
                continue
            reason: str = progress.get("reasons", {}).get(name, "")
            doubtful = progress.get("doubtful", {}).get(name)
            if doubtful is not None and not reason:
                return Question(field=each, kind="doubtful", value=doubtful["value"], attempt=asks)
            return Question(field=each, reason=reason, attempt=asks)
        return None

    def is_filled(self, progress: Progress) -> bool:
        """True once nothing is left to ask."""
        return self.next_question(progress) is None

    def is_complete(self, progress: Progress) -> bool:
        """True once nothing is left to ask and the person, if they have to, has confirmed."""
        return self.is_filled(progress) and (not self.confirm or bool(progress.get("confirmed")))

    def apply(
        self, progress: Progress, values: Mapping[str, Any], *, heard: Heard | None = None, turn: str = ""
    ) -> Outcome:
        """Take answers in; `progress` is changed in place.

        Args:
            progress: How far the form is.
            values: Answers by field, as JSON; None and empty texts say nothing.
            heard: Whether the person said a value; None takes every value as theirs, as from a page.
            turn: Names the turn; a doubtful value counts when a later turn brings it again.
        """
        return _Application(self, progress, heard, turn).run(values)

    def decline(self, progress: Progress, name: str) -> str | None:
        """Skip an optional question; says why not if it cannot be skipped."""
        known = self.by_name.get(name)
        if known is None:
            return f"there is no field {name!r}"
        if known.is_required:
            return f"{known.label} is needed"
        progress.setdefault("answers", {}).pop(name, None)
        for kept in ("doubtful", "reasons"):
            progress.get(kept, {}).pop(name, None)
        progress["declined"] = _with(progress.get("declined", ()), name)
        return None

    def agree(self, progress: Progress) -> None:
        """The person said yes to the question that is next: a doubtful or stale value is theirs, or all of it is."""
        question = self.next_question(progress)
        if question is None:
            progress["confirmed"] = True
        elif question.kind == "stale":
            progress["stale"] = [name for name in progress["stale"] if name != question.field.name]
        elif question.kind == "doubtful":
            self.apply(progress, {question.field.name: question.value})

    def asked(self, progress: Progress, name: str) -> None:
        """Note that a question was put to the person."""
        asks: dict[str, int] = progress.setdefault("asks", {})
        asks[name] = asks.get(name, 0) + 1

    def answers(self, progress: Progress) -> dict[str, Any]:
        """The answers that count, by field, as JSON; those to questions that are no longer asked are left out."""
        found: JSONObject = progress.get("answers", {})
        return {each.name: found[each.name] for each in self.applicable(progress) if each.name in found}

    def shown(self, progress: Progress) -> list[tuple[FormField, Any]]:
        """The answers that count, with their fields; sensitive ones are masked."""
        found = self.answers(progress)
        return [
            (each, masked(each, found[each.name])) for each in self.fields if each.name in found and not each.is_gate
        ]

    def secrets(self, progress: Progress) -> dict[str, Any]:
        """The sensitive answers in clear, by field."""
        found: JSONObject = progress.get("answers", {})
        return {each.name: found[each.name] for each in self.fields if each.is_sensitive and each.name in found}

    def validate(self, progress: Progress) -> ModelT:
        """The model's instance.

        Raises:
            pydantic.ValidationError: Something is missing or does not fit.
        """
        return self.model.model_validate_json(json.dumps(self.checker.nested(self.answers(progress))))

    def json_schema(self, progress: Progress | None = None) -> JSONObject:
        """JSON Schema of the open questions, for a page that shows them as fields; its values go to `apply`."""
        wanted = self.fields if progress is None else self.open_fields(progress)
        return object_schema(wanted, required=[each.name for each in wanted if each.is_required])

    def _is_open(self, each: FormField, progress: Progress) -> bool:
        return each.name not in progress.get("answers", {}) and each.name not in progress.get("declined", ())

    def _applies(self, each: FormField, answers: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
        if each.gate is not None and answers.get(each.gate) is not True:
            return False
        if each.ask.when is None:
            return True
        try:
            return bool(each.ask.when(known))
        except (TypeError, AttributeError) as error:
            if any(name not in answers for name in self.by_name):
                return False  # it compares an answer that is not there yet
            raise ConfigurationError(f"when= of field {each.name!r} failed: {error}") from error


class _Application(Generic[ModelT]):
    """Answers on their way into a form."""

    def __init__(self, form: Form[ModelT], progress: Progress, heard: Heard | None, turn: str) -> None:
        self.form = form
        self.progress = progress
        self.heard = heard
        self.turn = turn
        self.known: dict[str, Any] = progress.setdefault("answers", {})
        self.accepted: list[str] = []
        self.changed: list[str] = []
        self.rejected: dict[str, str] = {}
        self.questioned: dict[str, Any] = {}
        self.cleared: list[str] = []
        self.stale: list[str] = []

    def run(self, values: Mapping[str, Any]) -> Outcome:
        waiting = {name: value for name, value in values.items() if says_something(value)}
        self.rejected |= {name: "there is no such field" for name in waiting if name not in self.form.by_name}
        done = -1
        while waiting and done != len(waiting):
            done = len(waiting)
            # An answer may open the question that another one of the same message belongs to.
            for each in self.form.applicable(self.progress):
                if each.name in waiting:
                    self._take(each, waiting.pop(each.name))
        self._hear_the_whole()
        return Outcome(
            accepted=tuple(self.accepted),
            changed=tuple(name for name in self.changed if name in self.accepted),
            rejected=self.rejected,
            questioned=self.questioned,
            cleared=tuple(name for name in self.cleared if name not in self.known),
            stale=tuple(self.stale),
        )

    def _take(self, each: FormField, value: Any) -> None:
        fitting, reason = self.form.checker.check(each, value, self.form.answers(self.progress))
        if reason is None and self._is_in_doubt(each, fitting):
            self.questioned[each.name] = fitting
            if each.name not in self.known:
                self.progress.setdefault("doubtful", {})[each.name] = {"value": fitting, "turn": self.turn}
            return
        if reason is not None:
            self.rejected[each.name] = reason
            self.progress.setdefault("reasons", {})[each.name] = reason
            return
        self._settle_on(each.name, fitting)

    def _is_in_doubt(self, each: FormField, value: Any) -> bool:
        grounded = self.form.grounded if each.ask.grounded is None else each.ask.grounded
        if self.heard is None or not grounded or each.choices or each.is_flag:
            return False
        before = self.progress.get("doubtful", {}).get(each.name)
        if before is not None and before["value"] == value and before["turn"] != self.turn:
            return False
        return self.known.get(each.name) != value and not self.heard(each, value)

    def _settle_on(self, name: str, value: Any) -> None:
        self.accepted.append(name)
        changed = self.known.get(name, _NOTHING) != value
        was_known = name in self.known
        self.known[name] = value
        for kept in ("doubtful", "reasons"):
            self.progress.get(kept, {}).pop(name, None)
        for kept in ("declined", "stale"):
            if name in self.progress.get(kept, ()):
                self.progress[kept] = [each for each in self.progress[kept] if each != name]
        if changed:
            self.progress.pop("confirmed", None)
            if was_known:
                self.changed.append(name)
                self._let_fall(name, {name})

    def _let_fall(self, changed: str, seen: set[str]) -> None:
        """What depends on a changed answer falls with it, and what depends on that."""
        for each in self.form.fields:
            if changed not in each.sources or each.name in seen or each.name in self.accepted:
                continue
            seen.add(each.name)
            if each.name in self.progress.get("declined", ()):
                self.progress["declined"] = [name for name in self.progress["declined"] if name != each.name]
            self.progress.get("asks", {}).pop(each.name, None)
            if each.name in self.known and each.ask.reconfirm:
                self.progress["stale"] = _with(self.progress.get("stale", ()), each.name)
                self.stale.append(each.name)
                continue
            if self.known.pop(each.name, _NOTHING) is not _NOTHING:
                self.cleared.append(each.name)
            self._let_fall(each.name, seen)

    def _hear_the_whole(self) -> None:
        """Validators across fields are heard once nothing that is needed is open; whom they blame is asked again."""
        if not self.accepted or any(each.is_required for each in self.form.open_fields(self.progress)):
            return
        fault = self.form.checker.whole(self.form.answers(self.progress), self.accepted)
        if fault is None:
            return
        name, reason = fault
        self.known.pop(name, None)
        self.progress.setdefault("reasons", {})[name] = reason
        self.rejected[name] = reason
        self.accepted = [each for each in self.accepted if each != name]


_NOTHING = object()


def says_something(value: Any) -> bool:
    """False for what models send where they know nothing: null, an empty text, a mask."""
    if isinstance(value, str):
        return bool(value.strip()) and MASK not in value
    return value is not None and value != [] and value != {}


def masked(each: FormField, value: Any) -> Any:
    """An answer as it may be shown."""
    if not each.is_sensitive:
        return value
    digits = [char for char in str(value) if char.isalnum()]
    # The last characters help people to recognise a long number, and give a short one away.
    return f"{MASK} {''.join(digits[-4:])}" if len(digits) >= 12 and sum(map(str.isdigit, digits)) >= 8 else MASK


def object_schema(fields: Iterable[FormField], required: Iterable[str] = ()) -> JSONObject:
    """The schema of an object with these fields."""
    definitions: JSONObject = {}
    properties: JSONObject = {}
    for each in fields:
        schema = dict(each.schema)
        definitions |= schema.pop("$defs", {})
        about = " ".join(filter(None, [schema.get("description"), each.ask.prompt]))
        if about:
            schema["description"] = about
        properties[each.name] = schema
    whole: JSONObject = {"type": "object", "properties": properties, "required": list(required)}
    return {**whole, "$defs": definitions} if definitions else whole


def _with(names: Iterable[str], name: str) -> list[str]:
    return list(dict.fromkeys([*names, name]))
