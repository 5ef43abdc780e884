from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent_runtime_framework.cli.main import main
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime

JOURNEY = """
import asyncio, os
from pathlib import Path
from agent_runtime_framework.journey import Journey, step


class Model:
    def __init__(self, message=None):
        self.message, self.usage = message, {}

    async def generate(self, messages, **_):
        said = messages[-1]["content"]
        if said == "slow" and not Path("released").exists():
            Path("begun").touch()
            await asyncio.sleep(60)
        return Model({"role": "assistant", "content": f"{os.getpid()} heard {said}"})


class Greeter(Journey):
    '''Greets.'''

    greet = step("Greet.")


def agent():
    return Greeter.agent(Model())
"""


class Greeter(Journey):
    """Greets."""

    greet = step("Greet.")


@contextmanager
def working(folder: Path, url: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "greeter.py").write_text(JOURNEY)
    command = [sys.executable, "-m", "agent_runtime_framework.cli.main", "worker", "greeter.py:agent", "--store", url]
    with (folder / f"log-{time.monotonic_ns()}").open("wb") as log:
        process = subprocess.Popen([*command, *options], cwd=folder, stderr=log, env=os.environ)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


async def appears(path: Path) -> None:
    async with asyncio.timeout(20):
        while not path.exists():  # noqa: ASYNC110, ASYNC240  another process makes it
            await asyncio.sleep(0.05)


def logs(folder: Path) -> str:
    return "".join(path.read_text() for path in sorted(folder.glob("log-*")))


@pytest.mark.asyncio
async def test_workers_share_the_turns_that_another_process_accepts(tmp_path: Path, postgres_url: str) -> None:
    with working(tmp_path, postgres_url) as one, working(tmp_path, postgres_url) as two:
        async with Runtime(postgres_url, agents=[Greeter], works=False) as chats:
            await asyncio.wait_for(chats.send("first", "hi"), 20)
            replies = await asyncio.gather(*(chats.send(f"c{number}", "hi") for number in range(40)))

    by = [int(reply.text.split()[0]) for reply in replies]
    assert set(by) <= {one.pid, two.pid}
    assert [reply.text.partition(" ")[2] for reply in replies] == ["heard hi"] * 40


@pytest.mark.asyncio
async def test_a_worker_that_is_told_to_end_gives_back_what_is_unfinished(tmp_path: Path, postgres_url: str) -> None:
    async with Runtime(postgres_url, agents=[Greeter], works=False) as chats:
        with working(tmp_path, postgres_url, "--grace", "0.2") as leaving:
            await chats.accept("ada", "slow", message_id="m1")
            await appears(tmp_path / "begun")
            (tmp_path / "released").touch()
            with working(tmp_path, postgres_url) as heir:
                leaving.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(leaving.wait, 20) == 0
                reply = await asyncio.wait_for(chats.reply_to("ada", "m1"), 20)

        assert reply.text == f"{heir.pid} heard slow"
        assert [turn.attempts for turn in await chats.turns("ada")] == [1]
    assert "ending" in logs(tmp_path)
    assert "not-a-secret" not in logs(tmp_path)


@pytest.mark.asyncio
async def test_the_turns_of_a_worker_that_is_killed_are_continued_by_another(tmp_path: Path, postgres_url: str) -> None:
    async with Runtime(postgres_url, agents=[Greeter], works=False) as chats:
        with working(tmp_path, postgres_url, "--lease", "2") as dying:
            await chats.accept("ada", "slow", message_id="m1")
            await appears(tmp_path / "begun")
            (tmp_path / "released").touch()
            dying.kill()
        with working(tmp_path, postgres_url, "--lease", "2") as heir:
            reply = await asyncio.wait_for(chats.reply_to("ada", "m1"), 20)

        assert reply.text == f"{heir.pid} heard slow"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--store", "memory://"], "is this process's own"),
        (["--store", "sqlite:///x.db", "--concurrency", "0"], "--concurrency is 0; expected 1 or more"),
        (["--store", "sqlite:///x.db", "--lease", "0.1"], "--lease is 0.1; expected 1 second or more"),
    ],
)
def test_what_cannot_be_meant_is_said(
    options: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "greeter.py").write_text(JOURNEY)

    assert main(["worker", f"{tmp_path}/greeter.py:agent", *options]) == 2
    assert expected in capsys.readouterr().err
