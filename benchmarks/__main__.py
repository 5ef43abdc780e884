"""Runs every benchmark, or those named: `python -m benchmarks [turns] [footprint]`."""

import asyncio
import sys

from benchmarks import footprint, turns

ALL = {"turns": turns.main, "footprint": footprint.main}

for name in sys.argv[1:] or ALL:
    asyncio.run(ALL[name]())
    print()
