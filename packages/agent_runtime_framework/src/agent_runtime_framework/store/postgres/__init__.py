"""Conversations in PostgreSQL."""

from agent_runtime_framework.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
