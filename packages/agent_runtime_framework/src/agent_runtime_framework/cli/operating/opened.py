"""From `--store` to an open store, and from its answers to lines."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from agent_runtime_framework.cli.failures import UsageError
from agent_runtime_framework.cli.opening import DEFAULT_STORE
from agent_runtime_framework.cli.spans import cells, one_line
from agent_runtime_framework.store.delivery import DurableStore
from agent_runtime_framework.store.open import open_durable_store

T = TypeVar("T")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SQLITE = "sqlite:///"


def add_store_argument(parser: ArgumentParser) -> None:
    """Declare `--store`."""
    parser.add_argument("--store", metavar="URL", help=f"where they are kept (default: {DEFAULT_STORE})")


def with_store(
    args: Namespace,
    work: Callable[[DurableStore], Coroutine[Any, Any, T]],
    *,
    creates: bool = False,
    read_only: bool = False,
) -> T:
    """Do something with the store that the options name, and close it.

    Args:
        args: The options.
        work: What to do.
        creates: It need not be there yet.
        read_only: Change nothing, not even tables of an earlier version.

    Raises:
        UsageError: There is no such store.
    """
    url = args.store or DEFAULT_STORE
    path = url.removeprefix(_SQLITE) if url.startswith(_SQLITE) else ""
    if path and not creates and not Path(path).is_file():
        raise UsageError(f"there is no store {url} (no file {path!r}); name another one with --store")

    async def run() -> T:
        store = open_durable_store(url, read_only=read_only)
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(run())


def age(text: str) -> timedelta:
    """A duration as it is typed: 90d, 12h, 30m, 2w.

    Raises:
        ArgumentTypeError: It is none.
    """
    found = re.fullmatch(r"(\d+)\s*([smhdw])", text.strip().lower())
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no duration; expected a number and a unit, such as 90d, 12h, 30m or 2w")
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise ArgumentTypeError(f"{text!r} is longer than anything is kept") from None


def when(stamp: str | None) -> str:
    """A stored time as people read it, in local time."""
    return "" if not stamp else datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M")


def write(text: str) -> None:
    """Write to the standard output, as far as its encoding goes."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def write_json(data: object) -> None:
    """Write indented JSON."""
    write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows below a header, as wide as the terminal; where they do not fit, the first column is cut."""
    texts = [[*header], *([one_line(str(cell if cell is not None else "-"), 60) for cell in row] for row in rows)]
    widths = [max(cells(row[at]) for row in texts) for at in range(len(header))]
    excess = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size().columns
    if excess > 0:
        widths[0] = max(widths[0] - excess, 12)
    numeric = [bool(rows) and all(isinstance(row[at], int | float) for row in rows) for at in range(len(header))]
    lines = [_line(row, widths, numeric) for row in texts]
    return "".join(f"{line}\n" for line in lines)


def _line(row: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts: list[str] = []
    for text, width, is_number in zip(row, widths, numeric, strict=True):
        cut = text if cells(text) <= width else f"{text[: width - 1]}…"
        blank = " " * max(width - cells(cut), 0)
        parts.append(f"{blank}{cut}" if is_number else f"{cut}{blank}")
    return "  ".join(parts).rstrip()


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
