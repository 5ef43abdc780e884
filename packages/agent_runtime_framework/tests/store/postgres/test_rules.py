from __future__ import annotations

import pytest

from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.testing.stores.bench import OpenStore
from agent_runtime_framework.testing.stores.rules import DurableStoreRules


class TestPostgres(DurableStoreRules):
    @pytest.fixture
    def open_store(self, postgres_url: str) -> OpenStore:
        return lambda clock: PostgresStore(postgres_url, clock=clock)
