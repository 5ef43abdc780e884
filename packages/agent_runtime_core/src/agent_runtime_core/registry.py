"""Which agent runtimes this process can run, by key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias, cast

from agent_runtime_core.errors import ConfigurationError, UnknownRuntimeError
from agent_runtime_core.interfaces import AgentRuntime

RuntimeFactory: TypeAlias = Callable[[], AgentRuntime]

_runtimes: dict[str, AgentRuntime] = {}
_factories: dict[str, RuntimeFactory] = {}
# Re-entrant, because a factory may ask for another runtime.
_lock = threading.RLock()


def register_runtime(runtime: AgentRuntime | type[AgentRuntime] | RuntimeFactory, key: str | None = None) -> None:
    """Make a runtime known under `key`; one that was there before is replaced.

    Args:
        runtime: An instance; a subclass of `AgentRuntime`, made at once without arguments; or a factory, called
            once, when the runtime is first needed.
        key: Its name; by default the runtime's own `key`. A factory has none yet, so it needs one here.

    Raises:
        ConfigurationError: A factory came without a key, or the key is not a text.
        TypeError: It is none of the three.
    """
    if isinstance(runtime, type) and issubclass(runtime, AgentRuntime):
        runtime = runtime()
    if isinstance(runtime, AgentRuntime):
        name = _checked(runtime.key if key is None else key)
        with _lock:
            _factories.pop(name, None)
            _runtimes[name] = runtime
        return
    if not callable(cast("object", runtime)):
        raise TypeError(
            f"cannot register {runtime!r}; "
            "expected an AgentRuntime, a subclass of AgentRuntime, or a function that makes one"
        )
    if key is None:
        raise ConfigurationError(f"the factory {runtime!r} was registered without a key; pass key=")
    name = _checked(key)
    with _lock:
        _runtimes.pop(name, None)
        _factories[name] = runtime


def _checked(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise ConfigurationError(f"a runtime's key is {key!r}; expected a text that is not empty")
    return key


def get_runtime(key: str) -> AgentRuntime:
    """The runtime registered under `key`.

    Raises:
        UnknownRuntimeError: There is none.
        TypeError: Its factory made something else.
    """
    with _lock:
        if key in _runtimes:
            return _runtimes[key]
        if key not in _factories:
            known = ", ".join(sorted(list_runtimes())) or "none"
            raise UnknownRuntimeError(f"no runtime {key!r} is registered; known: {known}")
        made = cast("object", _factories[key]())
        if not isinstance(made, AgentRuntime):
            raise TypeError(f"the factory of runtime {key!r} returned {made!r}; expected an AgentRuntime")
        del _factories[key]
        _runtimes[key] = made
        return made


def list_runtimes() -> list[str]:
    """The keys of all runtimes, made or not yet made."""
    with _lock:
        return [*_runtimes, *_factories]


def unregister_runtime(key: str) -> bool:
    """Forget a runtime; False if there was none of that key."""
    with _lock:
        return (_runtimes.pop(key, None) or _factories.pop(key, None)) is not None


def clear_registry() -> None:
    """Forget every runtime."""
    with _lock:
        _runtimes.clear()
        _factories.clear()
