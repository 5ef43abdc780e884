"""The settings of this package, and the only place where it reads the environment.

A value given to `configure` wins over its environment variable, which wins over the default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

from agent_runtime_core.errors import ConfigurationError

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeConfig:
    """The settings in force; change them with `configure`.

    Attributes:
        model_provider: The provider `get_llm_client` takes when nothing else says.
        default_model: The model that goes with it.
        openai_api_key: See `get_openai_api_key`; never shown in a repr.
        anthropic_api_key: See `get_anthropic_api_key`; never shown in a repr.
        openai_base_url: See `get_openai_base_url`.
        anthropic_base_url: See `get_anthropic_base_url`.
        queue_backend: Where runs wait.
        event_bus_backend: Where events go.
        state_store_backend: Where state is kept.
        tracing_backend: Where traces go; None for nowhere.
        redis_url: Address of a Redis server, for the backends that need one.
        sqlite_path: File of a SQLite database, for the backends that need one.
        langfuse_public_key: Credentials of the Langfuse tracing backend.
        langfuse_secret_key: The same; never shown in a repr.
        langfuse_host: Its address.
        run_timeout_seconds: How long a run may take.
        heartbeat_interval_seconds: How often a worker says that it is alive.
        lease_ttl_seconds: After how long a silent worker loses its run.
        max_retries: How often a failed model request or run is tried again.
        retry_backoff_base: Factor between two waits.
        retry_backoff_max: The longest wait, in seconds.
        include_conversation_history: Whether a run sees the earlier messages.
        auto_persist_messages: Whether new messages are kept.
        max_history_messages: How many earlier messages a run sees; None for all.
        debug: Raise what production would swallow, and log more.
        explicit: The names that `configure` or the environment set; see `is_set`.
    """

    model_provider: str = "openai"
    default_model: str = "gpt-4o"
    openai_api_key: str | None = field(default=None, repr=False)
    anthropic_api_key: str | None = field(default=None, repr=False)
    openai_base_url: str | None = None
    anthropic_base_url: str | None = None
    queue_backend: str = "memory"
    event_bus_backend: str = "memory"
    state_store_backend: str = "memory"
    tracing_backend: str | None = None
    redis_url: str | None = field(default=None, repr=False)  # may hold a password
    sqlite_path: str | None = None
    langfuse_public_key: str | None = None
    langfuse_secret_key: str | None = field(default=None, repr=False)
    langfuse_host: str | None = None
    run_timeout_seconds: int = 300
    heartbeat_interval_seconds: int = 30
    lease_ttl_seconds: int = 60
    max_retries: int = 3
    retry_backoff_base: int = 2
    retry_backoff_max: int = 300
    include_conversation_history: bool = True
    auto_persist_messages: bool = True
    max_history_messages: int | None = None
    debug: bool = False
    explicit: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    @classmethod
    def from_env(cls) -> RuntimeConfig:
        """The defaults, with every setting whose variable is set.

        Raises:
            ConfigurationError: A variable holds something that cannot be its value.
        """
        given = {name: value for name in _VARIABLES if (value := _read_setting(name)) is not None}
        return cls(**given, explicit=frozenset(given))

    def is_set(self, name: str) -> bool:
        """True if `configure` or the environment chose this value; False for a default."""
        return name in self.explicit

    def get_openai_api_key(self) -> str | None:
        """The configured key, else `OPENAI_API_KEY`, else None."""
        return self.openai_api_key or environment_value("OPENAI_API_KEY")

    def get_anthropic_api_key(self) -> str | None:
        """The configured key, else `ANTHROPIC_API_KEY`, else None."""
        return self.anthropic_api_key or environment_value("ANTHROPIC_API_KEY")

    def get_openai_base_url(self) -> str | None:
        """The configured address of an OpenAI-compatible server, else `OPENAI_BASE_URL`, else None."""
        return self.openai_base_url or environment_value("OPENAI_BASE_URL")

    def get_anthropic_base_url(self) -> str | None:
        """The configured address of an Anthropic-compatible server, else `ANTHROPIC_BASE_URL`, else None."""
        return self.anthropic_base_url or environment_value("ANTHROPIC_BASE_URL")


def environment_value(name: str) -> str | None:
    """The environment variable of that name; None if it is unset or blank."""
    return os.environ.get(name, "").strip() or None


def _text(variable: str, value: str) -> str:
    return value


def _whole_number(variable: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ConfigurationError(
            f"the environment variable {variable} is {value!r}; expected a whole number such as 30; correct or unset it"
        )
    return int(value)


def _switch(variable: str, value: str) -> bool:
    word = value.lower()
    if word not in _TRUE | _FALSE:
        raise ConfigurationError(
            f"the environment variable {variable} is {value!r}; expected true or false; correct or unset it"
        )
    return word in _TRUE


# Keys and addresses with well-known names of their own are read when they are asked for.
_READ_LATER = frozenset({"openai_api_key", "anthropic_api_key", "openai_base_url", "anthropic_base_url"})


def _parsers() -> Mapping[str, Callable[[str, str], Any]]:
    by_type = {"int": _whole_number, "int | None": _whole_number, "bool": _switch}
    return {each.name: by_type.get(str(each.type), _text) for each in fields(RuntimeConfig)}


_SETTINGS = {name: parse for name, parse in _parsers().items() if name != "explicit"}
_VARIABLES = {name: f"AGENT_RUNTIME_{name.upper()}" for name in _SETTINGS if name not in _READ_LATER}


def _read_setting(name: str) -> Any:
    variable = _VARIABLES[name]
    value = environment_value(variable)
    return None if value is None else _SETTINGS[name](variable, value)


_current: RuntimeConfig | None = None


def configure(**settings: Any) -> RuntimeConfig:
    """The settings that are now in force: defaults, then the environment, then `settings`.

    An earlier `configure` leaves no trace.

    Raises:
        ConfigurationError: A name is unknown, or an environment variable cannot be read.
    """
    global _current
    _refuse_unknown(settings)
    config = RuntimeConfig.from_env()
    _current = replace(config, **settings, explicit=config.explicit | set(settings))
    return _current


def get_config() -> RuntimeConfig:
    """The settings in force, read from the environment the first time they are needed."""
    global _current
    if _current is None:
        _current = RuntimeConfig.from_env()
    return _current


def reset_config() -> None:
    """Forget what was configured; the environment is read again when settings are next needed."""
    global _current
    _current = None


@contextmanager
def override_config(**settings: Any) -> Generator[RuntimeConfig, None, None]:
    """Change some settings for the length of a `with` block, as tests do.

    >>> with override_config(debug=True) as config:
    ...     config.debug
    True
    """
    global _current
    _refuse_unknown(settings)
    before, config = _current, get_config()
    _current = replace(config, **settings, explicit=config.explicit | set(settings))
    try:
        yield _current
    finally:
        _current = before


def _refuse_unknown(settings: Mapping[str, Any]) -> None:
    for name in settings:
        if name not in _SETTINGS:
            raise ConfigurationError(f"there is no setting {name!r}; known: {', '.join(sorted(_SETTINGS))}")
