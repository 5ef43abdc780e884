"""What the framework weighs: bytes and commits a turn, memory of an idle conversation, import time, distributions."""

from __future__ import annotations

import asyncio
import gc
import shutil
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from importlib.metadata import distribution
from pathlib import Path

from agent_runtime_framework import MemoryManager
from benchmarks.intake import InstantModel, IntakeAgent
from benchmarks.short_form import READY, TEN_STEPS

SAYING = "It is something the person said"


async def storage(turns: int = 300) -> None:
    """Bytes a turn in the file, after the log was folded in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.db"
        async with MemoryManager.from_url(f"sqlite:///{path}") as memory:
            agent = IntakeAgent(InstantModel(), memory=memory)
            await agent.chat(SAYING, "c")
            await memory.aclose()
            before = path.stat().st_size
            for _ in range(turns):
                await agent.chat(SAYING, "c")
        print(f"Storage: {(path.stat().st_size - before) / turns:.0f} bytes a turn over {turns} turns")


def syncs(turns: int = 200) -> None:
    """Syncs a turn, counted by strace where it is installed; a checkpoint of the log adds a few."""
    strace = shutil.which("strace")
    if strace is None:
        print("Syncs: strace is not installed; not counted")
        return
    counts: list[int] = []
    for number in (0, turns):
        command = [strace, "-f", "-c", "-e", "trace=fsync,fdatasync", sys.executable, "-m", "benchmarks.footprint"]
        done = subprocess.run([*command, str(number)], capture_output=True, text=True, check=True)
        rows = [line.split() for line in done.stderr.splitlines() if line.rstrip().endswith(("fsync", "fdatasync"))]
        counts.append(sum(int(cells[3]) for cells in rows))
    print(f"Syncs: {(counts[1] - counts[0]) / turns:.2f} a turn over {turns} turns, checkpoints included")


async def idle(conversations: int = 200, turns: int = 5) -> None:
    """Memory of a hot conversation, against the characters of its messages."""
    async with MemoryManager.from_url("memory://") as memory:
        agent = IntakeAgent(InstantModel(), memory=memory)
        await agent.chat(SAYING, "warm")
        gc.collect()
        tracemalloc.start()
        for number in range(conversations):
            for _ in range(turns):
                await agent.chat(SAYING, f"c{number}")
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    each = held / conversations
    print(
        f"Memory: {each / 1024:.1f} KiB a conversation of {turns} turns ({each / turns:.0f} bytes a turn with its text)"
    )


def imports(rounds: int = 9) -> None:
    """CPU time of an import over `import asyncio, dataclasses`, each in a fresh interpreter, taken in turn."""
    statements = {
        "base": "import asyncio, dataclasses",
        "agent_runtime_core": "import asyncio, dataclasses, agent_runtime_core",
        "agent_runtime_framework": "import asyncio, dataclasses, agent_runtime_framework",
    }
    clock = "import time; begin = time.process_time(); {}; print(time.process_time() - begin)"
    taken: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds):
        for name, statement in statements.items():
            done = subprocess.run(
                [sys.executable, "-c", clock.format(statement)], capture_output=True, text=True, check=True
            )
            taken[name].append(float(done.stdout) * 1000)
    base = statistics.median(taken["base"])
    print(f"Imports: asyncio and dataclasses {base:.0f} ms")
    for name in list(statements)[1:]:
        print(f"  {name}: {statistics.median(taken[name]) - base:+.0f} ms")


def journey_module(rounds: int = 9) -> None:
    """Wall time of importing a journey of ten steps, Pydantic included, and of making it ready for a turn."""
    clock = (
        "import time; a = time.perf_counter()\n{}\nb = time.perf_counter()\n{}\nprint(b - a, time.perf_counter() - b)"
    )
    script = clock.format(TEN_STEPS, READY)
    taken: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ten_steps.py"
        path.write_text(script)
        for _ in range(rounds):
            done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
            taken.append([float(each) * 1000 for each in done.stdout.split()])
    imported, ready = (statistics.median(column) for column in zip(*taken, strict=True))
    print(f"A journey module of ten steps: imported in {imported:.0f} ms, its ten schemas derived in {ready:.0f} ms")


def distributions() -> None:
    """What a plain install brings along."""
    seen: set[str] = set()
    waiting = ["agent_runtime_framework"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        needed = distribution(name).requires or []
        waiting += [each.split(";")[0].split("==")[0].split(">")[0].split("<")[0].strip() for each in needed
                    if "extra ==" not in each and "python_version" not in each]  # fmt: skip
    print(f"Distributions of a plain install: {len(seen)} ({', '.join(sorted(seen))})")


async def _hold(turns: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with MemoryManager.from_url(f"sqlite:///{folder}/chat.db") as memory:
            agent = IntakeAgent(InstantModel(), memory=memory)
            for _ in range(turns + 1):
                await agent.chat(SAYING, "c")


async def main() -> None:
    """All of it."""
    await storage()
    syncs()
    await idle()
    imports()
    journey_module()
    distributions()


if __name__ == "__main__":
    asyncio.run(_hold(int(sys.argv[1])))
