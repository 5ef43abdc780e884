from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_framework.memory import ConversationStore, KeyValueStore, MemoryStore, StateStore
from agent_runtime_framework.store import Store, open_store


class JSONFiles(MemoryStore):
    """A backend as a user writes one: nothing but get, set and delete."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def get(self, key):
        import json

        return json.loads(self.texts[key]) if key in self.texts else None

    async def set(self, key, value):
        import json

        self.texts[key] = json.dumps(value)

    async def delete(self, key):
        self.texts.pop(key, None)


@pytest_asyncio.fixture(params=["memory", "sqlite", "sqlite in memory", "key-value", "key-value of one's own"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    match request.param:
        case "memory":
            opened = open_store("memory://")
        case "sqlite":
            opened = open_store(f"sqlite:///{tmp_path / 'chat.db'}")
        case "sqlite in memory":
            opened = open_store("sqlite:///:memory:")
        case "key-value":
            opened = KeyValueStore(StateStore(), ConversationStore())
        case _:
            opened = KeyValueStore(StateStore(JSONFiles()), ConversationStore(JSONFiles()))
    yield opened
    await opened.aclose()
