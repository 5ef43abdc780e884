"""A nursery of processes that work on a store, for somebody who kills them.

    workers.py FOLDER STORE MODEL_URL LEASE

Everything is imported once; a line `SLOT PLACES` on the standard input forks a worker, and its process id is the
answer. PLACES is after how many named places it kills itself, 0 for never. A worker ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

# The vendor's SDK takes a second to import; here once for all workers.
import openai  # noqa: F401  # pyright: ignore[reportUnusedImport]
from clocks import MovedClock
from stall import Notes, Stall

from agent_runtime_core.llm.openai import OpenAIClient
from agent_runtime_core.llm.retry import RetryPolicy
from agent_runtime_framework import JourneyConfig
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.crash_points import watched
from agent_runtime_framework.runtime import LocalHost, Runtime


def agent_of(folder: Path, model_url: str) -> JourneyAgent[Stall, Any, Any]:
    """The stall, with a model that is asked over the wire, and not for long."""
    retry = RetryPolicy(attempts=5, base=0.05, cap=0.4, window=20)
    client = OpenAIClient("any", "fake-model", base_url=model_url, timeout=0.8, retry=retry)
    return Stall.agent(client, provide=[Notes(folder)], config=JourneyConfig(context=12))


def runtime_of(folder: Path, store: str, model_url: str, lease: float, slot: int, *, works: bool = True) -> Runtime:
    """The runtime of one process."""
    host = LocalHost(concurrency=10, sweep=0.4, poll=0.5, grace=2) if works else None
    agents = [agent_of(folder, model_url)]
    clock = MovedClock(folder, slot)
    return Runtime(store, agents, host=host, works=works, lease=lease, max_attempts=1_000, clock=clock)


async def work(runtime: Runtime) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with runtime:
        await stopped.wait()


def die_after(places: int) -> None:
    """Kill this process at the n-th named place it comes to."""
    left = places

    def watch(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    # Never left: the process ends in it.
    watched(watch).__enter__()


def be_worker(folder: Path, store: str, model_url: str, lease: float, slot: int, places: int) -> None:
    logging.basicConfig(filename=folder / f"log-{slot}", level=logging.ERROR)
    logging.getLogger("agent_runtime_framework.runtime.worker").setLevel(logging.CRITICAL)
    if places:
        die_after(places)
    asyncio.run(work(runtime_of(folder, store, model_url, lease, slot)))


def main(folder: str, store: str, model_url: str, lease: str) -> None:
    # Nobody waits for the dead.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        slot, places = map(int, line.split())
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            status = 1
            try:
                be_worker(Path(folder), store, model_url, float(lease), slot, places)
                status = 0
            finally:
                os._exit(status)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
