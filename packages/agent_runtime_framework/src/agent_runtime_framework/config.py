"""Debug or production: one object for the process, the only reader of the environment in this package.

Debug mode lets a tool's exception through and logs at DEBUG; production mode tells the model of the failure, goes on,
and logs at INFO. The level is set on the loggers `agent_runtime_framework` and `agent_runtime_core`, by `configure` and
`set_config`, and by the first `get_config` if the environment names a mode or a level. No handler is ever installed,
and nothing happens at import.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from agent_runtime_framework.errors import ConfigurationError

__all__ = [
    "FrameworkConfig",
    "configure",
    "get_config",
    "is_debug",
    "override_config",
    "set_config",
    "should_swallow_exceptions",
]

_DEBUG_VARIABLE = "AGENT_RUNTIME_DEBUG"
_LEVEL_VARIABLE = "AGENT_RUNTIME_LOG_LEVEL"
_TRUE = frozenset({"1", "true", "yes", "on"})
_LOGGERS = ("agent_runtime_framework", "agent_runtime_core")


@dataclass
class FrameworkConfig:
    """How failures are treated and how much is logged.

    Attributes:
        debug: True while developing.
        swallow_tool_exceptions: True tells the model of a failing tool and goes on; False raises.
        log_level: The name of a level of `logging`, in any case.

    Raises:
        ConfigurationError: `log_level` is not the name of a level.
    """

    debug: bool = False
    swallow_tool_exceptions: bool = True
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        self.log_level = _level_name(self.log_level)

    @classmethod
    def from_env(cls) -> FrameworkConfig:
        """The configuration that the environment asks for; production mode when it says nothing.

        `AGENT_RUNTIME_DEBUG` set to 1, true, yes or on means debug mode. `AGENT_RUNTIME_LOG_LEVEL` names a level.
        """
        debug = os.environ.get(_DEBUG_VARIABLE, "").strip().lower() in _TRUE
        level = os.environ.get(_LEVEL_VARIABLE, "").strip()
        if level:
            level = _level_name(level, source=_LEVEL_VARIABLE)
        return cls(debug, swallow_tool_exceptions=not debug, log_level=level or _mode_level(debug))

    def enable_debug(self) -> None:
        """Switch to debug mode: exceptions are raised, logging at DEBUG."""
        self._switch(debug=True)

    def enable_production(self) -> None:
        """Switch to production mode: the model is told of failures, logging at INFO."""
        self._switch(debug=False)

    def _switch(self, *, debug: bool) -> None:
        self.debug = debug
        self.swallow_tool_exceptions = not debug
        self.log_level = _mode_level(debug)
        if self is _config:
            _apply_level(self)


_config: FrameworkConfig | None = None


def get_config() -> FrameworkConfig:
    """The configuration in force; made from the environment when it is first asked for.

    If the environment names a mode or a level, the level is applied to the loggers then; otherwise they are left alone.
    """
    global _config
    if _config is None:
        _config = FrameworkConfig.from_env()
        if os.environ.get(_DEBUG_VARIABLE) or os.environ.get(_LEVEL_VARIABLE):
            _apply_level(_config)
    return _config


def set_config(config: FrameworkConfig) -> None:
    """Put this very object in force and apply its log level."""
    global _config
    _apply_level(config)
    _config = config


def configure(
    debug: bool | None = None, swallow_tool_exceptions: bool | None = None, log_level: str | None = None
) -> None:
    """Change the configuration in force; what is not given stays.

    Args:
        debug: The mode. It also settles the other two, where they are not given.
        swallow_tool_exceptions: True tells the model of a failing tool and goes on; False raises.
        log_level: The name of a level of `logging`, applied to the packages' loggers at once.

    Raises:
        ConfigurationError: `log_level` is not the name of a level. Nothing is changed then.
    """
    config = get_config()
    level = None if log_level is None else _level_name(log_level)
    if debug is not None:
        config.debug = debug
        config.swallow_tool_exceptions = not debug
        level = level or _mode_level(debug)
    if swallow_tool_exceptions is not None:
        config.swallow_tool_exceptions = swallow_tool_exceptions
    if level is not None:
        config.log_level = level
        _apply_level(config)


@contextmanager
def override_config(
    *, debug: bool | None = None, swallow_tool_exceptions: bool | None = None, log_level: str | None = None
) -> Generator[FrameworkConfig]:
    """Configure for the length of a `with` block; afterwards configuration and log levels are as before.

    The arguments are those of `configure`; the block gets an object of its own. Meant for tests: the
    configuration is one for the process, so blocks in several threads at once would see each other's.
    """
    global _config
    previous = _config
    levels = [logging.getLogger(name).level for name in _LOGGERS]
    _config = replace(get_config())
    try:
        configure(debug, swallow_tool_exceptions, log_level)
        yield _config
    finally:
        _config = previous
        for name, level in zip(_LOGGERS, levels, strict=True):
            logging.getLogger(name).setLevel(level)


def is_debug() -> bool:
    """True in debug mode."""
    return get_config().debug


def should_swallow_exceptions() -> bool:
    """True if the model is told of a failing tool instead of the caller."""
    return get_config().swallow_tool_exceptions


def _mode_level(debug: bool) -> str:
    return "DEBUG" if debug else "INFO"


# Those of Python; what libraries have added is accepted, too, and different in every process.
_LEVELS = "NOTSET, DEBUG, INFO, WARN, WARNING, ERROR, CRITICAL, FATAL"


def _level_name(level: object, *, source: str = "log_level") -> str:
    known = logging.getLevelNamesMapping()
    name = level.upper() if isinstance(level, str) else None
    if name not in known:
        raise ConfigurationError(f"{source} is {level!r}; expected the name of a log level: {_LEVELS}")
    return name


def _apply_level(config: FrameworkConfig) -> None:
    level = _level_name(config.log_level)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(level)
