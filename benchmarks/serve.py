"""What serving costs: `python -m benchmarks.serve [REQUESTS]`.

A process serves a journey with a model that takes no time, on SQLite with `synchronous=FULL`. Another serves a bare
Starlette endpoint that writes the same rows in the same number of transactions. Both get the same requests, in one run.
Then 500 streams are opened, and a message is sent to each conversation that is watched.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from agent_runtime_core.interfaces import LLMStreamChunk
from agent_runtime_framework.journey import Journey, step
from benchmarks.measure import note

CONNECTIONS, STREAMS = 16, 500
SHARES = ("p50", "p99")


class Echo(Journey):
    """Answers."""

    talking = step("Talk.")


class Instant:
    """A model that answers at once, whole or in one piece."""

    def __init__(self, message: dict[str, Any] | None = None) -> None:
        self.message, self.usage = message, {"total_tokens": 1}

    async def generate(self, messages: Sequence[dict[str, Any]], **_: Any) -> Instant:
        return Instant({"role": "assistant", "content": "x" * 300})

    async def stream(self, messages: Sequence[dict[str, Any]], **_: Any) -> AsyncIterator[LLMStreamChunk]:
        yield LLMStreamChunk(delta="x" * 300, finish_reason="stop", usage={"total_tokens": 1})


def serve_journey(folder: str, port: int) -> None:
    """The process that is measured."""
    import uvicorn

    from agent_runtime_framework.runtime import Runtime
    from agent_runtime_framework.server import Limits, create_app

    runtime = Runtime(f"sqlite:///{folder}/journey.db", [Echo.agent(Instant())])
    app = create_app(runtime, limits=Limits(rate=None, streams=None, all_streams=None))
    uvicorn.run(app, port=port, log_level="warning")


def serve_rows(folder: str, port: int) -> None:
    """The process it is compared with: the same rows, in as many transactions, by a thread that writes."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    kept = threading.local()

    def write(text: str) -> str:
        if not hasattr(kept, "connection"):
            kept.connection = sqlite3.connect(f"{folder}/rows.db", isolation_level=None, timeout=30)
            kept.connection.execute("PRAGMA journal_mode = WAL")
            kept.connection.execute("PRAGMA synchronous = FULL")
            kept.connection.execute("CREATE TABLE IF NOT EXISTS rows (no INTEGER PRIMARY KEY, body TEXT)")
        rows = [["inbox", "turn", text], ["question", "x" * 300, "state", "turn", "receipt"]]
        for bodies in rows:
            kept.connection.execute("BEGIN IMMEDIATE")
            kept.connection.executemany("INSERT INTO rows (body) VALUES (?)", [(body,) for body in bodies])
            kept.connection.execute("COMMIT")
        return "x" * 300

    async def answer(request: Request) -> JSONResponse:
        text = (await request.json())["text"]
        return JSONResponse({"text": await asyncio.to_thread(write, text)})

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({})

    routes = [Route("/conversations/{id}/messages", answer, methods=["POST"]), Route("/health", health)]
    uvicorn.run(Starlette(routes=routes), port=port, log_level="warning")


