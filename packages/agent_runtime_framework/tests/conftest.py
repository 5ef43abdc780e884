"""A PostgreSQL server for all tests that want one, and data of its own for each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import pytest

from agent_runtime_framework.testing.postgres_server import VARIABLE, missing_binaries, running_postgres

_number = count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server, started when the first test asks for it."""
    pytest.importorskip("asyncpg", reason="the extra [postgres] is not installed")
    named = os.environ.get(VARIABLE)
    if named:
        yield named
        return
    missing = missing_binaries()
    if missing is not None:
        pytest.skip(missing)
    # What is killed here are processes of ours; where the server is killed, a test starts one of its own.
    with running_postgres("max_connections=200", "fsync=off") as server:
        yield server.url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A URL with nothing behind it yet."""
    return f"{postgres_server}{'&' if '?' in postgres_server else '?'}schema=test_{os.getpid()}_{next(_number)}"
