"""A whole schema, with the places in it that references point at."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast
from urllib.parse import unquote

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.tools.json_schema.faults import Fault, preview
from agent_runtime_framework.tools.json_schema.parts import Scope, compile_keywords
from agent_runtime_framework.tools.json_schema.values import Check


class Document:
    """One schema; `compile` it once."""

    def __init__(self, schema: Mapping[str, Any] | bool) -> None:
        self._schema = schema
        self._checks: dict[str, Check | None] = {}
        self._begun: set[str] = set()
        self._same_place: dict[str, set[str]] = {}

    def compile(self) -> Check | None:
        """The check of the whole schema; None when it accepts everything.

        Raises:
            ConfigurationError: The schema is senseless, or a reference in it leads nowhere, or round in a circle.
        """
        try:
            root = self._compiled("#")
        except RecursionError:
            raise ConfigurationError("the schema is nested too deeply to be compiled") from None
        try:
            TopologicalSorter(self._same_place).prepare()
        except CycleError as error:
            loop = " -> ".join(cast("list[str]", error.args[1]))
            raise ConfigurationError(f"the schema refers to itself without end: {loop}") from None
        return root

    def _compiled(self, pointer: str) -> Check | None:
        self._begun.add(pointer)
        schema = self._at(pointer)
        self._checks[pointer] = compile_keywords(schema, Scope(self._resolve, pointer))
        return self._checks[pointer]

    def _resolve(self, pointer: str, asked_from: str | None) -> Check | None:
        """The check of what the reference points at; `asked_from` is the place that applies it to the same value."""
        if asked_from is not None:
            self._same_place.setdefault(asked_from, set()).add(pointer)
        if pointer not in self._begun:
            return self._compiled(pointer)
        if pointer in self._checks:
            return self._checks[pointer]

        def later(value: Any, faults: list[Fault]) -> bool:
            check = self._checks[pointer]
            return check is None or check(value, faults)

        return later

    def _at(self, pointer: str) -> Any:
        found: Any = self._schema
        if pointer == "#":
            return found
        if not pointer.startswith("#/"):
            raise ConfigurationError(f"$ref is {preview(pointer)}; expected a local reference such as '#/$defs/Name'")
        try:
            for part in pointer[2:].split("/"):
                found = _entry(found, unquote(part).replace("~1", "/").replace("~0", "~"))
        except (LookupError, TypeError, ValueError):
            raise ConfigurationError(f"$ref is {preview(pointer)}; expected a place that is in the schema") from None
        return found


def _entry(container: Any, key: str) -> Any:
    if isinstance(container, list):
        return cast("list[Any]", container)[int(key)]
    return container[key]
