"""Rules of everything together: whatever is done in which order, a store does what the rules say."""

from __future__ import annotations

from typing import ClassVar

import pytest

from agent_runtime_framework.testing.stores.bench import Bench, Rules


class SequenceRules(Rules):
    """Random operations on the store and on a model of it; skipped where hypothesis is not installed.

    Attributes:
        sequences: How many are tried.
        sequence_length: How many operations one has.
    """

    sequences: ClassVar[int] = 50
    sequence_length: ClassVar[int] = 50

    def test_any_sequence_of_operations_does_what_the_rules_say(self, bench: Bench) -> None:
        pytest.importorskip("hypothesis", reason="hypothesis is not installed: no sequences are tried")
        from agent_runtime_framework.testing.stores.machine import StoreMachine, run

        run(StoreMachine, bench, self.is_shared, self.sequences, self.sequence_length)


class DurableSequenceRules(SequenceRules):
    """The same with messages that are delivered."""

    def test_any_sequence_of_operations_does_what_the_rules_say(self, bench: Bench) -> None:
        pytest.importorskip("hypothesis", reason="hypothesis is not installed: no sequences are tried")
        if not self.has_clock:
            pytest.skip(f"{type(self).__name__}.has_clock is False: no time can pass")
        from agent_runtime_framework.testing.stores.delivery_machine import DurableStoreMachine
        from agent_runtime_framework.testing.stores.machine import run

        bench.runner.run(bench.open_durable())
        run(DurableStoreMachine, bench, self.is_shared, self.sequences, self.sequence_length)
