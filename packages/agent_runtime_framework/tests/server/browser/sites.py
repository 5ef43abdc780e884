"""Servers of ours, as processes, for the tests that use a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
START_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Site:
    """A server, and what its tools did."""

    url: str
    ledger: Path

    @property
    def charges(self) -> list[str]:
        return self.ledger.read_text().split() if self.ledger.exists() else []


@contextmanager
def served(command: list[str], folder: Path, ledger: Path) -> Generator[str]:
    """A server of ours on a free port, as a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "agent_runtime_framework.cli.main", *command, "--port", str(port)],
            cwd=folder,
            env={**os.environ, "TEA_LEDGER": str(ledger)},
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/health", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the server did not start:\n{log.read_text()}")
