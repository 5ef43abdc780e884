"""What every store has to keep, as tests: subclass `StoreRules` or `DurableStoreRules` and say how yours is opened."""

from agent_runtime_framework.testing.stores.bench import Clock, OpenStore
from agent_runtime_framework.testing.stores.rules import DurableStoreRules, StoreRules

__all__ = ["Clock", "DurableStoreRules", "OpenStore", "StoreRules"]
