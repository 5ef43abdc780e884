"""The places at which the process may die, by name, so that tests can let it die at every one of them.

A place costs one comparison while nobody watches.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

NAMES = (
    "accept:before",
    "accept:after",
    "claim:before",
    "claim:after",
    "request:before",
    "request:after",
    "record:before",
    "record:after",
    "call:before",
    "call:after",
    "finish:before",
    "finish:after",
    "transaction:before",
    "transaction:after",
)
"""Every place: around each operation of the store, each model request and each tool call, and around the commit of a
database transaction."""

_watcher: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Say that the process is at a place."""
    if _watcher is not None:
        _watcher(name)


@contextmanager
def watched(watcher: Callable[[str], None]) -> Generator[None]:
    """Let `watcher` be told of every place that is reached; from any thread."""
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before
