"""What a process holds: memory, and open files."""

from __future__ import annotations

import asyncio
import os
import statistics
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Footprints:
    """What one process holds, looked at every second.

    Attributes:
        memory: Bytes.
        handles: Open files and sockets.
    """

    def __init__(self, pid: int) -> None:
        self._place = Path(f"/proc/{pid}")
        self.memory: list[int] = []
        self.handles: list[int] = []

    async def follow(self) -> None:
        """Look, until it is cancelled."""
        while True:
            self.memory.append(int((self._place / "statm").read_text().split()[1]) * _PAGE)
            self.handles.append(len(list((self._place / "fd").iterdir())))
            await asyncio.sleep(1)


def growth(samples: list[int]) -> float:
    """How much more it is in the last fifth than in the third one; the beginning fills caches."""
    part = max(1, len(samples) // 5)
    middle, last = samples[2 * part : 3 * part], samples[-part:]
    return statistics.median(last) / statistics.median(middle) - 1
