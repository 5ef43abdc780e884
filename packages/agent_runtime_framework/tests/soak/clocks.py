"""Clocks that somebody else sets: the machine's, moved by seconds that stand in a file, one number for each process."""

from __future__ import annotations

import asyncio
import struct
from datetime import UTC, datetime, timedelta
from mmap import mmap
from pathlib import Path

_SIZE = struct.calcsize("d")
SLOTS = 16


class MovedClock:
    """The clock of one process.

    Args:
        folder: Where the file is.
        slot: Which of the numbers is this process's.
    """

    def __init__(self, folder: Path, slot: int) -> None:
        path = folder / "clocks"
        if not path.exists():
            path.write_bytes(bytes(_SIZE * SLOTS))
        with path.open("r+b") as file:
            self._numbers = mmap(file.fileno(), _SIZE * SLOTS)
        self._place = slot * _SIZE

    def now(self) -> datetime:
        (seconds,) = struct.unpack_from("d", self._numbers, self._place)
        return datetime.now(UTC) + timedelta(seconds=seconds)

    def move(self, seconds: float) -> None:
        """Let it show so much more than the machine's."""
        struct.pack_into("d", self._numbers, self._place, seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
