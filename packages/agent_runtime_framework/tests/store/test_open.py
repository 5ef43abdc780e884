from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.store import Commit, open_store
from agent_runtime_framework.store.open import open_durable_store


@pytest.mark.parametrize(
    "url", ["", "chat.db", "sqlite:", "sqlite://", "sqlite:///", "sqlite://chat.db", "mysql://x", "memory://x"]
)
def test_an_unknown_url_is_answered_with_what_is_possible(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"possible are: sqlite:///chat\.db .*memory://") as caught:
        open_store(url)

    assert repr(url) in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://localhost/chat", "postgres://ada:secret@localhost/chat?sslmode=require"])
def test_postgresql_is_opened_by_its_url(url: str) -> None:
    pytest.importorskip("asyncpg", reason="the extra [postgres] is not installed")

    for opened in (open_store(url), open_durable_store(url)):
        assert repr(opened).startswith("PostgresStore('postgresql://")
        assert "secret" not in repr(opened)


def test_without_its_driver_postgresql_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['asyncpg'] = None; from agent_runtime_framework.store import open_store; "
        "open_store('postgresql://localhost/chat')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert "ConfigurationError" in done.stderr
    assert "pip install 'agent_runtime_framework[postgres]'" in done.stderr


@pytest.mark.asyncio
async def test_a_relative_path_is_found_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///chat.db")
    monkeypatch.chdir("/")

    await store.commit(Commit(conversation_id="ada", agent_key="a", revision=0, messages=[]))
    await store.aclose()

    assert (tmp_path / "chat.db").exists()


def test_nothing_is_created_before_the_first_use(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path / 'chat.db'}")

    assert list(tmp_path.iterdir()) == []


def test_the_database_driver_is_loaded_only_when_a_database_is_asked_for() -> None:
    script = (
        "import sys; from agent_runtime_framework.memory import MemoryManager; MemoryManager(); "
        "assert 'sqlite3' not in sys.modules; MemoryManager.from_url('sqlite:///x.db'); assert 'sqlite3' in sys.modules"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
