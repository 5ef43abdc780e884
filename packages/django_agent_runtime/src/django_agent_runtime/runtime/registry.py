"""Which runtimes the project has: the registry of `agent_runtime_core`, filled from the settings and from packages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import TypeGuard

from asgiref.sync import sync_to_async

from agent_runtime_core import registry
from agent_runtime_core.interfaces import AgentRuntime
from agent_runtime_core.registry import clear_registry, get_runtime, register_runtime, unregister_runtime
from django_agent_runtime.conf import SETTING, is_debug, runtime_settings

__all__ = [
    "autodiscover_runtimes",
    "clear_registry",
    "get_runtime",
    "get_runtime_async",
    "list_runtimes",
    "list_runtimes_async",
    "register_runtime",
    "unregister_runtime",
]

ENTRY_POINTS = "django_agent_runtime.runtimes"
"""The group of entry points under which an installed package offers runtimes."""

logger = logging.getLogger(__name__)


async def get_runtime_async(key: str) -> AgentRuntime:
    """`get_runtime` inside an event loop; a factory runs in a thread, so that it may use the database.

    Raises:
        UnknownRuntimeError: There is none.
    """
    return await sync_to_async(get_runtime)(key)


def list_runtimes() -> list[str]:
    """The keys of all runtimes, sorted."""
    return sorted(registry.list_runtimes())


async def list_runtimes_async() -> list[str]:
    """`list_runtimes`, for callers that await everything."""
    return list_runtimes()


def autodiscover_runtimes() -> None:
    """Register what `RUNTIME_REGISTRY` names, then what installed packages offer.

    A name is `package.module.function` or `package.module:function`. A function is called without arguments and
    registers what it likes, or returns a runtime, which is then registered; a runtime or a class of runtimes may be
    named directly. One that fails is logged and does not keep the others out; in debug mode it is raised.
    """
    for where, load in _offers():
        try:
            _register(load())
        except Exception as error:  # anybody's module is imported here, and one of them must not stop the site
            if is_debug():
                error.add_note(f"while loading {where}")
                raise
            logger.exception("could not load %s; its runtimes are missing", where)


def _offers() -> Iterator[tuple[str, Callable[[], object]]]:
    for path in runtime_settings().RUNTIME_REGISTRY:
        yield f"{path!r} of settings.{SETTING}['RUNTIME_REGISTRY']", lambda path=path: _import(path)
    for each in entry_points(group=ENTRY_POINTS):
        yield f"the entry point {each.name!r} ({each.value}) of the group {ENTRY_POINTS!r}", each.load


def _import(path: str) -> object:
    module, separator, name = path.rpartition(":" if ":" in path else ".")
    if not separator or not module or not name:
        raise ImportError(f"{path!r} is no path; expected 'package.module.function' or 'package.module:function'")
    try:
        return getattr(import_module(module), name)
    except AttributeError:
        raise ImportError(f"there is no {name!r} in the module {module!r}", name=module) from None


def _register(found: object) -> None:
    if not _is_runtime(found):
        if not callable(found):
            raise TypeError(f"found {found!r}; expected a function, an AgentRuntime, or a subclass of AgentRuntime")
        found = found()
    if _is_runtime(found):
        register_runtime(found)


def _is_runtime(found: object) -> TypeGuard[AgentRuntime | type[AgentRuntime]]:
    return isinstance(found, AgentRuntime) or (isinstance(found, type) and issubclass(found, AgentRuntime))
