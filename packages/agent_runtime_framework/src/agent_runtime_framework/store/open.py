"""A store by its URL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.store.protocol import Store

if TYPE_CHECKING:
    from agent_runtime_framework.store.delivery import DurableStore

_POSSIBLE = (
    "sqlite:///chat.db (a file, relative to the working directory), sqlite:////var/lib/chat.db (an absolute path), "
    "postgresql://user:password@host:5432/database, sqlite:///:memory: or memory:// (gone with the process)"
)


def open_durable_store(
    url: str, *, read_only: bool = False, clock: Callable[[], datetime] | None = None
) -> DurableStore:
    """The store that `url` names, for a runtime.

    Args:
        url: The URL.
        read_only: Change nothing, not even tables that an earlier version of this package has made.
        clock: Tells the time; by default the machine's, or the database server's.

    Raises:
        ConfigurationError: No store is known by that URL; the text lists what is possible.
    """
    # What a runtime needs is loaded when there is one.
    from agent_runtime_framework.store.delivery import DurableStore
    from agent_runtime_framework.store.sqlite import SQLiteStore

    # In memory, delivery keeps its promises with the very statements it has on disk.
    if url == "memory://":
        return SQLiteStore(":memory:") if clock is None else SQLiteStore(":memory:", clock=clock)
    store = open_store(url, read_only=read_only, clock=clock)
    assert isinstance(store, DurableStore)
    return store


def open_store(url: str, *, read_only: bool = False, clock: Callable[[], datetime] | None = None) -> Store:
    """The store that `url` names; nothing is read or written before it is first used.

    Args:
        url: The URL.
        read_only: Of a database, change nothing.
        clock: Tells the time; by default the machine's, or the database server's.

    Raises:
        ConfigurationError: No store is known by that URL; the text lists what is possible.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "memory" and not rest:
        from agent_runtime_framework.store.volatile import VolatileStore

        return VolatileStore() if clock is None else VolatileStore(clock=clock)
    if separator and scheme == "sqlite" and rest.startswith("/") and rest != "/":
        # The database driver is loaded when a database is asked for.
        from agent_runtime_framework.store.sqlite import SQLiteStore

        if clock is None:
            return SQLiteStore(rest[1:], read_only=read_only)
        return SQLiteStore(rest[1:], read_only=read_only, clock=clock)
    if separator and scheme in {"postgresql", "postgres"}:
        from agent_runtime_framework.store.postgres import PostgresStore

        return PostgresStore(url, read_only=read_only, clock=clock)
    raise ConfigurationError(f"no store is known by the URL {url!r}; possible are: {_POSSIBLE}")
