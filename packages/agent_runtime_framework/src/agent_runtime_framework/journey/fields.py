"""The fields of a journey's state: how they become JSON and come back, and what hangs on what."""

from __future__ import annotations

import copy
import dataclasses
import difflib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError, StateError
from agent_runtime_framework.journey.declare import FIELD, FieldOptions
from agent_runtime_framework.journey.hints import is_choice, read_hints
from agent_runtime_framework.journey.mistakes import fail, source_in_class

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_NOTHING_SAID = FieldOptions()
_ENGINE_S_OWN = frozenset(
    {"step", "arrived_in", "fruitless", "forms", "is_expired", "_step", "_aside", "_assigned", "_found"}
)


class StateFields:
    """What is known of the fields of one journey class.

    Attributes:
        names: The fields, in the order they were declared.
        options: What was said of each.
        dependents: For a field, those that fall back when it changes.
        watched: The fields whose assignments matter for that: all that hang on others, and all that are hung on.
        plain: All other names that may be assigned.
    """

    def __init__(self, owner: type) -> None:
        self._owner = owner
        self._fields = {each.name: each for each in dataclasses.fields(owner)}
        self.names = tuple(self._fields)
        self.options: dict[str, FieldOptions] = {
            name: each.metadata.get(FIELD, _NOTHING_SAID) for name, each in self._fields.items()
        }
        self.dependents: dict[str, list[str]] = {}
        for name, options in self.options.items():
            for source in options.depends_on:
                self._require_field(name, source)
                self.dependents.setdefault(source, []).append(name)
        for name in self.dependents:
            self._refuse_circle(name, (name,))
        self.watched = frozenset(self.dependents).union(*self.dependents.values())
        self.plain = (frozenset(self.names) - self.watched) | _ENGINE_S_OWN
        self._renamed = {name: options.was for name, options in self.options.items() if options.was}
        self._factories = {
            name: each.default_factory
            for name, each in self._fields.items()
            if each.default_factory is not dataclasses.MISSING
        }
        self._defaults = {name: self.default_of(name) for name in self.names if name not in self._factories}

    def _require_field(self, name: str, source: str) -> None:
        if source not in self._fields:
            close = difflib.get_close_matches(source, self._fields, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"the fields are: {', '.join(self._fields)}"
            fail(
                source_in_class(self._owner, name),
                f"{self._owner.__name__}.{name} is derived from {source!r}, which is no field; {hint}",
            )

    def _refuse_circle(self, name: str, way: tuple[str, ...]) -> None:
        for each in self.dependents.get(name, ()):
            if each in way:
                circle = " -> ".join((*way[way.index(each) :], each))
                fail(
                    source_in_class(self._owner, each),
                    f"{self._owner.__name__}.{each} is derived from itself: {circle}; drop one of these",
                )
            self._refuse_circle(each, (*way, each))

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The fields whose values must not be shown."""
        return frozenset(name for name, options in self.options.items() if options.sensitive)

    @cached_property
    def grounded(self) -> frozenset[str]:
        """The fields whose values have to be the person's own words; a choice is never among them."""
        marked = [name for name, options in self.options.items() if options.grounded]
        hints = read_hints(self._owner, self._owner) if marked else {}
        return frozenset(name for name in marked if not is_choice(hints[name]))

    def default_of(self, name: str) -> object:
        """The value a field begins with."""
        field = self._fields[name]
        if field.default_factory is not dataclasses.MISSING:
            return field.default_factory()
        return None if field.default is dataclasses.MISSING else field.default

    def sources_of(self, state: object) -> JSONObject:
        """The values that others hang on, detached, to be compared later; empty if none do."""
        return {name: copy.deepcopy(getattr(state, name)) for name in self.dependents}

    def dump(self, state: object) -> JSONObject:
        """The fields of a state as JSON.

        Raises:
            StateError: A value does not fit its field.
        """
        values = self.values_of(state)
        return values if _is_json(values) else self._dumped(values)

    def _dumped(self, values: JSONObject) -> JSONObject:
        try:
            return self._dumper(values, mode="json", warnings="error")
        except ValueError as error:  # Pydantic's, of any kind
            self._validated(values, "a value")  # says it better, where it finds it too
            raise StateError(f"a field of {self._owner.__name__} cannot be kept: {self._shown_fault(error)}") from error

    def check(self, state: object) -> None:
        """Refuse values that could be stored and then never be read again.

        Raises:
            StateError: A value does not fit its field; the text names each.
        """
        values = self.values_of(state)
        if not (_is_json(values) and self._fits_exactly(values)):
            self._validated(self._dumped(values), "a value")

    def values_of(self, state: object) -> JSONObject:
        """The values as they are."""
        held = vars(state)
        return {name: held[name] for name in self.names}

    def _fits_exactly(self, values: JSONObject) -> bool:
        try:
            self._validator(values, strict=True)
        except ValueError:
            return False
        return True

    def _shown_fault(self, error: Exception) -> str:
        """What is wrong, without the values: one of them may be sensitive."""
        if self.sensitive:
            return "a value does not fit its hint"
        lines = [line.strip() for line in str(error).splitlines()]
        return next((line for line in lines if line.startswith("Expected")), lines[-1])

    def filled(self, values: Mapping[str, Any]) -> JSONObject:
        """These values, and the defaults of all fields that are not among them."""
        made = {name: make() for name, make in self._factories.items() if name not in values}
        return {**self._defaults, **made, **values}

    def load(self, data: Mapping[str, Any]) -> tuple[JSONObject, JSONObject]:
        """The fields' values out of a stored state, and what else is in it.

        Raises:
            StateError: A stored value does not fit its field; the text names each.
        """
        rest = dict(data)
        found: JSONObject = {name: rest.pop(name) for name in self.names if name in rest}
        for name, former in self._renamed.items():
            stored_as = None if name in found else next((each for each in former if each in rest), None)
            if stored_as is not None:
                found[name] = rest.pop(stored_as)
        return self._validated(found, "the stored state"), rest

    def _validated(self, values: JSONObject, what: str) -> JSONObject:
        try:
            return self._validator(values)
        except ValueError as error:  # Pydantic's, which is imported with the first adapter
            faults = "; ".join(self._fault(each) for each in cast("Any", error).errors(include_url=False))
            raise StateError(f"{what} does not fit {self._owner.__name__}: {faults}") from error

    def _fault(self, error: Any) -> str:
        where = ".".join(map(str, error["loc"]))
        found = "a sensitive value" if error["loc"][0] in self.sensitive else f"{error['input']!r:.80}"
        return f"{where} is {found}: {error['msg'][:1].lower()}{error['msg'][1:]}"

    @cached_property
    def _dumper(self) -> Callable[..., JSONObject]:
        return self._adapter.serializer.to_python

    @cached_property
    def _validator(self) -> Callable[..., JSONObject]:
        return self._adapter.validator.validate_python

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import ConfigDict, TypeAdapter, with_config
        from typing_extensions import TypedDict

        try:
            hints = read_hints(self._owner, self._owner)
        except NameError as error:
            raise ConfigurationError(f"the field hints of {self._owner.__name__} cannot be read: {error}") from error
        fields = {name: hints[name] for name in self.names}
        shape: Any = TypedDict(self._owner.__name__, fields, total=False)  # pyright: ignore[reportArgumentType]
        config = ConfigDict(arbitrary_types_allowed=True)
        return TypeAdapter(with_config(config)(shape))


_JSON_TYPES = frozenset({str, int, bool, type(None)})


def _is_json(values: JSONObject) -> bool:
    """True if the values are what JSON has, so that there is nothing to convert; most states are no more than that."""
    return _JSON_TYPES.issuperset(map(type, values.values()))
