"""YAML with line numbers, and without surprises: a `yes` that somebody says stays a yes.

A plain scalar is null, true, false or a number where JSON would have it so, and text otherwise; dates stay text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.testing.scenarios.errors import Place, ScenarioError

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORDS = {"null": None, "~": None, "": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a document.

    Attributes:
        place: Where it begins.
        text: As it was written, if it is a scalar.
        value: A mapping or a sequence of nodes, or the value of a scalar.
    """

    place: Place
    text: str
    value: NodeValue

    def plain(self) -> Any:
        """The same without places, as JSON."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    @property
    def kind(self) -> str:
        """What it is, for a sentence."""
        match self.value:
            case dict():
                return "a mapping"
            case list():
                return "a list"
            case None:
                return "nothing"
            case _:
                return repr(self.value)


NodeValue: TypeAlias = "dict[str, Node] | list[Node] | str | int | float | bool | None"


def read_document(path: Path) -> Node:
    """A file as nodes.

    Raises:
        ScenarioError: It is no YAML, or holds more than JSON could.
        ConfigurationError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise ConfigurationError("scenario files need PyYAML; install agent_runtime_framework[testing]") from error
    try:
        root = cast("Any", yaml).compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        said = getattr(error, "problem", None) or str(error)
        raise ScenarioError([(Place(path, line), f"this is no YAML: {said}")]) from error
    if root is None:
        raise ScenarioError([(Place(path, 1), "the file is empty; expected agent: and scenarios:")])
    return _node(root, path)


def _node(node: Any, path: Path) -> Node:
    place = Place(path, node.start_mark.line + 1)
    if node.id == "sequence":
        return Node(place, "", [_node(each, path) for each in node.value])
    if node.id == "scalar":
        return Node(place, node.value, _scalar(node.value, is_plain=node.style is None))
    members: dict[str, Node] = {}
    for key, value in node.value:
        if key.id != "scalar":
            raise ScenarioError([(Place(path, key.start_mark.line + 1), "a key has to be plain text")])
        if key.value in members:
            raise ScenarioError([(Place(path, key.start_mark.line + 1), f"{key.value!r} stands here twice")])
        read = _node(value, path)
        # What is said of a key is said where the key stands.
        members[key.value] = Node(Place(path, key.start_mark.line + 1), read.text, read.value)
    return Node(place, "", members)


def _scalar(text: str, *, is_plain: bool) -> str | int | float | bool | None:
    if not is_plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return float(text) if set(text) & set(".eE") else int(text)
    return text
