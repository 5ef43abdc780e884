"""The bundled stores keep every rule of the kit; what each can do beyond it is tested beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent_runtime_framework.memory import ConversationStore, KeyValueStore, MemoryStore, StateStore
from agent_runtime_framework.store import open_store
from agent_runtime_framework.store.open import open_durable_store
from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.store.sqlite import SQLiteStore
from agent_runtime_framework.store.volatile import VolatileStore
from agent_runtime_framework.testing.stores import DurableStoreRules, OpenStore, StoreRules
from agent_runtime_framework.testing.stores.sequences import DurableSequenceRules


class TestSQLiteFile(DurableStoreRules):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return lambda clock: SQLiteStore(tmp_path / "chat.db", clock=clock)


class TestSQLiteInMemory(DurableStoreRules):
    is_shared = False
    sequences = 100

    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda clock: SQLiteStore(":memory:", clock=clock)


class TestVolatile(StoreRules):
    is_shared = False

    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda clock: VolatileStore(clock=clock)


class TestKeyValue(StoreRules):
    is_shared = has_clock = has_list = False

    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda clock: KeyValueStore(StateStore(), ConversationStore())


class OnesOwn(MemoryStore[Any]):
    """A backend as a user writes one: nothing but get, set and delete."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def get(self, key: str) -> Any:
        return json.loads(self.texts[key]) if key in self.texts else None

    async def set(self, key: str, value: Any) -> None:
        self.texts[key] = json.dumps(value)

    async def delete(self, key: str) -> None:
        self.texts.pop(key, None)


class TestKeyValueOfOnesOwn(TestKeyValue):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda clock: KeyValueStore(StateStore(OnesOwn()), ConversationStore(OnesOwn()))


def test_a_url_names_one_of_them(tmp_path: Path) -> None:
    assert isinstance(open_store("memory://"), VolatileStore)
    assert isinstance(open_store("sqlite:///:memory:"), SQLiteStore)
    assert isinstance(open_store(f"sqlite:///{tmp_path / 'chat.db'}"), SQLiteStore)
    assert isinstance(open_durable_store("memory://"), SQLiteStore)


@pytest.mark.soak
class TestSequencesInASQLiteFile(DurableSequenceRules):
    sequences = 1000

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return lambda clock: SQLiteStore(tmp_path / "chat.db", clock=clock)


@pytest.mark.soak
class TestSequencesInPostgres(DurableSequenceRules):
    sequences = 1000

    @pytest.fixture
    def open_store(self, postgres_url: str) -> OpenStore:
        return lambda clock: PostgresStore(postgres_url, clock=clock)
