"""The fields of a journey's state: how they become JSON and come back, and what hangs on what."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast, get_type_hints

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError, StateError
from agent_runtime_framework.journey.declare import FIELD, FieldOptions

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_NOTHING_SAID = FieldOptions()


class StateFields:
    """What is known of the fields of one journey class.

    Attributes:
        names: The fields, in the order they were declared.
        options: What was said of each.
        dependents: For a field, those that fall back when it changes.
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
                if source not in self._fields:
                    known = ", ".join(self._fields)
                    raise ConfigurationError(
                        f"{owner.__name__}.{name} is derived from {source!r}, which is no field; fields are: {known}"
                    )
                self.dependents.setdefault(source, []).append(name)

    @property
    def sensitive(self) -> frozenset[str]:
        """The fields whose values must not be shown."""
        return frozenset(name for name, options in self.options.items() if options.sensitive)

    def default_of(self, name: str) -> object:
        """The value a field begins with."""
        field = self._fields[name]
        if field.default_factory is not dataclasses.MISSING:
            return field.default_factory()
        return None if field.default is dataclasses.MISSING else field.default

    def dump(self, state: object) -> JSONObject:
        """The fields of a state as JSON.

        Raises:
            StateError: A value does not fit its field.
        """
        values = {name: getattr(state, name) for name in self.names}
        from pydantic_core import PydanticSerializationError

        try:
            return self._adapter.dump_python(values, mode="json", warnings="error")
        except PydanticSerializationError as error:
            raise StateError(f"a field of {self._owner.__name__} cannot be kept: {error}") from error

    def load(self, data: Mapping[str, Any]) -> tuple[JSONObject, JSONObject]:
        """The fields' values out of a stored state, and what else is in it.

        Raises:
            StateError: A stored value does not fit its field; the text names each.
        """
        from pydantic import ValidationError

        rest = dict(data)
        found: JSONObject = {}
        for name, options in self.options.items():
            stored_as = next((each for each in (name, *options.was) if each in rest), None)
            if stored_as is not None:
                found[name] = rest.pop(stored_as)
        try:
            return cast("JSONObject", self._adapter.validate_python(found)), rest
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, each['loc']))} is {each['input']!r:.80}: {each['msg']}" for each in error.errors()
            )
            raise StateError(f"the stored state does not fit {self._owner.__name__}: {faults}") from error

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import ConfigDict, TypeAdapter, with_config
        from typing_extensions import TypedDict

        try:
            hints = get_type_hints(self._owner, include_extras=True)
        except NameError as error:
            raise ConfigurationError(f"the field hints of {self._owner.__name__} cannot be read: {error}") from error
        fields = {name: hints[name] for name in self.names}
        shape: Any = TypedDict(self._owner.__name__, fields, total=False)  # pyright: ignore[reportArgumentType]
        return TypeAdapter(with_config(ConfigDict(arbitrary_types_allowed=True))(shape))
