from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from agent_runtime_framework.store import sql
from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.store.postgres.address import Address
from agent_runtime_framework.store.postgres.driver import DriverError, connect
from agent_runtime_framework.store.postgres.statements import translated

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")

STATEMENTS = {
    f"{module.name}.{name}": value
    for module in pkgutil.iter_modules(sql.__path__)
    for name, value in vars(import_module(f"{sql.__name__}.{module.name}")).items()
    if name.isupper() and isinstance(value, str) and value.lstrip().startswith(VERBS) and "{" not in value
}


@pytest.mark.asyncio
async def test_the_server_understands_every_statement(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    await store.conversations()
    await store.aclose()
    address = Address.parse(postgres_url)
    connection = await connect(address.dsn, schema=address.schema)
    refused: dict[str, str] = {}
    for name, text in STATEMENTS.items():
        try:
            await connection.prepare(translated(text))  # pyright: ignore[reportAttributeAccessIssue]  a driver's own
        except DriverError as exc:
            refused[name] = str(exc)
    await connection.close(timeout=5)

    assert len(STATEMENTS) > 50
    assert refused == {}


@pytest.mark.parametrize(
    ("portable", "expected"),
    [
        ("SELECT a FROM t WHERE b = ? AND c = ?", "SELECT a FROM t WHERE b = $1 AND c = $2"),
        ("UPDATE t SET a = ?2 WHERE b = ?1 AND c > ?2", "UPDATE t SET a = $2 WHERE b = $1 AND c > $2"),
        ("SELECT '?', 'it''s ?' FROM t -- what?\nWHERE a = ?", "SELECT '?', 'it''s ?' FROM t -- what?\nWHERE a = $1"),
        ("SELECT a FROM t WHERE b = ? /* lock */", "SELECT a FROM t WHERE b = $1 FOR UPDATE"),
        ("SELECT a FROM t INDEXED BY t_b WHERE b = 1", "SELECT a FROM t  WHERE b = 1"),
    ],
)
def test_a_statement_is_translated(portable: str, expected: str) -> None:
    assert translated(portable) == expected
