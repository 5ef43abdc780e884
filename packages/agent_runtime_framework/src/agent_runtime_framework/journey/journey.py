"""`Journey`: a conversation that must get somewhere, as one class."""

from __future__ import annotations

import copy
import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast, dataclass_transform
from uuid import UUID

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.class_fields import prepare_fields
from agent_runtime_framework.journey.compile import compile_journey, key_of
from agent_runtime_framework.journey.declare import CollectStep, Step
from agent_runtime_framework.journey.definition import JourneyDefinition
from agent_runtime_framework.journey.fields import StateFields
from agent_runtime_framework.journey.form import ModelT
from agent_runtime_framework.journey.hints import LOCALS, names_around_class
from agent_runtime_framework.journey.idle import Idle
from agent_runtime_framework.state.base import BaseJourneyState
from agent_runtime_framework.state.versions import VERSION, up_to_date

if TYPE_CHECKING:
    from agent_runtime_framework.agents.journey import JourneyConfig
    from agent_runtime_framework.agents.short_form import ClassAgent
    from agent_runtime_framework.approvals import Approve
    from agent_runtime_framework.events import Sink
    from agent_runtime_framework.executor.asking import LLMClient
    from agent_runtime_framework.executor.hooks import ExecutorHooks
    from agent_runtime_framework.journey.graph import Graph
    from agent_runtime_framework.memory import MemoryManager

BOOKKEEPING = "_journey"
"""Where the stored state keeps what the engine has to remember besides the author's fields."""


_NOTES = ("arrived_in", "fruitless", "forms", "is_expired")

_FIXED = frozenset({str, int, float, bool, type(None), Decimal, date, datetime, UUID})
"""Types whose values never change, so that keeping the value is keeping it as it is."""


