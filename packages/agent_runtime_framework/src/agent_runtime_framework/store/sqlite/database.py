"""One SQLite database: a thread that writes, connections that read.

Reads run where they are asked for, in the event loop's thread: an indexed read of a few rows takes a few
microseconds, a change of thread many times that, and in WAL mode a reader never waits for a writer. What is large,
or meets a lock, goes to a thread of its own.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from agent_runtime_framework.errors import ConfigurationError, StoreError
from agent_runtime_framework.store.sqlite.faults import MEMORY, explained, is_busy
from agent_runtime_framework.store.sqlite.schema import is_current, require_current, upgrade
from agent_runtime_framework.store.sqlite.writer import Job, Writer

ResultT = TypeVar("ResultT")

MINIMUM = (3, 39, 0)
"""The first SQLite with `IS NOT DISTINCT FROM`."""

_IDLE_READERS = 4


class Database:
    """Connections are opened when they are needed, and again after `close` or a fork."""

    def __init__(self, path: str, busy_timeout: float, *, is_read_only: bool = False) -> None:
        if sqlite3.sqlite_version_info < MINIMUM:
            raise ConfigurationError(
                f"this Python has SQLite {sqlite3.sqlite_version}; {'.'.join(map(str, MINIMUM))} or later is needed"
            )
        self.path = path if path == MEMORY else str(Path(path).absolute())
        self._busy_timeout = busy_timeout
        self._is_read_only = is_read_only
        self._lifecycle = threading.Lock()
        self._writer: Writer | None = None
        self._readers: list[sqlite3.Connection] = []
        _databases.add(self)

    async def write(self, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        """Run `work` in a transaction; returns its result when that is durable."""
        if self._is_read_only:
            raise StoreError(f"the store {self.path!r} was opened to be read only; nothing was changed")
        return await self._submit(Job(work))

    async def _submit(self, job: Job) -> Any:
        with self._lifecycle:
            if self._writer is None:
                self._writer = Writer(self.path, self._connect_writer)
            self._writer.submit(job)
        try:
            return await job.outcome()
        except (sqlite3.Error, StoreError) as exc:
            # The file may have been replaced: what is read next must be what is written next.
            self._close_readers()
            if isinstance(exc, StoreError):
                raise
            raise explained(exc, self.path, self._busy_timeout) from exc

    async def read(self, query: Callable[[sqlite3.Connection], ResultT], *, is_large: bool = False) -> ResultT:
        """Run `query` on a connection that only reads, and return its result."""
        writer = self._writer
        if not self._is_read_only and (writer is None or not writer.is_connected):
            await self._submit(Job(None))
        try:
            if writer is not None and not is_large:
                connection = writer.borrow()
                if connection is not None:
                    try:
                        return query(connection)
                    finally:
                        writer.give_back()
            if self._is_read_only:
                return await asyncio.to_thread(self._read, query, wait=True)
            if self.path == MEMORY:
                return await self.write(query)
            if not is_large:
                with suppress(_LockedError):
                    return self._read(query, wait=False)
            return await asyncio.to_thread(self._read, query, wait=True)
        except sqlite3.Error as exc:
            self._close_readers()
            raise explained(exc, self.path, self._busy_timeout) from exc

    @property
    def is_open(self) -> bool:
        """True if there may be something to close."""
        return self._writer is not None or bool(self._readers)

    def close(self) -> None:
        """Finish what is queued and close every connection."""
        with self._lifecycle:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.stop()
            writer.join()
        self._close_readers()

    def before_fork(self) -> None:
        """Close everything, and stay closed until `after_fork`."""
        self._lifecycle.acquire()
        if self.path != MEMORY and self._writer is not None:
            self._writer.stop()
            self._writer.join()
            self._writer = None
        self._close_readers()

    def after_fork(self, *, is_child: bool) -> None:
        """Allow use again; in a child, without what the parent's thread holds."""
        if is_child and self._writer is not None:
            _left_to_parents.append(self._writer)
            self._writer = None
        self._lifecycle.release()

    def _read(self, query: Callable[[sqlite3.Connection], ResultT], *, wait: bool) -> ResultT:
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect_reader()
        is_sound = False
        try:
            if wait:
                connection.execute(f"PRAGMA busy_timeout = {self._busy_timeout * 1000:.0f}")
            result = query(connection)
            if wait:
                connection.execute("PRAGMA busy_timeout = 0")
            is_sound = True
        except sqlite3.OperationalError as exc:
            if not wait and is_busy(exc):
                raise _LockedError from exc
            raise
        finally:
            if is_sound and len(self._readers) < _IDLE_READERS:
                self._readers.append(connection)
            else:
                connection.close()
        return result

    def _connect_reader(self) -> sqlite3.Connection:
        connection = self._connect(0)
        try:
            if self._is_read_only:
                require_current(connection, self.path)
            connection.execute("PRAGMA query_only = 1")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_writer(self) -> sqlite3.Connection:
        connection = self._connect(self._busy_timeout)
        try:
            current = is_current(connection, self.path)
            _use_wal(connection, time.monotonic() + self._busy_timeout)
            connection.execute("PRAGMA synchronous = FULL")
            if not current:
                upgrade(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self, timeout: float) -> sqlite3.Connection:
        # Connections move between threads, never used by two at once. Transactions are begun by hand.
        path = f"{Path(self.path).as_uri()}?mode=ro" if self._is_read_only else self.path
        return sqlite3.connect(
            path, timeout=timeout, isolation_level=None, check_same_thread=False, uri=self._is_read_only
        )

    def _close_readers(self) -> None:
        while self._readers:
            with suppress(IndexError):
                self._readers.pop().close()


class _LockedError(Exception):
    """A read that must not wait met a lock."""


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            # SQLite does not wait by itself for another process that switches the mode at this moment.
            if not is_busy(exc) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_left_to_parents: list[Writer] = []
_forking: list[Database] = []


def _before_fork() -> None:
    _forking.extend(_databases)
    for database in _forking:
        database.before_fork()


def _after_fork(*, is_child: bool) -> None:
    while _forking:
        _forking.pop().after_fork(is_child=is_child)


# SQLite's locks do not survive a fork, so neither side may hold an open database across one.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=partial(_after_fork, is_child=False),
        after_in_child=partial(_after_fork, is_child=True),
    )
