"""The settings: the dict `DJANGO_AGENT_RUNTIME` of the project, typed, with defaults for what it leaves out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from django.conf import settings
from django.core.signals import setting_changed

from agent_runtime_core.errors import ConfigurationError

SETTING = "DJANGO_AGENT_RUNTIME"

_DEBUG_VARIABLE = "DJANGO_AGENT_RUNTIME_DEBUG"
_TRUE = frozenset({"1", "true", "yes", "on"})
_QUEUES = ("postgres", "redis_streams")
_EVENT_BUSES = ("db", "redis")


def _default_visibility() -> dict[str, str]:
    return {
        "run.started": "internal",
        "run.heartbeat": "internal",
        "state.checkpoint": "internal",
        "tool.call": "debug",
        "tool.result": "debug",
        "tool.refused": "debug",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRuntimeSettings:
    """The settings in force.

    Attributes:
        QUEUE_BACKEND: Where runs wait: `postgres`, which is any Django database, or `redis_streams`.
        EVENT_BUS_BACKEND: Where events go: `db` or `redis`.
        REDIS_URL: Address of the Redis server, for the backends that need one.
        LEASE_TTL_SECONDS: After how long a silent worker loses its run.
        RUN_TIMEOUT_SECONDS: How long a run may take.
        STEP_TIMEOUT_SECONDS: How long a workflow step may take.
        HEARTBEAT_INTERVAL_SECONDS: How often a worker says that it is alive.
        DEFAULT_MAX_ATTEMPTS: How often a run is tried.
        RETRY_BACKOFF_BASE: Factor between two waits.
        RETRY_BACKOFF_MAX: The longest wait, in seconds.
        DEFAULT_PROCESSES: Worker processes.
        DEFAULT_CONCURRENCY: Runs at once in each.
        ENABLE_SSE: Serve events over HTTP.
        ENABLE_CHANNELS: Send events through Django Channels.
        SSE_KEEPALIVE_SECONDS: How often a quiet stream says that it is alive.
        PERSIST_TOKEN_DELTAS: Keep the pieces of a streamed text, too.
        EVENT_TTL_SECONDS: How long Redis keeps events.
        INCLUDE_CONVERSATION_HISTORY: Whether a run sees the earlier messages.
        MAX_HISTORY_MESSAGES: How many of them; None for all.
        AUTO_GENERATE_CONVERSATION_TITLE: Let a model name new conversations.
        TITLE_GENERATION_MODEL: The model that does.
        MODEL_PROVIDER: The provider asked when nothing else says.
        LITELLM_ENABLED: Ask through LiteLLM.
        DEFAULT_MODEL: The model asked.
        OPENAI_API_KEY: Key of that provider; never shown in a repr.
        ANTHROPIC_API_KEY: The same.
        RUNTIME_REGISTRY: Where the project's runtimes are; see `runtime.registry.autodiscover_runtimes`.
        AUTHZ_HOOK: Path of a function that decides who may run what.
        QUOTA_HOOK: Path of a function that decides who has runs left.
        RUN_COMPLETED_HOOK: Path of a function that is told of every finished run.
        ANONYMOUS_SESSION_MODEL: The model of visitors without an account.
        EVENT_VISIBILITY: Who sees which type of event: `internal`, `debug` or `user`, which is what others are.
        DEBUG_MODE: Show events of the level `debug`, too.
        SWALLOW_EXCEPTIONS: False raises what production would swallow.

    Raises:
        ConfigurationError: A value is of the wrong type, or is none of those that are possible.
    """

    QUEUE_BACKEND: str = "postgres"
    EVENT_BUS_BACKEND: str = "db"
    REDIS_URL: str | None = field(default=None, repr=False)  # may hold a password
    LEASE_TTL_SECONDS: int = 30
    RUN_TIMEOUT_SECONDS: int = 900
    STEP_TIMEOUT_SECONDS: int = 120
    HEARTBEAT_INTERVAL_SECONDS: int = 10
    DEFAULT_MAX_ATTEMPTS: int = 3
    RETRY_BACKOFF_BASE: float = 2.0
    RETRY_BACKOFF_MAX: int = 300
    DEFAULT_PROCESSES: int = 1
    DEFAULT_CONCURRENCY: int = 10
    ENABLE_SSE: bool = True
    ENABLE_CHANNELS: bool = False
    SSE_KEEPALIVE_SECONDS: int = 15
    PERSIST_TOKEN_DELTAS: bool = False
    EVENT_TTL_SECONDS: int = 21600
    INCLUDE_CONVERSATION_HISTORY: bool = True
    MAX_HISTORY_MESSAGES: int | None = None
    AUTO_GENERATE_CONVERSATION_TITLE: bool = True
    TITLE_GENERATION_MODEL: str = "gpt-4o-mini"
    MODEL_PROVIDER: str = "openai"
    LITELLM_ENABLED: bool = False
    DEFAULT_MODEL: str = "gpt-4o"
    OPENAI_API_KEY: str | None = field(default=None, repr=False)
    ANTHROPIC_API_KEY: str | None = field(default=None, repr=False)
    RUNTIME_REGISTRY: Sequence[str] = ()
    AUTHZ_HOOK: str | None = None
    QUOTA_HOOK: str | None = None
    RUN_COMPLETED_HOOK: str | None = None
    ANONYMOUS_SESSION_MODEL: str | None = None
    EVENT_VISIBILITY: Mapping[str, str] = field(default_factory=_default_visibility)
    DEBUG_MODE: bool = False
    SWALLOW_EXCEPTIONS: bool = True

    def __post_init__(self) -> None:
        for name, kind in _kinds().items():
            _check_kind(name, getattr(self, name), kind)
        _check_choice("QUEUE_BACKEND", self.QUEUE_BACKEND, _QUEUES)
        _check_choice("EVENT_BUS_BACKEND", self.EVENT_BUS_BACKEND, _EVENT_BUSES)
        if "redis" in self.QUEUE_BACKEND + self.EVENT_BUS_BACKEND and not self.REDIS_URL:
            raise ConfigurationError(
                f"{SETTING} asks for Redis, but REDIS_URL is {self.REDIS_URL!r}; set it, such as redis://localhost:6379"
            )


def get_settings() -> AgentRuntimeSettings:
    """The settings, read afresh.

    Raises:
        TypeError: There is no setting of that name.
        ConfigurationError: A value cannot be used.
    """
    given: object = getattr(settings, SETTING, None) or {}
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"settings.{SETTING} is {given!r:.80}; expected a dict")
    values = dict(cast("Mapping[str, Any]", given))
    known = [each.name for each in fields(AgentRuntimeSettings)]
    for name in values:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise TypeError(f"settings.{SETTING} has no setting {name!r}; {hint}")
    return AgentRuntimeSettings(**values)


@lru_cache(maxsize=1)
def runtime_settings() -> AgentRuntimeSettings:
    """The settings, read once; read again after Django's `setting_changed`, or `reset_settings`."""
    return get_settings()


