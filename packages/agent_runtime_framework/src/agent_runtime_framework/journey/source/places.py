"""Where things of a long-form journey were written: members of the step enum, prompts, schemas."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from agent_runtime_framework.journey.definition import Source
from agent_runtime_framework.journey.source.code import class_node_of, file_of, tree_of

_PROMPT_KEYWORDS = ("prompts", "step_prompts", "mapping")


@dataclass(frozen=True, slots=True)
class PromptKey:
    """An entry of a table of prompts.

    Attributes:
        text: The key, as it is written.
        step: The name of the step or of the enum's member it means; None if that cannot be told.
        source: Where.
        words: The prompt, if it is a plain text.
    """

    text: str
    step: str | None
    source: Source
    words: str | None


class Places:
    """Finds places in the files a journey was written in."""

    def __init__(self, owners: Iterable[Any]) -> None:
        files = dict.fromkeys(path for owner in owners if owner is not None and (path := file_of(owner)))
        self._trees = {path: tree for path in files if (tree := tree_of(path)) is not None}

    def of_schema(self, name: str) -> Source | None:
        """Where a tool's schema is made: the call that is given its name."""
        for path, tree in self._trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and _names_a_tool(node, name):
                    return Source(path, node.func.lineno if not isinstance(node.func, ast.Attribute) else node.lineno)
        return None

    def of_prompt(self, step: Any) -> Source | None:
        """Where the prompt of a step stands in a table."""
        return next((each.source for each in self._prompts_of(step)), None)

    def words_of(self, step: Any) -> str | None:
        """The prompt of a step as its author wrote it, if it stands in a table as a plain text."""
        return next((each.words for each in self._prompts_of(step)), None)

    def prompt_keys(self) -> Iterator[PromptKey]:
        """The keys of all tables of prompts: dicts of texts whose name speaks of prompts, or in `get_system_prompt`."""
        for path, tree in self._trees.items():
            for table in _prompt_tables(tree):
                for key, value in zip(table.keys, table.values, strict=True):
                    if key is not None:
                        words = value.value if isinstance(value, ast.Constant) else None
                        words = words if isinstance(words, str) else None
                        yield PromptKey(ast.unparse(key), _step_of(key), Source(path, key.lineno), words)

    def _prompts_of(self, step: Any) -> Iterator[PromptKey]:
        wanted = {step.name, str(step.value)} if isinstance(step, Enum) else {str(step)}
        return (each for each in self.prompt_keys() if each.step in wanted)

    def mentions(self, function: str, text: str) -> bool:
        """True if a function of that name has the text as a constant."""
        for tree in self._trees.values():
            for node in ast.walk(tree):
                is_it = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function
                if is_it and any(isinstance(each, ast.Constant) and each.value == text for each in ast.walk(node)):
                    return True
        return False


def member_place(member: Any) -> Source | None:
    """Where a member of an enum was written."""
    if not isinstance(member, Enum):
        return None
    node, path = class_node_of(type(member)), file_of(type(member))
    if node is None or path is None:
        return None
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            names = [each.id for each in statement.targets if isinstance(each, ast.Name)]
            if member.name in names:
                return Source(path, statement.lineno)
    return Source(path, node.lineno)


def _names_a_tool(node: ast.Call, name: str) -> bool:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if "schema" not in called.lower() and "tool" not in called.lower():
        return False
    given = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "name")]
    return any(isinstance(each, ast.Constant) and each.value == name for each in given)


def _prompt_tables(tree: ast.Module) -> Iterator[ast.Dict]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any("prompt" in ast.unparse(target).lower() for target in targets):
                yield node.value
        elif isinstance(node, ast.FunctionDef) and node.name == "get_system_prompt":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Dict) and not _is_named_prompts(inner, node):
                    yield inner
        elif isinstance(node, ast.keyword) and node.arg in _PROMPT_KEYWORDS and isinstance(node.value, ast.Dict):
            yield node.value


def _is_named_prompts(table: ast.Dict, function: ast.FunctionDef) -> bool:
    """True if the table has a name that was found already."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and node.value is table:
            return any("prompt" in ast.unparse(target).lower() for target in node.targets)
    return False


def _step_of(key: ast.expr) -> str | None:
    match key:
        case ast.Attribute(value=ast.Attribute(attr=name), attr="value"):
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Constant(value=str() as text):
            return text
        case _:
            return None
