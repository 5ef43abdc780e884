"""A file that may not be written, or is gone, in the midst of conversations: said clearly, and survived."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from corner_shop import Held, Ledger, Shop, echo, first_calls

from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.testing.invariants import broken_invariants

PROGRAM = """
import asyncio, os, sys
from contextlib import contextmanager
from pathlib import Path
from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.runtime import Runtime
from corner_shop import Held, Ledger, Shop, echo

folder, path = Path(sys.argv[1]), Path(sys.argv[1], "chat.db")
NOBODY, is_root = 65534, os.geteuid() == 0

@contextmanager
def as_owner():
    if is_root:
        os.seteuid(0)
    yield
    if is_root:
        os.seteuid(NOBODY)

def allow(file, directory):
    with as_owner():
        folder.chmod(directory)
        for each in folder.iterdir():
            each.chmod(file)

def runtime(url=f"sqlite:///{path}"):
    return Runtime(url, [Shop.agent(Held(echo), provide=[Ledger()])], lease=0.5)

async def refused(chats, message_id):
    try:
        reply = await asyncio.wait_for(chats.send("ada", "hi", message_id=message_id), 5)
    except StoreError as error:
        print("refused", error)
    else:
        print("not refused", reply.status)

async def answered(chats, message_id):
    print("answered", message_id, (await asyncio.wait_for(chats.send("ada", "hi", message_id=message_id), 5)).turn)

async def warm_up():
    # What is loaded late is loaded while this is still allowed.
    async with runtime("memory://") as chats:
        await chats.send("ada", "hi")

asyncio.run(warm_up())
"""

READ_ONLY = """
async def main():
    async with runtime() as chats:
        await answered(chats, "m1")
    allow(0o444, 0o777)
    try:
        async with runtime() as chats:
            await refused(chats, "m2")
            allow(0o666, 0o777)
            await answered(chats, "m2")
    except StoreError as error:
        print("not opened", error)

if is_root:
    folder.chmod(0o777)
    os.seteuid(NOBODY)
asyncio.run(main())
"""

FORBIDDEN = """
async def main():
    async with runtime() as chats:
        await answered(chats, "m1")
        # The file is open, so nothing is lost while it stays so.
        allow(0o000, 0o555)
        await chats.store.aclose()
        await refused(chats, "m2")
        await refused(chats, "m2")
        allow(0o666, 0o777)
        await answered(chats, "m2")
    allow(0o000, 0o555)
    try:
        async with runtime() as chats:
            print("opened")
    except StoreError as error:
        print("not opened", error)
    allow(0o666, 0o777)
    async with runtime() as chats:
        await answered(chats, "m1")
        await answered(chats, "m3")

if is_root:
    folder.chmod(0o777)
    os.seteuid(NOBODY)
asyncio.run(main())
"""


def run(program: str, folder: Path) -> list[str]:
    places = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM + program, str(folder)],
        capture_output=True, text=True, env=environment, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory that another user reaches."""
    for each in [tmp_path, *tmp_path.parents]:
        if "pytest" in str(each) and each.stat().st_uid == os.geteuid():
            each.chmod(0o755)
    made = tmp_path / "data"
    made.mkdir()
    return made


def test_a_file_that_may_only_be_read_refuses_messages_until_it_may_be_written(folder: Path) -> None:
    first, refused, answered = run(READ_ONLY, folder)

    assert first == "answered m1 1"
    assert refused.startswith("refused the store")
    assert "cannot be written; make the file and its directory writable" in refused
    assert answered == "answered m2 2"
    assert broken_invariants(folder / "chat.db") == []


def test_a_file_that_may_no_longer_be_read_refuses_messages_until_it_may_be_again(folder: Path) -> None:
    lines = run(FORBIDDEN, folder)

    assert lines[0] == "answered m1 1"
    for each in lines[1:3]:
        assert each.startswith("refused the store")
        assert "this user may not read it" in each
    assert lines[3] == "answered m2 2"
    assert lines[4].startswith("not opened the store")
    assert "this user may not read it" in lines[4]
    assert lines[5:] == ["answered m1 1", "answered m3 3"]
    assert broken_invariants(folder / "chat.db") == []


@pytest.mark.asyncio
async def test_a_file_that_is_deleted_between_turns_is_noticed_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    agents = [Shop.agent(Held(echo), provide=[Ledger()])]
    async with Runtime(f"sqlite:///{path}", agents) as chats:
        await chats.send("ada", "hi", message_id="m1")
        delete(path)
        with pytest.raises(StoreError, match="was deleted or replaced while it was in use"):
            await asyncio.wait_for(chats.send("ada", "hi", message_id="m2"), 5)

        again = await asyncio.wait_for(chats.send("ada", "hi", message_id="m2"), 5)
        assert (again.status, again.turn) == ("answered", 1)
    assert broken_invariants(path) == []


@pytest.mark.asyncio
@pytest.mark.parametrize("tool", ["add", "charge"])
async def test_a_file_that_is_deleted_during_a_turn_is_told_to_whoever_waits(tool: str, tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    llm, ledger = Held(first_calls(tool)), Ledger()
    llm.may_reply.clear()
    agents = [Shop.agent(llm, provide=[ledger])]
    async with Runtime(f"sqlite:///{path}", agents, host=LocalHost(sweep=0.05), lease=0.3) as chats:
        waiting = asyncio.ensure_future(chats.send("ada", "hi", message_id="m1"))
        await llm.is_asked.wait()
        delete(path)
        llm.may_reply.set()
        # Nobody knows the message any more, and nothing of it is kept.
        assert (await asyncio.wait_for(waiting, 5)).status == "cancelled"

        again = await asyncio.wait_for(chats.send("ada", "hi", message_id="m1"), 5)
        assert (again.status, again.turn) == ("answered", 1)
        assert [turn.no for turn in await chats.turns("ada")] == [1]
        assert ledger.done == [tool][: len(ledger.done)]
    assert broken_invariants(path) == []


def delete(path: Path) -> None:
    for each in path.parent.glob("chat.db*"):
        each.unlink()