# Without field specifiers, `Field` and `derived` are plain defaults to a type checker: every field has one.
@dataclass_transform(kw_only_default=True)
class Journey(BaseJourneyState[Step]):
    """A conversation that must get somewhere.

    The docstring of a subclass is the persona, its annotated fields are the state, its `step`s are the way, and its
    methods are tools, guards and hooks. An instance is the state of one conversation.

    Attributes:
        key: The name under which states are kept, of the class; its name in kebab case unless it is set.
        version: Of the state's shape, of the class.
        on_idle: What is done when the person falls silent, of the class: `remind(...)` and `expire(...)`, in every
            step that has no rules of its own and does not end the journey.
        arrived_in: The turn in which the conversation arrived at its step.
        fruitless: How many turns in a row brought nothing.
        forms: How far the forms of its steps are, by step, as JSON. Sensitive answers are kept here in clear.
        is_expired: True if the person was no longer waited for, and has said nothing since.
    """

    key: ClassVar[str] = ""
    version: ClassVar[int] = 1
    on_idle: ClassVar[Idle] = ()
    definition: ClassVar[JourneyDefinition]
    state_fields: ClassVar[StateFields]

    arrived_in: str
    fruitless: int
    forms: dict[str, JSONObject]
    is_expired: bool
    _assigned: set[str]
    _aside: JSONObject
    _step: str
    _lost: str | None = None
    _found: int | None = None

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        """Make the class a journey.

        Args:
            abstract: The class is a part of journeys that are derived from it, and none by itself.
            **kwargs: For other base classes.
        """
        super().__init_subclass__(**kwargs)
        setattr(cls, LOCALS, names_around_class())
        prepare_fields(cls)
        written = cls.__doc__ if "__doc__" in vars(cls) else None
        dataclasses.dataclass(kw_only=True, init=False, repr=False, eq=False)(cls)
        cls.__doc__ = written  # a dataclass makes up one of its own
        if "key" not in vars(cls):
            cls.key = key_of(cls)
        cls.state_fields = StateFields(cls)
        if not abstract:
            cls.definition = compile_journey(cls)

    if not TYPE_CHECKING:  # a checker derives the arguments from the fields

        def __init__(self, **values: object) -> None:
            cls = type(self)
            if "definition" not in vars(cls):
                raise ConfigurationError(f"{cls.__name__} is abstract; derive a journey from it, with steps of its own")
            for name in values:
                if name not in cls.state_fields.options:
                    raise TypeError(f"{cls.__name__} has no field {name!r}; {self._meant(name)}")
            self._begin(values)

    def _begin(self, values: Mapping[str, Any]) -> None:
        """Take on these values, and all else as at the beginning of a conversation.

        Every turn begins here, so this is as fast as it gets; nothing of it is for `__setattr__` to see.
        """
        cls = type(self)
        vars(self).update(
            cls.state_fields.filled(values),
            arrived_in="",
            fruitless=0,
            forms={},
            is_expired=False,
            _assigned=set[str](),
            _aside={},
            _step=cls.definition.initial,
        )

    @property
    def step(self) -> Step:
        """The step the conversation is in; assigning a step of this journey, or its name, moves it."""
        return getattr(type(self), self._step)

    @step.setter
    def step(self, step: Step | str) -> None:
        name = step if isinstance(step, str) else step.name
        if name not in type(self).definition.steps:
            known = ", ".join(type(self).definition.steps)
            raise ConfigurationError(f"{name!r} is no step of {type(self).__name__}; its steps are: {known}")
        vars(self)["_step"] = name
        vars(self).pop("_lost", None)

    @property
    def lost_step(self) -> str | None:
        """The step in which the conversation was stored, if it is gone and nothing has taken its place yet."""
        return self._lost

    @property
    def kept_aside(self) -> tuple[str, ...]:
        """The names of what was stored and is none of the fields."""
        return tuple(self._aside)

    @property
    def found_version(self) -> int:
        """The version that wrote what this was read from; the present one if nothing was read."""
        return self._found or type(self).version

    if not TYPE_CHECKING:  # a checker that saw this would let any attribute be assigned

        def __setattr__(self, name: str, value: object) -> None:
            fields = type(self).state_fields
            if name in fields.plain:
                object.__setattr__(self, name, value)
                return
            if name in fields.watched:
                self._assign(name, value)
                return
            if name not in fields.options and not name.startswith("_") and not hasattr(type(self), name):
                self._refuse_unknown(name)
            object.__setattr__(self, name, value)

    def _assign(self, name: str, value: object) -> None:
        """Assign a field that others may hang on."""
        fields = type(self).state_fields
        has_changed = getattr(self, name) != value
        object.__setattr__(self, name, value)
        self._assigned.add(name)
        if has_changed:
            for each in fields.dependents.get(name, ()):
                setattr(self, each, fields.default_of(each))

    def _refuse_unknown(self, name: str) -> None:
        cls, hint = type(self), self._meant(name)
        raise AttributeError(
            f"{cls.__name__} has no field {name!r}, so it would not be kept; {hint}", name=name, obj=self
        )

    def as_it_is(self) -> JSONObject | None:
        """Everything there is to put back by `become`; None where something could be changed in place meanwhile."""
        values = type(self).state_fields.values_of(self).values()
        return {**vars(self), "forms": {}} if not self.forms and _FIXED.issuperset(map(type, values)) else None

    def become(self, earlier: JSONObject) -> None:
        """Be again what `as_it_is` gave."""
        held = vars(self)
        held.clear()
        held.update(earlier)

    def _meant(self, name: str) -> str:
        close = difflib.get_close_matches(name, type(self).state_fields.names, n=1)
        return f"did you mean {close[0]!r}?" if close else f"declare it in the class: `{name}: ... = ...`"

    def begin_watching(self) -> JSONObject:
        """What `settle_derived` wants back after a tool, to see what was changed in place."""
        self._assigned.clear()
        return type(self).state_fields.sources_of(self)

    def settle_derived(self, before: JSONObject) -> None:
        """Let fall back what hangs on a value that was changed in place; what the tool has set itself stays."""
        fields = type(self).state_fields
        for source, earlier in before.items():
            if source in self._assigned or getattr(self, source) == earlier:
                continue
            for name in fields.dependents[source]:
                if name not in self._assigned:
                    setattr(self, name, fields.default_of(name))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.to_dict() == cast("Journey", other).to_dict()

    __hash__ = None  # pyright: ignore[reportAssignmentType]  a state changes

    def __repr__(self) -> str:
        fields = type(self).state_fields
        shown = {name: "•••" if name in fields.sensitive else repr(getattr(self, name)) for name in fields.names}
        inside = "".join(f", {name}={value}" for name, value in shown.items())
        return f"{type(self).__name__}(step={self._step}{inside})"

    def is_complete(self) -> bool:
        """True once the journey is in a final step."""
        return type(self).definition.steps[self._step].is_final

    def collected(self, step: CollectStep[ModelT]) -> ModelT | None:
        """What was collected in a step; None until its form is complete."""
        form, progress = step.form, self.forms.get(step.name)
        return form.validate(progress) if progress is not None and form.is_complete(progress) else None

    @property
    def recap(self) -> str:
        """What is known so far, in one line for the person; override it to word it yourself."""
        from agent_runtime_framework.journey.recap import recap_of

        return recap_of(self)

    def progress_of(self, step: str) -> JSONObject:
        """How far the form of a step is; the very object, to be changed by the form."""
        return self.forms.setdefault(step, {})

    def reopen(self, step: str) -> None:
        """Let the answers of a step's form be confirmed again, because the journey comes back to it."""
        progress = self.forms.get(step)
        if progress is not None:
            for note in ("confirmed", "summed_up_in"):
                progress.pop(note, None)

    def secrets(self) -> list[object]:
        """Every sensitive value that is known, of fields and forms."""
        cls = type(self)
        found = [value for name in cls.state_fields.sensitive if (value := getattr(self, name)) not in (None, "")]
        for name, progress in self.forms.items():
            step = cls.definition.steps.get(name)
            if step is not None and step.collect is not None:
                found += step.collect.secrets(progress).values()
        return found

    def to_dict(self) -> JSONObject:
        """The state as JSON: the step, the fields, what was kept aside, and the engine's own notes."""
        kept: JSONObject = {}
        if self.arrived_in:
            kept["arrived_in"] = self.arrived_in
        if self.fruitless:
            kept["fruitless"] = self.fruitless
        if self.forms:
            kept["forms"] = copy.deepcopy(self.forms)
        if self.is_expired:
            kept["is_expired"] = True
        # Until the step that takes its place was entered, the conversation is where it was.
        stored = {**self._aside, "step": self._lost or self._step, **type(self).state_fields.dump(self)}
        if type(self).version != 1:
            stored[VERSION] = type(self).version
        return {**stored, BOOKKEEPING: kept} if kept else stored

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The state that `to_dict` gave, here or in an earlier version.

        An earlier version's is migrated. Keys it does not know are kept aside and given back. Where the step is gone,
        the state is in the one that takes its place.

        Raises:
            StateTooNew: A later version wrote it.
            StateError: It cannot be migrated, or a value does not fit its field.
        """
        definition, current = cls.definition, cls.version
        found = data.get(VERSION, 1)
        if found != current:  # the present version's is by far the most frequent
            assert definition.versions is not None  # every class has been compiled
            data, found = up_to_date(data, current, definition.versions.bring)
        values, rest = cls.state_fields.load(data)
        step = rest.pop("step", definition.initial)
        rest.pop(VERSION, None)
        state = cls.__new__(cls)
        state._begin(values)
        notes: JSONObject = rest.pop(BOOKKEEPING, None) or {}
        vars(state).update({each: notes[each] for each in _NOTES if each in notes}, _step=step, _aside=rest)
        if step not in definition.steps:
            state._find_place()
        if not state.forms.keys() <= definition.steps.keys():
            state.forms = {definition.renamed(name): progress for name, progress in state.forms.items()}
        if found != current:
            state._found = found
        return state

    def _find_place(self) -> None:
        """Be in the step that goes on for the stored one, which has another name now, or is gone."""
        definition, held, stored = type(self).definition, vars(self), self._step
        held["_step"], is_gone = definition.place_of(stored)
        if is_gone:
            held["_lost"] = str(stored)

    @classmethod
    def graph(cls) -> Graph:
        """The journey as a picture; a notebook shows it, `.text()`, `.svg()` and others give it elsewhere."""
        from agent_runtime_framework.journey.graph import read_graph

        return read_graph(cls)

    @classmethod
    def agent(
        cls,
        llm_client: LLMClient | None = None,
        *,
        memory: MemoryManager | None = None,
        provide: Mapping[Any, object] | Sequence[object] = (),
        hooks: ExecutorHooks | None = None,
        sinks: Sequence[Sink] = (),
        config: JourneyConfig | None = None,
        approve: Approve | None = None,
    ) -> ClassAgent[Self]:
        """The agent that holds this journey.

        Args:
            llm_client: The model; without one, `agent_runtime_core.llm.get_llm_client()` is asked.
            memory: Keeps conversations.
            provide: What `Injected` parameters get: objects, found by their type, or a mapping from type to object.
            hooks: Observe every turn.
            sinks: Are told of every event.
            config: Limits and habits.
            approve: Decides at once about calls that need a person's agreement: True, or the reason why not.
        """
        from agent_runtime_framework.agents.short_form import ClassAgent

        if "definition" not in vars(cls):
            raise ConfigurationError(f"{cls.__name__} is abstract; derive a journey from it, with steps of its own")
        return ClassAgent(
            cls,
            llm_client,
            memory=memory,
            provide=provide,
            hooks=hooks,
            sinks=sinks,
            config=config,
            approve=approve,
        )