def reset_settings() -> None:
    """Forget what was read and what `configure` changed."""
    runtime_settings.cache_clear()
    _override.debug = _override.swallow_exceptions = None


@dataclass(slots=True)
class _Override:
    debug: bool | None = None
    swallow_exceptions: bool | None = None


_override = _Override()


def configure(debug: bool | None = None, swallow_exceptions: bool | None = None) -> None:
    """Decide in code, whatever settings and environment say, until `reset_settings`; what is not given stays."""
    if debug is not None:
        _override.debug = debug
    if swallow_exceptions is not None:
        _override.swallow_exceptions = swallow_exceptions


def is_debug() -> bool:
    """True while developing: `DJANGO_AGENT_RUNTIME_DEBUG=1`, or exceptions are not to be swallowed."""
    if _override.debug is not None:
        return _override.debug
    if os.environ.get(_DEBUG_VARIABLE, "").strip().lower() in _TRUE:
        return True
    given = _override.swallow_exceptions
    return not (runtime_settings().SWALLOW_EXCEPTIONS if given is None else given)


def should_swallow_exceptions() -> bool:
    """True if errors are logged and gone on from, rather than raised; by default, everywhere but in debug mode."""
    given = _override.swallow_exceptions
    return not is_debug() if given is None else given


@lru_cache(maxsize=1)
def _kinds() -> dict[str, Any]:
    return get_type_hints(AgentRuntimeSettings)


def _check_kind(name: str, value: object, kind: Any) -> None:
    if not _is_a(value, kind):
        expected = kind if isinstance(kind, UnionType) or get_origin(kind) else kind.__name__
        raise ConfigurationError(
            f"settings.{SETTING}[{name!r}] is {value!r:.80}, a {type(value).__name__}; expected {expected}"
        )


def _is_a(value: object, kind: Any) -> bool:
    """Whether a value has one of the few kinds of type that settings have."""
    if isinstance(kind, UnionType):
        return any(_is_a(value, each) for each in get_args(kind))
    origin = get_origin(kind) or kind
    if origin is Sequence:
        return isinstance(value, (list, tuple)) and all(
            isinstance(each, str) for each in cast("Sequence[object]", value)
        )
    if origin is float:
        origin = (int, float)
    return isinstance(value, origin) and (kind is bool or not isinstance(value, bool))


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ConfigurationError(f"settings.{SETTING}[{name!r}] is {value!r}; expected one of {', '.join(choices)}")


def _reload(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        runtime_settings.cache_clear()


setting_changed.connect(_reload)  # pyright: ignore[reportUnknownMemberType]  Django has no types of its own
