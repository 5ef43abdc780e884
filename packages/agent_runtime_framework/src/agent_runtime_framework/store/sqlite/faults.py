"""What SQLite reports, as an error that names the file and the way out."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from agent_runtime_framework.errors import StoreError, StoreUnreadable

MEMORY = ":memory:"
"""The path of a database without a file."""

_FOREIGN = -2
"""Stands for the errors that mean: a table or column of ours is not there."""

_UNREADABLE = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database; give the path of another file, or move this one away",
    sqlite3.SQLITE_CORRUPT: (
        "is damaged; nothing was changed. Restore a backup, or save what can be read with: "
        "sqlite3 {path} .recover | sqlite3 recovered.db"
    ),
    _FOREIGN: "holds tables that are not those of this store ({exc}); give the path of another file",
}
_FAILED = {
    sqlite3.SQLITE_READONLY: "cannot be written; make the file and its directory writable for this user",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. Nothing of the turn was kept; free some space and repeat it",
    sqlite3.SQLITE_IOERR: (
        "could not be read or written ({exc}); nothing of the turn was kept. Look at the disk, its quota and its health"
    ),
    sqlite3.SQLITE_BUSY: (
        "stayed locked by another program for longer than the {timeout:g} s this store waits; nothing of the turn was "
        "kept. End the other program's transaction, or wait longer with SQLiteStore(path, busy_timeout=...)"
    ),
}


def is_busy(exc: sqlite3.Error) -> bool:
    """True if somebody else holds a lock that is needed."""
    return _code(exc) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def explained(exc: sqlite3.Error, path: str, timeout: float) -> StoreError:
    """The error to raise from `exc`."""
    code = sqlite3.SQLITE_BUSY if is_busy(exc) else _code(exc)
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"the store {path!r} cannot be opened: {_why_not_opened(Path(path))}")
    text = _UNREADABLE.get(code) or _FAILED.get(code) or "failed: {exc}"
    kind = StoreUnreadable if code in _UNREADABLE else StoreError
    return kind(f"the store {path!r} {text.format(path=path, exc=exc, timeout=timeout)}")


def _code(exc: sqlite3.Error) -> int:
    # Extended codes carry the primary one in their low byte; errors of the driver itself carry none.
    code = getattr(exc, "sqlite_errorcode", -1)
    if code == sqlite3.SQLITE_ERROR and str(exc).startswith(("no such table", "no such column", "table ")):
        return _FOREIGN
    return code if code < 0 else code & 0xFF


def _why_not_opened(path: Path) -> str:
    try:
        if path.is_dir():
            return "it is a directory; give the path of a file in it"
        if not path.parent.is_dir():
            return f"there is no directory {str(path.parent)!r}; create it first"
    except OSError as exc:
        return f"{exc.strerror}; give this user the right to reach it"
    return "this user may not read it or create files beside it; give it the right to"
