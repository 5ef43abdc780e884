"""The SQL of all stores, as PostgreSQL takes it."""

from __future__ import annotations

import re
from functools import cache

_TOKEN = re.compile(
    r"(?P<kept>'(?:[^']|'')*'|--[^\n]*)"
    r"|(?P<lock>/\* lock \*/)"
    r"|(?P<hint>INDEXED BY \w+)"
    r"|\?(?P<number>\d*)"
)


@cache
def translated(text: str) -> str:
    """A statement with `$1` for `?` and `?1`, with locks, and without hints for a planner that needs none."""
    count = 0

    def replace(found: re.Match[str]) -> str:
        nonlocal count
        if found["kept"] is not None:
            return found["kept"]
        if found["lock"] is not None:
            return "FOR UPDATE"
        if found["hint"] is not None:
            return ""
        count += 1
        return f"${found['number'] or count}"

    return _TOKEN.sub(replace, text)
