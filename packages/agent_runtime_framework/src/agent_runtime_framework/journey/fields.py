"""The fields of a journey's state: how they become JSON and come back, and what hangs on what."""

from __future__ import annotations

import copy
import dataclasses
import difflib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError, StateError
from agent_runtime_framework.journey.declare import FIELD, FieldOptions
from agent_runtime_framework.journey.hints import read_hints
from agent_runtime_framework.journey.mistakes import fail, source_in_class

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_NOTHING_SAID = FieldOptions()


class StateFields:
    """What is known of the fields of one journey class.

    Attributes:
        names: The fields, in the order they were declared.
        options: What was said of each.
        dependents: For a field, those that fall back when it changes.
        watched: The fields whose assignments matter for that: all that hang on others, and all that are hung on.
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
        values = {name: getattr(state, name) for name in self.names}
        adapter = self._adapter
        from pydantic_core import PydanticSerializationError

        try:
            return adapter.dump_python(values, mode="json", warnings="error")
        except PydanticSerializationError as error:
            self._validated(values, "a value")  # says it better, where it finds it too
            raise StateError(f"a field of {self._owner.__name__} cannot be kept: {self._shown_fault(error)}") from error

    def check(self, state: object) -> None:
        """Refuse values that could be stored and then never be read again.

        Raises:
            StateError: A value does not fit its field; the text names each.
        """
        self._validated(self.dump(state), "a value")

    def _shown_fault(self, error: Exception) -> str:
        """What is wrong, without the values: one of them may be sensitive."""
        if self.sensitive:
            return "a value does not fit its hint"
        lines = [line.strip() for line in str(error).splitlines()]
        return next((line for line in lines if line.startswith("Expected")), lines[-1])

    def load(self, data: Mapping[str, Any]) -> tuple[JSONObject, JSONObject]:
        """The fields' values out of a stored state, and what else is in it.

        Raises:
            StateError: A stored value does not fit its field; the text names each.
        """
        rest = dict(data)
        found: JSONObject = {}
        for name, options in self.options.items():
            stored_as = next((each for each in (name, *options.was) if each in rest), None)
            if stored_as is not None:
                found[name] = rest.pop(stored_as)
        return self._validated(found, "the stored state"), rest

    def _validated(self, values: JSONObject, what: str) -> JSONObject:
        from pydantic import ValidationError

        try:
            return cast("JSONObject", self._adapter.validate_python(values))
        except ValidationError as error:
            faults = "; ".join(self._fault(each) for each in error.errors(include_url=False))
            raise StateError(f"{what} does not fit {self._owner.__name__}: {faults}") from error

    def _fault(self, error: Any) -> str:
        where = ".".join(map(str, error["loc"]))
        found = "a sensitive value" if error["loc"][0] in self.sensitive else f"{error['input']!r:.80}"
        return f"{where} is {found}: {error['msg'][:1].lower()}{error['msg'][1:]}"

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