class Client:
    """One connection that is kept open; as little as HTTP needs, so that the servers are what is measured."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> Client:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def post(self, path: str, body: dict[str, Any]) -> int:
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        self.writer.write(head.encode() + data)
        found = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(found.split(b"content-length:")[1].split(b"\r\n")[0])
        await self.reader.readexactly(length)
        return int(found.split()[1])

    async def watch(self, path: str) -> None:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise ConnectionError(f"a stream was refused: {head.decode()}{(await self.reader.read(2000)).decode()}")
        await self.reader.readuntil(b": here")

    async def until(self, words: bytes) -> float:
        await self.reader.readuntil(words)
        return time.perf_counter()

    def close(self) -> None:
        self.writer.close()


async def load(port: int, requests: int) -> tuple[float, list[float], int]:
    """Requests per second, the seconds of each, and how many failed."""
    seconds: list[float] = []
    failed = 0

    async def visit(name: int) -> None:
        nonlocal failed
        client = await Client(port).open()
        for _ in range(requests // CONNECTIONS):
            began = time.perf_counter()
            failed += await client.post(f"/conversations/load{name}/messages", {"text": "hi"}) != 200
            seconds.append(time.perf_counter() - began)
        client.close()

    began = time.perf_counter()
    await asyncio.gather(*(visit(name) for name in range(CONNECTIONS)))
    return len(seconds) / (time.perf_counter() - began), seconds, failed


async def first_tokens(port: int, times: int) -> list[float]:
    """Seconds from a message to the first piece of its reply, for somebody who watches."""
    watching, sending = await Client(port).open(), await Client(port).open()
    await sending.post("/conversations/first/messages", {"text": "hi"})
    await watching.watch("/conversations/first/events")
    found: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        posted = asyncio.ensure_future(sending.post("/conversations/first/messages", {"text": "hi", "wait": False}))
        found.append(await watching.until(b'"assistant.delta"') - began)
        await posted
        await watching.until(b'"run.succeeded"')
    watching.close()
    sending.close()
    return found


async def streams(port: int, pid: int) -> tuple[float, float, int]:
    """KiB that an open stream holds, before and after a turn in each, and how many got no answer."""
    sender = await Client(port).open()
    for number in range(STREAMS):
        await sender.post(f"/conversations/stream{number}/messages", {"text": "hi"})
    before = _resident(pid)
    readers = [await Client(port).open() for _ in range(STREAMS)]
    for number, reader in enumerate(readers):
        await reader.watch(f"/conversations/stream{number}/events")
    opened = _resident(pid)
    for number in range(STREAMS):
        await sender.post(f"/conversations/stream{number}/messages", {"text": "hi"})
    waiting = [asyncio.wait_for(reader.until(b'"run.succeeded"'), 10) for reader in readers]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    after = _resident(pid)
    for each in (*readers, sender):
        each.close()
    missing = sum(isinstance(each, BaseException) for each in answers)
    return (opened - before) / STREAMS, (after - before) / STREAMS, missing


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def _share(seconds: Sequence[float], which: str) -> float:
    ordered = sorted(seconds)
    return statistics.median(ordered) if which == "p50" else ordered[int(len(ordered) * 0.99)]


async def measure(ports: tuple[int, int], pid: int, requests: int) -> None:
    """Print everything."""
    for port in ports:
        await load(port, CONNECTIONS * 10)
    (rate, seconds, failed), (bare_rate, bare_seconds, _) = [await load(port, requests) for port in ports]
    print(f"{requests} messages over {CONNECTIONS} connections, {failed} failed")
    print(f"  requests/s  {rate:7.0f}      bare {bare_rate:7.0f}      {rate / bare_rate:5.2f}x")
    note("time per served message / a bare endpoint that writes the same rows", bare_rate / rate)
    for which in SHARES:
        ours, bare = _share(seconds, which) * 1000, _share(bare_seconds, which) * 1000
        print(f"  {which}         {ours:7.1f} ms   bare {bare:7.1f} ms   {ours / bare:5.2f}x")
    tokens = await first_tokens(ports[0], 300)
    print("first token " + ", ".join(f"{which} {_share(tokens, which) * 1000:.1f} ms" for which in SHARES))
    opened, after, missing = await streams(ports[0], pid)
    print(f"{STREAMS} streams: {opened:.0f} KiB each, {after:.0f} KiB with a turn in each; {missing} got no answer")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("a server did not start")


def main(requests: int = 3_000) -> None:
    spawn = multiprocessing.get_context("spawn")
    servers: tuple[Callable[[str, int], None], ...] = (serve_journey, serve_rows)
    ports = (_free_port(), _free_port())
    with tempfile.TemporaryDirectory() as folder:
        started = [
            spawn.Process(target=server, args=(folder, port)) for server, port in zip(servers, ports, strict=True)
        ]
        for each in started:
            each.start()
        try:
            for port in ports:
                _wait_for(port)
            asyncio.run(measure(ports, started[0].pid or 0, requests))
        finally:
            for each in started:
                each.terminate()
                each.join()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
