"""From what stands on the command line to an agent.

    path.py            the one agent of that file
    path.py:Name       a class, an instance or a factory in it
    package.module     the same of an importable module
    package.module:Name

A name may stand for a `Journey` class, an agent, its class, a Pydantic model, or a factory of one of these. An agent's
class is called without arguments, as is a factory; whoever needs arguments writes a factory.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, TypeGuard, cast

from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.making import (
    UntalkableError,
    agent_of,
    is_agent_class,
    is_whole_journey,
    talkable,
)
from agent_runtime_framework.cli.failures import UsageError, UserCodeError, users_traceback

Agent: TypeAlias = JourneyAgent[Any, Any, Any]

CONVENTION = "agent"
"""A name that is taken before any other where a module has several agents."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target, taken apart.

    Attributes:
        where: The path or the module, as it was written.
        name: What was asked for in it; empty to look for it.
    """

    where: str
    name: str = ""

    @property
    def is_file(self) -> bool:
        """True if it is a path."""
        return self.where.endswith(".py")


def parse_target(text: str) -> Target:
    """Take a target apart.

    Raises:
        UsageError: It is neither a path of a Python file nor the name of a module.
    """
    where, colon, name = text.rpartition(":")
    if not colon or name.endswith(".py") or "/" in name or "\\" in name:
        where, name = text, ""
    target = Target(where, name)
    if target.is_file:
        return target
    if not all(part.isidentifier() for part in where.split(".")):
        raise UsageError(
            f"{text!r} is neither a Python file nor a module; expected examples/quote.py, examples/quote.py:QuoteAgent "
            "or package.module:Name"
        )
    return target


def load_agent(text: str, base: Path | None = None) -> Agent:
    """The agent a target names.

    Args:
        text: The target.
        base: What a relative path of a file is relative to; by default the working directory.

    Raises:
        UsageError: There is no such file, module or name, or no agent, or several.
        UserCodeError: The module cannot be imported, or the agent not be made; the text holds the traceback.
    """
    target = parse_target(text)
    if base is not None and target.is_file:
        target = Target(os.path.relpath(base / target.where), target.name)
    module = load_module(target)
    found = named_in(module, target) if target.name else _only(module, target)
    return _make(found, target)


def load_module(target: Target) -> ModuleType:
    """The module a target names, imported.

    Raises:
        UsageError: There is no such file or module.
        UserCodeError: It cannot be imported; the text holds the traceback.
    """
    return _import_file(target) if target.is_file else _import_module(target)


def _import_file(target: Target) -> ModuleType:
    path = Path(target.where)
    if not path.is_file():
        raise UsageError(
            f"there is no file {target.where!r}{_similar_file(path)}; the working directory is {Path.cwd()}"
        )
    path = path.resolve()
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").is_file() and root != root.parent:
        parts.insert(0, root.name)
        root = root.parent
    _put_first(root)
    name = ".".join(parts)
    if len(parts) > 1:
        return _running_users_code(lambda: importlib.import_module(name), target)
    loaded = sys.modules.get(name)
    if loaded is not None:
        if getattr(loaded, "__file__", None) == str(path):
            return loaded
        # A file may be called like a module that is in use.
        name = f"_target_{name}"
    return _running_users_code(lambda: _execute(name, path), target)


def _execute(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py file always has a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickles look their module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_module(target: Target) -> ModuleType:
    _put_first(Path.cwd())

    def load() -> ModuleType:
        try:
            return importlib.import_module(target.where)
        except ModuleNotFoundError as error:
            parents = [target.where.rsplit(".", depth)[0] for depth in range(target.where.count(".") + 1)]
            if error.name not in parents:
                raise
            raise UsageError(
                f"there is no module {error.name!r} here ({Path.cwd()}) or installed; give the path of a file, such as "
                f"{target.where.replace('.', '/')}.py, or run from the directory the module is in"
            ) from None

    return _running_users_code(load, target)


def _running_users_code(load: Callable[[], Any], target: Target) -> Any:
    try:
        return load()
    except UsageError:
        raise
    except SystemExit as error:
        raise UserCodeError(f"{target.where} ended the program on import (exit code {error.code!r})") from error
    except Exception as error:  # the author's code may raise anything
        raise UserCodeError(f"{target.where} cannot be used:\n{users_traceback(error)}") from error


def _put_first(directory: Path) -> None:
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def _similar_file(path: Path) -> str:
    parent = path.parent
    names = [each.name for each in parent.glob("*.py")] if parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {str(parent / close[0])!r}?" if close else ""


def named_in(module: ModuleType, target: Target) -> object:
    """What the target names in its module.

    Raises:
        UsageError: There is nothing of that name.
    """
    try:
        return reduce(getattr, target.name.split("."), cast("object", module))
    except AttributeError:
        names = [name for name in vars(module) if not name.startswith("_")]
        close = difflib.get_close_matches(target.name, names, n=1)
        agents = _candidates(module)
        hint = f"did you mean {close[0]!r}?" if close else f"its agents are: {', '.join(agents) or 'none'}"
        raise UsageError(f"{target.where} has no {target.name!r}; {hint}") from None


def _only(module: ModuleType, target: Target) -> object:
    found = _candidates(module)
    chosen = found.get(CONVENTION) or next(iter(found.values()), None)
    if chosen is None:
        raise UsageError(
            f"{target.where} has no agent: no class that derives from Journey or JourneyAgent, and no JourneyAgent "
            f"that is already made. If a function makes it, name it: {target.where}:make_agent"
        )
    if len(found) > 1 and CONVENTION not in found:
        ways = "\n  ".join(f"{target.where}:{name}" for name in found)
        raise UsageError(f"{target.where} has {len(found)} agents; say which one:\n  {ways}")
    return chosen


def _candidates(module: ModuleType) -> Mapping[str, object]:
    """Agents by name: instances if there are any, else the classes that were written in this very module."""
    members: dict[str, object] = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    if CONVENTION in members and (is_agent_class(members[CONVENTION]) or callable(members[CONVENTION])):
        return {CONVENTION: members[CONVENTION]}
    instances: dict[str, object] = {name: value for name, value in members.items() if isinstance(value, JourneyAgent)}
    classes: dict[str, object] = {
        name: value for name, value in members.items() if _is_whole_class(value) and value.__module__ == module.__name__
    }
    return instances or classes


def _is_whole_class(value: object) -> TypeGuard[type]:
    """True if it is more than a part of other classes."""
    if is_agent_class(value):
        return not inspect.isabstract(value)
    return is_whole_journey(value)


def resolved(found: object, target: Target, also: tuple[type, ...] = ()) -> object:
    """What was found, as what conversations are held about: a `Journey` class, or an agent.

    Raises:
        UsageError: It is nothing of the kind, or cannot be made without arguments.
        UserCodeError: The author's code fails while it is made; the text holds the traceback.
    """
    where = f"{target.where}:{target.name or getattr(found, '__name__', CONVENTION)}"
    try:
        return _running_users_code(lambda: talkable(found, also), target)
    except UserCodeError as error:
        if isinstance(error.__cause__, UntalkableError):
            raise UsageError(f"{where}: {error.__cause__}") from None
        raise


def _make(found: object, target: Target) -> Agent:
    journey = resolved(found, target)
    return cast("Agent", _running_users_code(lambda: agent_of(journey), target))
