"""Whoever breaks a rule is caught: each broken store fails what it has to fail."""

from __future__ import annotations

import broken_delivery
import broken_pauses
import broken_timers
import pytest
from broken_turns import DEFECTS

from agent_runtime_framework.testing.stores import DurableStoreRules

pytest_plugins = ["pytester"]

# Importing them adds their stores to the defects.
assert broken_delivery.__doc__
assert broken_pauses.__doc__
assert broken_timers.__doc__

JUDGED = """
import broken_delivery, broken_pauses, broken_timers, pytest
from broken_turns import DEFECTS
from agent_runtime_framework.testing.stores import DurableStoreRules


def judged(store):
    class Judged(DurableStoreRules):
        sequences = 20

        @pytest.fixture
        def open_store(self, tmp_path):
            return lambda clock: store(tmp_path / "chat.db", clock=clock)

    return Judged


globals().update((f"Test{store.__name__}", judged(store)) for store in DEFECTS)
"""

RULES = sorted(name for name in dir(DurableStoreRules) if name.startswith("test_"))


def test_every_rule_is_broken_by_a_store() -> None:
    broken = {rule for rules in DEFECTS.values() for rule in rules}

    assert sorted(broken - set(RULES)) == []
    assert sorted(set(RULES) - broken) == []


def test_every_broken_store_fails_the_rules_that_it_breaks(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    judged = pytester.makepyfile(test_judged=JUDGED)
    expected = {(f"Test{store.__name__}", rule) for store, rules in DEFECTS.items() for rule in rules}
    chosen = sorted("::".join([str(judged), *each]) for each in expected)
    recorded = pytester.inline_run("-q", "--tb=no", "-p", "no:cacheprovider", *chosen)

    _, _, failures = recorded.listoutcomes()
    failed = {tuple(each.nodeid.partition("[")[0].split("::")[1:]) for each in failures}
    assert sorted(expected - failed) == []
