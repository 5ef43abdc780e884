from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agent_runtime_framework.errors import StoreError, StoreUnreadable
from agent_runtime_framework.store.open import open_durable_store
from agent_runtime_framework.store.protocol import Commit


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/chat.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


async def keep_something(url: str) -> None:
    store = open_durable_store(url)
    await store.commit(Commit(conversation_id="ada", agent_key="a", revision=0, messages=[], state='{"x":1}'))
    await store.aclose()


@pytest.mark.asyncio
async def test_a_store_that_is_only_read_is_read_beside_one_that_writes_and_writes_nothing(url: str) -> None:
    await keep_something(url)
    writing, reading = open_durable_store(url), open_durable_store(url, read_only=True)
    try:
        assert (await reading.load("ada", "a")).state == '{"x":1}'
        await writing.save_state("ada", "a", '{"x":2}')
        assert [each.state for each in await reading.live("a")] == ['{"x":2}']
        with pytest.raises(StoreError, match="read only; nothing was changed"):
            await reading.save_state("ada", "a", "{}")
    finally:
        await reading.aclose()
        await writing.aclose()


@pytest.mark.asyncio
async def test_a_store_that_would_have_to_be_changed_first_is_refused_where_it_is_only_read(url: str) -> None:
    if url.startswith("sqlite"):
        sqlite3.connect(url.removeprefix("sqlite:///")).close()
    reading = open_durable_store(url, read_only=True)
    with pytest.raises(StoreUnreadable, match=r"schema version 0, .* it was opened to be read only"):
        await reading.live("a")
    await reading.aclose()


@pytest.mark.asyncio
async def test_no_file_is_made_to_be_read(tmp_path: Path) -> None:
    reading = open_durable_store(f"sqlite:///{tmp_path}/none.db", read_only=True)
    with pytest.raises(StoreError):
        await reading.live("a")
    await reading.aclose()
    assert is_empty(tmp_path)
