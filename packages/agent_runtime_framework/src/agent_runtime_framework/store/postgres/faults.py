"""What PostgreSQL and its driver report: which of it passes, and what to say of the rest.

Passing is whatever a unit survives when it is run again: the server is restarting, a connection broke, two transactions
got into each other's way. What cannot pass by itself is told at once.
"""

from __future__ import annotations

from agent_runtime_framework.errors import StoreError, StoreUnreadable
from agent_runtime_framework.store.postgres.driver import ClientErrors, DriverError

_NOT_KEPT = ("40001", "40P01")
"""A transaction that was rolled back for the sake of another one: it may be run again."""

_GONE = ("57P01", "57P02", "57P03", "57P05", "08000", "08001", "08003", "08004", "08006", "08P01", "25P03", "25P04")
"""The server ends, starts or has closed the session."""

_FULL = ("53300", "53400")
"""All connections are taken."""

_STALE = ("0A000", "26000", "42P05")
"""A prepared statement that does not fit any more, or belongs to another session."""

_UNREADABLE = ("42P01", "42703", "42P07", "42804")
"""A table or column of ours is not there, or is not ours."""

_ADVICE = {
    "28P01": "the password is wrong; look at the URL, at PGPASSWORD and at ~/.pgpass",
    "28000": "the server refuses this role; look at its pg_hba.conf",
    "3D000": "there is no such database; create it with: createdb NAME",
    "42501": "the role lacks a right ({exc}); grant it, or let another role own the tables",
    "53100": "the server's disk is full; nothing of the turn was kept. Free some space and repeat it",
    "25006": "the server only reads, because it is a standby or was made so; connect to the primary",
    "57014": "a statement was cancelled on the server ({exc}); nothing of the turn was kept. Raise statement_timeout",
    "55P03": "a lock was not to be had ({exc}); nothing of the turn was kept. Raise lock_timeout",
}


def is_passing(exc: BaseException) -> bool:
    """True if the same may succeed a moment later."""
    if isinstance(exc, DriverError):
        state = _state(exc)
        return state in _NOT_KEPT or state in _FULL or state in _STALE or state in _GONE
    # The driver's own errors tell of a connection that was closed under its hands.
    return is_failure(exc)


def is_broken(exc: BaseException) -> bool:
    """True if the connection can be used no longer, so that nobody knows what became of a commit."""
    return not isinstance(exc, DriverError) or _state(exc) in _GONE


def is_failure(exc: BaseException) -> bool:
    """True if it comes from the database, not from what was asked of it."""
    return isinstance(exc, (DriverError, *ClientErrors, OSError, TimeoutError, EOFError))


def explained(exc: BaseException, shown: str, patience: float) -> StoreError:
    """The error to raise from `exc`."""
    state = _state(exc)
    if state in _UNREADABLE:
        return StoreUnreadable(
            f"the store {shown} holds tables that are not those of this store ({exc}); name another database, or keep "
            "them apart with ?schema=NAME"
        )
    if state in _FULL:
        return StoreError(
            f"the store {shown} takes no more connections ({exc}), and did not for {patience:g} s; raise "
            "max_connections there, lower max_size here, or put a pooler between"
        )
    if state in _ADVICE:
        return StoreError(f"the store {shown} cannot be used: {_ADVICE[state].format(exc=exc)}")
    if is_passing(exc):
        what = f"{type(exc).__name__}: {exc}".rstrip(": ")
        return StoreError(
            f"the store {shown} could not be reached for {patience:g} s ({what}); nothing was kept as far as is known. "
            "Look whether the server runs and takes connections from here, then repeat it"
        )
    return StoreError(f"the store {shown} failed: {type(exc).__name__}: {exc}")


def _state(exc: BaseException) -> str:
    return str(getattr(exc, "sqlstate", "") or "")
