"""Weather servers: real processes, spoken to through pipes or over HTTP on the loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio

from agent_runtime_framework.mcp import MCPServer

PROGRAM = Path(__file__).with_name("weather_server.py")


@dataclass
class Weather:
    """A weather server, and what has reached it."""

    log: Path
    server: MCPServer
    port: int | None = None
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    @property
    def noted(self) -> list[dict[str, Any]]:
        """All that has reached it."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines]

    def calls(self, tool: str) -> list[dict[str, Any]]:
        """The calls of a tool that have reached it."""
        return [each for each in self.noted if each.get("tool") == tool]

    @property
    def pids(self) -> list[int]:
        """The processes, in the order they were started."""
        return list(dict.fromkeys(each["pid"] for each in self.noted))

    async def until(self, tool: str, what: str) -> None:
        """Wait until something has happened in a tool."""
        async with asyncio.timeout(30):
            while not any(each.get(what) for each in self.calls(tool)):  # noqa: ASYNC110  another process notes it
                await asyncio.sleep(0.02)

    def start(self) -> None:
        """Start it as a process that listens."""
        if self.port is None:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        command = [sys.executable, str(PROGRAM), str(self.log), str(self.port)]
        self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    async def listens(self) -> None:
        """Wait until it does."""
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    def stop(self) -> None:
        """End the processes that listen."""
        for process in self.processes:
            process.kill()
            process.wait(30)
        self.processes.clear()


@pytest_asyncio.fixture
async def weather(tmp_path: Path) -> AsyncIterator[Weather]:
    log = tmp_path / "log"
    server = MCPServer.stdio(sys.executable, str(PROGRAM), str(log), name="weather", connect_timeout=60)
    yield Weather(log, server)
    await server.aclose()


@contextmanager
def listening(log: Path) -> Generator[Weather]:
    """A weather server that listens."""
    weather = Weather(log, MCPServer.http("http://unused"))
    weather.start()
    weather.server = MCPServer.http(f"http://127.0.0.1:{weather.port}/mcp", name="weather", connect_timeout=60)
    try:
        yield weather
    finally:
        weather.stop()


@pytest_asyncio.fixture
async def remote_weather(tmp_path: Path) -> AsyncIterator[Weather]:
    with listening(tmp_path / "log") as weather:
        await weather.listens()
        yield weather
        await weather.server.aclose()
