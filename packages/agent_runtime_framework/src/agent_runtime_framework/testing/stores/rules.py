"""The rules of a store, gathered: one class for each kind of store."""

from __future__ import annotations

from agent_runtime_framework.testing.stores.accepting import AcceptRules
from agent_runtime_framework.testing.stores.agents import AgentRules
from agent_runtime_framework.testing.stores.claiming import ClaimRules
from agent_runtime_framework.testing.stores.committing import CommitRules
from agent_runtime_framework.testing.stores.erasing import EraseRules
from agent_runtime_framework.testing.stores.fencing import FenceRules
from agent_runtime_framework.testing.stores.finishing import FinishRules
from agent_runtime_framework.testing.stores.listing import ListRules
from agent_runtime_framework.testing.stores.loading import LoadRules
from agent_runtime_framework.testing.stores.pausing import PauseRules
from agent_runtime_framework.testing.stores.policies import PolicyRules
from agent_runtime_framework.testing.stores.recording import RecordRules
from agent_runtime_framework.testing.stores.sequences import DurableSequenceRules, SequenceRules
from agent_runtime_framework.testing.stores.sharing import DurableSharingRules, SharingRules
from agent_runtime_framework.testing.stores.texts import DurableTextRules, TextRules
from agent_runtime_framework.testing.stores.timing import TimerRules


class StoreRules(CommitRules, LoadRules, AgentRules, ListRules, TextRules, SharingRules, SequenceRules):
    """Every rule of a `Store` as a test: `class TestMyStore(StoreRules)`, with a fixture `open_store`.

    The fixture returns a function that is given a clock and returns a store, or an awaitable of one. Each call opens
    the same data, which is empty when a test begins. The stores are closed when the test ends.
    """


class DurableStoreRules(
    StoreRules,
    AcceptRules,
    PolicyRules,
    ClaimRules,
    RecordRules,
    FenceRules,
    FinishRules,
    PauseRules,
    EraseRules,
    TimerRules,
    DurableTextRules,
    DurableSharingRules,
    DurableSequenceRules,
):
    """Every rule of a `DurableStore` as a test, those of `StoreRules` among them."""
