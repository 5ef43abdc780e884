"""What a person reads when the file is not as it should be."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from agent_runtime_framework.errors import StoreError, StoreTooNew, StoreUnreadable
from agent_runtime_framework.store import Commit
from agent_runtime_framework.store.sqlite import SQLiteStore


def turn(revision: int = 0, text: str = "hi") -> Commit:
    return Commit(conversation_id="ada", agent_key="a", revision=revision, messages=[{"role": "user", "content": text}])


@pytest.mark.asyncio
async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes\n" * 50)

    with pytest.raises(StoreUnreadable, match=r"notes\.txt' is not a SQLite database; give the path of another file"):
        await SQLiteStore(path).load("ada", "a")

    assert path.read_text().startswith("not a database")


@pytest.mark.asyncio
async def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE messages (text)")
    connection.close()

    with pytest.raises(StoreUnreadable, match="holds tables that are not those of this store"):
        await SQLiteStore(path).commit(turn())

    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("messages",)]
    connection.close()


@pytest.mark.asyncio
async def test_a_table_of_conversations_that_is_not_ours_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE conversations (id)")
    connection.close()

    with pytest.raises(StoreUnreadable, match="'conversations' that is not ours"):
        await SQLiteStore(path).commit(turn())

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


@pytest.mark.asyncio
async def test_a_store_of_a_later_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteStore(path)
    await store.commit(turn())
    await store.aclose()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("INSERT INTO schema_version VALUES (99, 'later', '')")
    connection.close()

    with pytest.raises(StoreTooNew, match=r"schema version 99; .* Install the version that wrote it"):
        await SQLiteStore(path).load("ada", "a")


@pytest.mark.asyncio
async def test_a_damaged_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteStore(path)
    for number in range(50):
        await store.commit(turn(number, "x" * 2000))
    await store.aclose()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    path.write_bytes(content)

    with pytest.raises(StoreUnreadable, match=r"is damaged; nothing was changed. Restore a backup"):
        await SQLiteStore(path).load("ada", "a")


@pytest.mark.asyncio
async def test_a_message_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteStore(path)
    await store.commit(turn())
    connection = sqlite3.connect(path, isolation_level=None)
    # The table itself refuses such a text, so its guard has to go first.
    connection.executescript(
        "DROP VIEW transcript; ALTER TABLE messages DROP COLUMN role; ALTER TABLE messages DROP COLUMN call_id;"
        "UPDATE messages SET body = '{oops'"
    )
    connection.close()

    with pytest.raises(StoreUnreadable, match=r"conversation 'ada' that is no JSON .*'{oops'"):
        await store.load("ada", "a")
    await store.aclose()


@pytest.mark.asyncio
async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no directory '.*/missing'; create it first"):
        await SQLiteStore(tmp_path / "missing" / "chat.db").load("ada", "a")


@pytest.mark.asyncio
async def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="it is a directory; give the path of a file in it"):
        await SQLiteStore(tmp_path).load("ada", "a")


@pytest.mark.asyncio
async def test_a_deleted_file_is_noticed_and_the_store_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteStore(path)
    await store.commit(turn())
    assert len(await store.conversations()) == 1
    for each in ("chat.db", "chat.db-wal", "chat.db-shm"):
        (tmp_path / each).unlink()

    with pytest.raises(StoreError, match="was deleted or replaced while it was in use; nothing of the turn was kept"):
        await store.commit(turn(1))

    assert await store.conversations() == []
    assert (await store.load("ada", "a")).revision == 0
    assert await store.commit(turn()) == 1
    await store.aclose()


@pytest.mark.asyncio
async def test_a_locked_database_is_waited_for_and_then_said_to_be_locked(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteStore(path, busy_timeout=0.05)
    await store.commit(turn())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match=r"locked by another program for longer than the 0\.05 s"):
        await store.commit(turn(1))
    assert (await store.load("ada", "a")).revision == 1

    other.execute("ROLLBACK")
    assert await store.commit(turn(1)) == 2
    other.close()
    await store.aclose()


@pytest.mark.asyncio
async def test_the_event_loop_goes_on_while_a_commit_waits_for_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteStore(path)
    await store.commit(turn())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    waiting = asyncio.create_task(store.commit(turn(1)))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not waiting.done()

    other.execute("ROLLBACK")
    other.close()
    assert await waiting == 2
    await store.aclose()


@pytest.mark.asyncio
async def test_a_message_that_cannot_be_json_is_refused_at_once(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")

    for content in (object(), float("nan"), [b"bytes"]):
        with pytest.raises(StoreError, match="a message of conversation 'ada' cannot be stored, because it is no JSON"):
            await store.commit(
                Commit(
                    conversation_id="ada", agent_key="a", revision=0, messages=[{"role": "user", "content": content}]
                )
            )


def as_another_user(body: str, *arguments: object) -> str:
    script = (
        "import asyncio, os, sys\n"
        + textwrap.dedent("""
        from agent_runtime_framework.errors import StoreError
        from agent_runtime_framework.store import Commit, open_store
        from agent_runtime_framework.store.sqlite.schema import migrations
        migrations()  # read while this is still allowed
        messages = [{"role": "user", "content": "x" * 99}]
        turn = Commit(conversation_id="ada", agent_key="a", revision=0, messages=messages)
    """)
        + textwrap.dedent(body)
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


TRY = """
    store = open_store(f"sqlite:///{sys.argv[1]}")
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        asyncio.run(store.commit(turn))
    except StoreError as error:
        print(error)
"""


@pytest.fixture
def shared_path(tmp_path: Path) -> Path:
    for each in [tmp_path, *tmp_path.parents]:
        if each.stat().st_uid == os.geteuid() and each != each.parent and "pytest" in str(each):
            each.chmod(0o755)
    return tmp_path


def test_a_directory_that_may_not_be_written_is_named(shared_path: Path) -> None:
    shared_path.chmod(0o555)

    said = as_another_user(TRY, shared_path / "chat.db")

    assert "cannot be opened: this user may not read it or create files beside it; give it the right to" in said


def test_a_file_that_may_not_be_read_is_named(shared_path: Path) -> None:
    path = shared_path / "chat.db"
    asyncio.run(_make(path))
    path.chmod(0o000)
    shared_path.chmod(0o777)

    assert f"the store '{path}' cannot be opened: this user may not read it" in as_another_user(TRY, path)


def test_a_file_that_may_not_be_written_is_named(shared_path: Path) -> None:
    path = shared_path / "chat.db"
    asyncio.run(_make(path))
    path.chmod(0o444)
    shared_path.chmod(0o777)

    assert f"the store '{path}' cannot be written; make the file and its directory writable" in as_another_user(
        TRY, path
    )


def test_a_full_disk_keeps_whole_turns_only_and_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    said = as_another_user(
        """
        import resource
        from dataclasses import replace

        async def main():
            store = open_store(f"sqlite:///{sys.argv[1]}")
            revision = await store.commit(turn)
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
            try:
                while True:
                    revision = await store.commit(replace(turn, revision=revision))
            except StoreError as error:
                print(error)
            assert (await store.load("ada", "a")).revision == revision
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert await store.commit(replace(turn, revision=revision)) == revision + 1
            assert len((await store.load("ada", "a")).messages) == revision + 1
            await store.aclose()

        asyncio.run(main())
        """,
        path,
    )

    assert "nothing of the turn was kept" in said
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def _make(path: Path) -> None:
    store = SQLiteStore(path)
    await store.commit(turn())
    await store.aclose()
