"""Does a call fit its tool? JSON Schema, compiled once into a plain function.

Rules:
    - Nothing is coerced: `"5"` is no number. As JSON Schema has it, `3.0` is an integer and `true` is not.
    - Keywords that are not known to `json_schema` are ignored; a known one with a senseless value is the author's
      mistake and raises when the schema is compiled.
    - Checking never raises, whatever the arguments are, and runs no code of the schema's author.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from agent_runtime_framework.tools.json_schema.document import Document
from agent_runtime_framework.tools.json_schema.faults import Fault, sentences

__all__ = ["ArgumentCheck", "compile_schema"]

ArgumentCheck: TypeAlias = Callable[[Any], list[str]]
"""Takes a call's arguments, answers with what does not fit, as sentences for the model; empty when all fits."""


def compile_schema(schema: Mapping[str, Any] | bool) -> ArgumentCheck:
    """A function that checks arguments against the schema.

    >>> check = compile_schema({"properties": {"kind": {"enum": ["car", "home"]}}, "required": ["kind"]})
    >>> check({"kind": "boat"})
    ["'kind' is 'boat'; expected one of: car, home"]
    >>> check({"kind": "car"})
    []

    Args:
        schema: JSON Schema of the arguments. References must be local, such as `#/$defs/Address`.

    Raises:
        ConfigurationError: The schema itself is wrong.
    """
    root = Document(schema).compile()
    if root is None:
        return _anything

    def check(arguments: Any) -> list[str]:
        faults: list[Fault] = []
        try:
            if root(arguments, faults):
                return []
        except RecursionError:
            return ["the arguments are nested too deeply; expected the few levels that the schema describes"]
        return sentences(faults)

    return check


def _anything(arguments: Any) -> list[str]:
    return []
