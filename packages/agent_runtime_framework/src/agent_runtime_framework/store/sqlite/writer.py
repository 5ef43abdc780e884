"""The one thread that writes to a database.

Rules:
    - Whatever waits is committed together: one transaction, one fsync.
    - Each unit of work succeeds or fails alone; a savepoint keeps a failing one from the others.
    - Nobody is told of success before the transaction is durable.
    - The thread holds the only connection that writes, and opens it itself; the event loop never waits for the disk.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any

from agent_runtime_framework.crash_points import reach
from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.store.sqlite.faults import MEMORY, is_busy

MAX_GROUP = 64
"""How many units are committed together at most."""


class Job:
    """A unit of work, and the task that waits for it.

    Without work it only wants the database to be open, which takes no lock.
    """

    __slots__ = ("_is_settled", "_waiter", "loop", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], Any] | None) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[Any] = self.loop.create_future()
        self._is_settled = False

    async def outcome(self) -> Any:
        """What `work` returned or raised, once that is durable.

        A cancelled task still waits until its work is done or refused, so that nobody reads the state before it.
        """
        try:
            return await self._waiter
        except asyncio.CancelledError:
            if not self._is_settled:
                self._waiter = self.loop.create_future()
                await asyncio.wait([self._waiter])
                if not self._waiter.cancelled():
                    # Looked at, or the loop would complain of an exception nobody saw.
                    self._waiter.exception()
            raise

    def settle(self, outcome: object) -> None:
        """Hand over the outcome; called in the job's loop."""
        self._is_settled = True
        if self._waiter.done():
            return
        if isinstance(outcome, BaseException):
            self._waiter.set_exception(outcome)
        else:
            self._waiter.set_result(outcome)


class Writer:
    """A started thread that runs jobs in order until it is stopped."""

    def __init__(self, path: str, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._in_use = threading.Lock()
        # A daemon, so that a forgotten store does not keep the interpreter from ending; its owner joins it at exit.
        self._thread = threading.Thread(target=self._run, name="agent-runtime-sqlite", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job."""
        self._jobs.put(job)

    @property
    def is_connected(self) -> bool:
        """True once the database was opened and brought up to date."""
        return self._connection is not None

    def borrow(self) -> sqlite3.Connection | None:
        """The connection, for a short read between two transactions; None while it is needed here, or closed.

        Its pages are in memory already, while another connection would read them again after every commit. Whoever
        got it calls `give_back`.
        """
        if not self._in_use.acquire(blocking=False):
            return None
        connection = self._connection
        if connection is None:
            self._in_use.release()
        return connection

    def give_back(self) -> None:
        """End the borrowing."""
        self._in_use.release()

    def stop(self) -> None:
        """Let the thread do what is queued, close its connection and end."""
        self._jobs.put(None)

    def join(self) -> None:
        """Wait for the end of the thread."""
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        is_running = True
        while is_running:
            first = self._jobs.get()
            if first is None:
                break
            group = [first]
            while len(group) < MAX_GROUP and not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    is_running = False
                    break
                group.append(job)
            with self._in_use:
                outcomes = self._commit(group)
            _deliver(group, outcomes)
            # An idle thread must not keep the last turn's messages alive.
            del first, group, outcomes
        with self._in_use:
            self._disconnect()

    def _commit(self, group: Sequence[Job]) -> Sequence[object]:
        try:
            connection = self._connection or self._open()
            self._refuse_moved_file()
            outcomes = _transaction(connection, group)
        except Exception as exc:  # noqa: BLE001  the thread has to survive, and every waiting task needs an answer
            outcomes = [exc] * len(group)
        if self._file is not None and any(_is_of_the_file(outcome) for outcome in outcomes):
            # What is wrong may be mended by the time of the next job; a fresh connection sees it.
            self._disconnect()
        return outcomes

    def _open(self) -> sqlite3.Connection:
        self._connection = self._connect()
        self._file = _identity(self._path)
        return self._connection

    def _refuse_moved_file(self) -> None:
        # SQLite would go on writing to a file that nobody can find any more.
        if self._file is not None and _identity(self._path) != self._file:
            raise StoreError(
                f"the store {self._path!r} was deleted or replaced while it was in use; nothing of the turn was kept. "
                "Put the file back, or go on: the next access opens what is at that path then, or begins a new store"
            )

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _is_of_the_file(outcome: object) -> bool:
    return isinstance(outcome, StoreError) or (isinstance(outcome, sqlite3.Error) and not is_busy(outcome))


def _transaction(connection: sqlite3.Connection, group: Sequence[Job]) -> list[object]:
    execute = connection.execute
    if len(group) == 1 and group[0].work is None:
        return [None]
    execute("BEGIN IMMEDIATE")
    try:
        is_alone = len(group) == 1
        outcomes = [_work(connection, job) if is_alone else _unit(connection, job) for job in group]
        reach("transaction:before")
        execute("COMMIT")
        reach("transaction:after")
    finally:
        if connection.in_transaction:
            execute("ROLLBACK")
    return outcomes


def _work(connection: sqlite3.Connection, job: Job) -> object:
    return None if job.work is None else job.work(connection)


def _unit(connection: sqlite3.Connection, job: Job) -> object:
    execute = connection.execute
    execute("SAVEPOINT unit")
    try:
        outcome = _work(connection, job)
    except Exception as exc:
        if not connection.in_transaction:
            # A full disk and the like take the whole transaction with them.
            raise
        execute("ROLLBACK TO unit")
        outcome = exc
    execute("RELEASE unit")
    return outcome


def _deliver(group: Sequence[Job], outcomes: Sequence[object]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Job, object]]] = {}
    for job, outcome in zip(group, outcomes, strict=True):
        by_loop.setdefault(job.loop, []).append((job, outcome))
    for loop, settled in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, settled)
        except RuntimeError:
            # The loop has ended, and with it the task that asked.
            continue


def _settle(settled: Sequence[tuple[Job, object]]) -> None:
    for job, outcome in settled:
        job.settle(outcome)


def _identity(path: str) -> tuple[int, int] | None:
    if path == MEMORY:
        return None
    try:
        found = os.stat(path)  # noqa: PTH116  once per commit; Path costs more than the call itself
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino
