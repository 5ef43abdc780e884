from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_framework.store.sqlite.database import Database


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(str(tmp_path / "chat.db"), 5.0)
    yield made
    made.close()


def add(name: str):
    def work(connection: sqlite3.Connection) -> str:
        row = (name, "2026-01-01", "2026-01-01")
        connection.execute("INSERT INTO conversations (id, created_at, updated_at) VALUES (?, ?, ?)", row)
        if name.startswith("bad"):
            raise ValueError(name)
        return name

    return work


def names(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT id FROM conversations ORDER BY id")]


@pytest.mark.asyncio
async def test_work_that_fails_half_way_is_undone_and_its_neighbours_are_not(database: Database) -> None:
    outcomes = await asyncio.gather(
        *(database.write(add(name)) for name in ("a", "bad 1", "b", "bad 2", "c")), return_exceptions=True
    )

    assert [str(outcome) for outcome in outcomes] == ["a", "bad 1", "b", "bad 2", "c"]
    assert await database.read(names) == ["a", "b", "c"]


@pytest.mark.asyncio
async def test_work_that_fails_alone_is_undone(database: Database) -> None:
    with pytest.raises(ValueError, match="bad"):
        await database.write(add("bad"))

    assert await database.read(names) == []


@pytest.mark.asyncio
async def test_every_transaction_is_on_the_disk_before_it_is_acknowledged(database: Database) -> None:
    full = 2

    assert await database.write(lambda connection: connection.execute("PRAGMA synchronous").fetchone()) == (full,)


@pytest.mark.asyncio
async def test_a_reader_sees_no_transaction_that_is_not_finished(database: Database) -> None:
    await database.write(add("a"))

    def slow(connection: sqlite3.Connection) -> None:
        add("b")(connection)
        seen.append(asyncio.run_coroutine_threadsafe(database.read(names), loop).result(5))

    seen: list[list[str]] = []
    loop = asyncio.get_running_loop()
    await database.write(slow)

    assert seen == [["a"]]
    assert await database.read(names) == ["a", "b"]


@pytest.mark.asyncio
async def test_a_large_read_does_not_run_in_the_loop_s_thread(database: Database) -> None:
    import threading

    def where(connection: sqlite3.Connection) -> threading.Thread:
        return threading.current_thread()

    assert await database.read(where) is threading.current_thread()
    assert await database.read(where, is_large=True) is not threading.current_thread()
