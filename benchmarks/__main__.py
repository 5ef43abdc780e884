"""Runs every benchmark, or those named (`python -m benchmarks turns durable`); a table of the ratios comes last."""

import asyncio
import os
import sys

from agent_runtime_framework.testing.postgres_server import VARIABLE, missing_binaries, running_postgres
from benchmarks import durable, durable_postgres, footprint, llm_overhead, measure, serve, turns


def on_postgres() -> None:
    """On the server that is named, or one that is started for it."""
    if named := os.environ.get(VARIABLE):
        asyncio.run(durable_postgres.main(named))
    elif missing := missing_binaries():
        print(f"not measured: {missing}")
    else:
        with running_postgres("max_connections=100") as server:
            asyncio.run(durable_postgres.main(server.url))


ALL = {
    "turns": lambda: asyncio.run(turns.main()),
    "footprint": lambda: asyncio.run(footprint.main()),
    "durable": durable.main,
    "durable_postgres": on_postgres,
    "llm_overhead": lambda: asyncio.run(llm_overhead.main(calls=100, rounds=3)),
    "serve": serve.main,
}

# The servers of `serve` are processes that import this module again.
if __name__ == "__main__":
    for name in sys.argv[1:] or ALL:
        print(f"== {name}")
        ALL[name]()
        print()
    measure.table()
