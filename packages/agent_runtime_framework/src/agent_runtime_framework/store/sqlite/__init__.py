"""Conversations in a SQLite file."""

from agent_runtime_framework.store.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
