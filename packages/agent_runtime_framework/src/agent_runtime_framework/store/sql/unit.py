"""What a transaction asks of its database, without a database: one text of SQL, driven by any driver.

A unit is a generator. It yields statements, gets their rows, and returns what came of it; the driver runs them inside
one transaction, in its thread or awaited. Raising ends the transaction with nothing kept. A driver whose database was
away runs a unit again, from its beginning; if it may have been kept, in the form that `again` has of it.

Rules of the SQL:
    - Placeholders are `?`, or `?1`, `?2` where one is used twice; a statement has one kind only.
    - One that may be NULL alone needs a type: `CAST(?1 AS TEXT) IS NULL`.
    - What a driver has to add is marked: `/* lock */` after a `SELECT` of rows that are about to change, and
      `INDEXED BY` for a planner without statistics; each driver drops what it does not know.
    - Times are texts in UTC, ISO 8601 with milliseconds; they are ordered as text.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")

Row: TypeAlias = tuple[Any, ...]


class Ask(NamedTuple):
    """A statement; its rows are sent back."""

    text: str
    values: Row = ()


class Each(NamedTuple):
    """A statement to be run once for each row of values; no rows are sent back."""

    text: str
    rows: Sequence[Row]


Unit: TypeAlias = Generator[Ask | Each, list[Row], T]
"""The statements of one transaction, and what comes of them."""


def one(text: str, values: Row = ()) -> Unit[Row | None]:
    """The first row of a statement; None if there is none."""
    rows = yield Ask(text, values)
    return rows[0] if rows else None


def too_old(shown: str, present: int, known: int) -> str:
    """What to say of a store that is only to be read, and would have to be changed for it."""
    return (
        f"the store {shown} has schema version {present}, and this version of agent_runtime_framework reads version "
        f"{known}; it was opened to be read only, so nothing was changed. Look at a copy of it instead, or bring it up "
        "to date by using it once with this version"
    )


def stamp(now: datetime) -> str:
    """A time as it is stored; comparable as text."""
    return now.astimezone(UTC).isoformat(timespec="milliseconds")
