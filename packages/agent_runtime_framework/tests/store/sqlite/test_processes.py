"""Several processes, threads, loops and ends of processes on one file."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import struct
import subprocess
import sys
import textwrap
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_runtime_framework.store import Commit
from agent_runtime_framework.store.sqlite import SQLiteStore

PRELUDE = textwrap.dedent("""
    import asyncio, os, sys
    from agent_runtime_framework.errors import ConversationConflict
    from agent_runtime_framework.store import Commit, open_store
    store = open_store(f"sqlite:///{sys.argv[1]}")
    def turn(revision, text="hi"):
        messages = [{"role": "user", "content": text}]
        return Commit(conversation_id="ada", agent_key="a", revision=revision, messages=messages, state='{"n":1}')
""")


def python(body: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(body), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def turn(revision: int, conversation_id: str = "ada") -> Commit:
    messages = [{"role": "user", "content": "hi"}]
    return Commit(conversation_id=conversation_id, agent_key="a", revision=revision, messages=messages)


def rows(path: Path, query: str) -> Sequence[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_an_acknowledged_turn_survives_the_end_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    process = python(
        """
        async def main():
            for revision in range(int(sys.argv[2])):
                await store.commit(turn(revision))
            os._exit(7)
        asyncio.run(main())
        """,
        path,
        25,
    )
    assert process.wait() == 7
    process.communicate()

    stored = asyncio.run(_load(path))

    assert (stored.revision, len(stored.messages), stored.state) == (25, 25, '{"n":1}')


def test_no_acknowledged_turn_is_lost_to_kill_9_and_no_half_turn_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    for _ in range(5):
        process = python(
            """
            async def main():
                revision = (await store.load("ada", "a")).revision
                while True:
                    revision = await store.commit(turn(revision))
                    print(revision, flush=True)
            asyncio.run(main())
            """,
            path,
        )
        assert process.stdout is not None
        for _ in range(10):
            process.stdout.readline()
        process.kill()
        rest, _ = process.communicate()
        acknowledged = int(rest.split()[-1]) if rest.split() else 0

        stored = asyncio.run(_load(path))
        assert stored.revision >= acknowledged
        assert len(stored.messages) == stored.revision
        assert rows(path, "SELECT count(*), max(no) FROM turns") == [(stored.revision, stored.revision)]


def test_several_processes_on_one_conversation_lose_no_update(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    body = """
        async def main():
            for number in range(15):
                while True:
                    revision = (await store.load("ada", "a")).revision
                    try:
                        await store.commit(turn(revision, f"{sys.argv[2]} {number}"))
                        break
                    except ConversationConflict:
                        continue
            await store.aclose()
        asyncio.run(main())
    """
    processes = [python(body, path, name) for name in "abc"]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors

    stored = asyncio.run(_load(path))

    said = [message["content"] for message in stored.messages]
    assert stored.revision == 45
    for name in "abc":
        assert [text for text in said if text.startswith(name)] == [f"{name} {number}" for number in range(15)]


def test_a_forgotten_store_neither_hangs_nor_warns_at_exit(tmp_path: Path) -> None:
    process = python("asyncio.run(store.commit(turn(0)))", tmp_path / "chat.db")
    _, errors = process.communicate(timeout=30)

    assert (process.returncode, errors) == (0, "")


def test_a_store_that_is_collected_ends_its_thread(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    asyncio.run(store.commit(turn(0)))
    assert _writers()

    del store
    gc.collect()

    assert not _writers()


def test_one_store_serves_one_event_loop_after_another(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")

    for revision in range(3):
        assert asyncio.run(store.commit(turn(revision))) == revision + 1
    assert asyncio.run(_use_and_close(store)) == 3


def test_one_store_serves_several_threads_with_loops_of_their_own(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")

    async def talk(name: str) -> None:
        for revision in range(20):
            assert (await store.load(name, "a")).revision == revision
            await store.commit(turn(revision, name))

    threads = [threading.Thread(target=lambda name=name: asyncio.run(talk(name))) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    infos = asyncio.run(_list_and_close(store))
    assert {(info.conversation_id, info.revision) for info in infos} == {(name, 20) for name in "abcd"}


def test_both_sides_of_a_fork_can_go_on(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    process = python(
        """
        asyncio.run(store.commit(turn(0)))
        asyncio.run(store.load("ada", "a"))
        child = os.fork()
        if child == 0:
            if os.path.isdir("/proc/self/fd"):
                inherited = [os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")[:-1]]
                assert not [each for each in inherited if "chat.db" in each]
            asyncio.run(store.commit(turn(1)))
            asyncio.run(store.aclose())
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert asyncio.run(store.load("ada", "a")).revision == 2
        asyncio.run(store.commit(turn(2)))
        asyncio.run(store.aclose())
        """,
        path,
    )
    _, errors = process.communicate(timeout=30)

    assert process.returncode == 0, errors
    assert asyncio.run(_load(path)).revision == 3
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.asyncio
async def test_what_waits_together_is_committed_together(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteStore(path)
    await store.commit(turn(0))
    before = _transactions(path)

    await asyncio.gather(*(store.commit(turn(0, f"c{number}")) for number in range(200)))

    assert _transactions(path) - before <= 10
    assert len(await store.conversations(limit=500)) == 201
    await store.aclose()


@pytest.mark.asyncio
async def test_a_turn_is_one_transaction(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteStore(path)
    await store.commit(turn(0))
    before = _transactions(path)

    for revision in range(1, 11):
        assert (await store.load("ada", "a", after=revision)).revision == revision
        await store.commit(turn(revision))

    assert _transactions(path) - before == 10
    await store.aclose()


@pytest.mark.asyncio
async def test_a_cancelled_commit_is_done_or_refused_when_its_task_ends(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    await store.commit(turn(0))

    task = asyncio.create_task(store.commit(turn(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await store.load("ada", "a")).revision == 2
    await store.aclose()


@pytest.mark.asyncio
async def test_the_tables_are_readable_by_any_client(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteStore(path, clock=lambda: datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    await store.commit(
        Commit(
            conversation_id="ada",
            agent_key="intake",
            revision=0,
            messages=[
                {"role": "user", "content": "hi"},
                {"role": "tool", "content": "ok", "tool_call_id": "c1", "name": "t"},
            ],
            state="{}",
            step="email",
        )
    )

    time = "2026-03-01T12:30:00.000+00:00"
    assert rows(path, "SELECT * FROM transcript") == [
        ("ada", 1, 1, "intake", "email", time, "user", None, '{"role":"user","content":"hi"}'),
        ("ada", 2, 1, "intake", "email", time, "tool", "c1",
         '{"role":"tool","content":"ok","tool_call_id":"c1","name":"t"}'),
    ]  # fmt: skip
    versions = rows(path, "SELECT version, name FROM schema_version")
    assert versions[:2] == [(1, "0001_conversations"), (2, "0002_delivery")]
    assert [version for version, _ in versions] == list(range(1, len(versions) + 1))
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]
    assert [info.updated_at for info in await store.conversations()] == [time]
    await store.aclose()


def test_a_short_turn_takes_less_than_a_kilobyte(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    asyncio.run(_say_300_times(path))

    assert path.stat().st_size / 300 < 1000


async def _say_300_times(path: Path) -> None:
    store = SQLiteStore(path)
    call = {
        "id": "call_save_name",
        "type": "function",
        "function": {"name": "save_name", "arguments": '{"name":"Ada"}'},
    }
    messages = [
        {"role": "user", "content": "I'm Ada Lovelace"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "Saved.", "tool_call_id": "call_save_name", "name": "save_name"},
        {"role": "assistant", "content": "Nice to meet you, Ada! What is your email address?"},
    ]
    for revision in range(300):
        await store.commit(
            Commit(
                conversation_id="9f0f8f5e-7e61-4a7b-9a77-0e9f4a9f9b11",
                agent_key="intake",
                revision=revision,
                messages=messages,
                state='{"step":"collect_email","name":"Ada Lovelace"}',
                step="collect_email",
            )
        )
    await store.aclose()


async def _load(path: Path):
    store = SQLiteStore(path)
    try:
        return await store.load("ada", "a")
    finally:
        await store.aclose()


async def _use_and_close(store: SQLiteStore) -> int:
    revision = (await store.load("ada", "a")).revision
    await store.aclose()
    return revision


async def _list_and_close(store: SQLiteStore):
    infos = await store.conversations()
    await store.aclose()
    return infos


def _transactions(path: Path) -> int:
    """How many transactions the write-ahead log holds: those of its frames that carry the size of the database."""
    log = path.with_name(f"{path.name}-wal").read_bytes()
    (page_size,) = struct.unpack(">I", log[8:12])
    return sum(log[at + 4 : at + 8] != b"\0\0\0\0" for at in range(32, len(log), 24 + page_size))


def _writers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "agent-runtime-sqlite"]
