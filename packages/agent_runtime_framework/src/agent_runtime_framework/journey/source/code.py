"""The syntax trees of an author's functions and classes, found through the objects themselves."""

from __future__ import annotations

import ast
import inspect
import sysconfig
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from agent_runtime_core import errors as core
from agent_runtime_framework.journey.definition import Source

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_OURS = (Path(core.__file__).resolve().parent, Path(__file__).resolve().parents[2])
_STANDARD = tuple(Path(path).resolve() for name in ("stdlib", "platstdlib") if (path := sysconfig.get_path(name)))
_INSTALLED = frozenset({"site-packages", "dist-packages"})


@lru_cache(maxsize=64)
def tree_of(path: str) -> ast.Module | None:
    """The syntax tree of a file; None if it cannot be read as Python."""
    try:
        return ast.parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


@lru_cache(maxsize=64)
def _functions_in(path: str) -> dict[tuple[str, int], FunctionNode]:
    tree = tree_of(path)
    found: dict[tuple[str, int], FunctionNode] = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, FunctionNode):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[node.name, first] = node
    return found


def node_of(function: Callable[..., Any]) -> FunctionNode | None:
    """The syntax tree of a function; None for lambdas and for what was not written in a file."""
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    return _functions_in(code.co_filename).get((code.co_name, code.co_firstlineno))


def class_node_of(owner: type) -> ast.ClassDef | None:
    """The syntax tree of a class."""
    path = file_of(owner)
    tree = tree_of(path) if path else None
    if tree is None:
        return None
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == owner.__name__]
    # A class of that name may exist several times; the qualified name says at least whether it is a module's own.
    if len(nodes) > 1 and "." not in owner.__qualname__:
        nodes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner.__name__] or nodes
    return nodes[-1] if nodes else None


def file_of(owner: object) -> str | None:
    """The file in which a class, function or module was written."""
    try:
        return inspect.getsourcefile(owner)  # pyright: ignore[reportArgumentType]  what it cannot take it says
    except TypeError:
        return None


def is_authors(owner: object) -> bool:
    """True for code that may be the author's; False for Python's own and for this framework's."""
    path = file_of(owner)
    return path is not None and _may_be_authors(path)


def is_installed(owner: object) -> bool:
    """True for code that was installed: a library, or the author's own package."""
    path = file_of(owner)
    return path is not None and not _INSTALLED.isdisjoint(Path(path).parts)


@lru_cache(maxsize=1024)
def _may_be_authors(file: str) -> bool:
    path = Path(file).resolve()
    if any(path.is_relative_to(each) for each in _OURS):
        return False
    is_standard = any(path.is_relative_to(each) for each in _STANDARD)
    return not is_standard or not _INSTALLED.isdisjoint(path.parts)


def place_of(owner: object) -> Source | None:
    """Where a function or a class was written: the line of its `def` or `class`."""
    if isinstance(owner, type):
        node: ast.AST | None = class_node_of(owner)
    else:
        node = node_of(inspect.unwrap(owner)) if callable(owner) else None
    path = file_of(inspect.unwrap(owner) if callable(owner) and not isinstance(owner, type) else owner)
    if path is None:
        return None
    return Source(path, getattr(node, "lineno", 1))
