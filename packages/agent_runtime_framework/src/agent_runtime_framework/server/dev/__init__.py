"""The developer page: a conversation beside its journey, its state, and what each turn did and why."""

from agent_runtime_framework.server.dev.bench import Bench, Loader
from agent_runtime_framework.server.dev.operations import operations

__all__ = ["Bench", "Loader", "operations"]
