"""Behind a real server: what only shows with sockets, signals and several processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from front_desk import ADA, Model, Served, desk

AGENT = '''
from agent_runtime_framework.journey import Journey, step

class Desk(Journey):
    """The desk of a small hotel."""
    ask = step("Ask how many nights they want to stay.")
'''


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, *options: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """`agent-runtime serve` in a process of its own."""
    (folder / "hotel.py").write_text(AGENT, encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "agent_runtime_framework.cli.main", "serve", "hotel.py", "--model", "offline"]
    # The command line answers at once; what a failure says is kept.
    process = subprocess.Popen(
        [*command, "--port", str(port), "--store", f"sqlite:///{folder}/chat.db", *options],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: is_ready(url) or process.poll() is not None)
        assert process.poll() is None, process.stdout and process.stdout.read()
        yield process, url
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready").status_code == 200
    except httpx.TransportError:
        return False


def wait_until(holds: Any, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def lines_of(url: str, into: list[str], headers: dict[str, str] | None = None) -> threading.Thread:
    """Reads a stream in a thread, until it ends."""
    has_begun = threading.Event()

    def read() -> None:
        with httpx.stream("GET", url, headers=headers, timeout=30) as response:
            for line in response.iter_lines():
                into.append(line)
                has_begun.set()
        has_begun.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert has_begun.wait(20)
    return thread


def test_a_reader_that_hangs_up_stops_nothing_and_is_forgotten() -> None:
    app = desk(Model("Hello."))
    with Served(app) as served, httpx.Client(base_url=served.url) as client:
        client.post("/conversations", json={"conversation_id": "c1"})
        with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as reader:
            reader.sendall(b"GET /conversations/c1/events HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in reader.recv(4096)
            wait_until(lambda: app.service.streams.open == 1)
        wait_until(lambda: app.service.streams.open == 0)
        reply = client.post("/conversations/c1/messages", json={"text": "hi"})

    assert reply.json()["text"] == "Hello."


def test_a_server_that_is_told_to_end_says_so_to_its_readers_and_ends(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-auth") as (process, url):
        httpx.post(f"{url}/conversations/c1/messages", json={"text": "hi"})
        lines: list[str] = []
        reader = lines_of(f"{url}/conversations/c1/events?after=0", lines)
        wait_until(lambda: "id: 1.end" in lines)
        process.send_signal(signal.SIGTERM)
        reader.join(10)
        assert process.wait(10) == 0

    assert not reader.is_alive()
    assert "event: server.closing" in lines


@pytest.mark.slow
def test_several_processes_serve_one_file(tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {ADA}"}
    with serving(tmp_path, "--api-key", f"{ADA}=ada", "--workers", "2") as (process, url):
        with httpx.Client(base_url=url, headers=headers) as client:
            assert client.post("/conversations", json={"conversation_id": "c1"}).status_code == 201
            readers: list[tuple[threading.Thread, list[str]]] = []
            for _ in range(6):
                lines: list[str] = []
                readers.append((lines_of(f"{url}/conversations/c1/events", lines, headers), lines))
            for each in range(4):
                # Each with a connection of its own, to whichever process takes it.
                reply = httpx.post(f"{url}/conversations/c1/messages", json={"text": str(each)}, headers=headers)
                assert reply.json()["turn"] == each + 1
            for _, lines in readers:
                wait_until(partial(lines.__contains__, "id: 4.end"))
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        for thread, _ in readers:
            thread.join(10)

    for _, lines in readers:
        heard = [json.loads(line[6:]) for line in lines if line.startswith("data: ") and '"run.started"' in line]
        assert [each["payload"]["heard"][0]["content"] for each in heard] == ["0", "1", "2", "3"]
        assert [line for line in lines if line.endswith(".end")] == [f"id: {turn}.end" for turn in range(1, 5)]
