"""Rules of loading: which messages a caller gets."""

from __future__ import annotations

import pytest

from agent_runtime_framework.store.protocol import Store
from agent_runtime_framework.testing.stores.bench import PlainRules, rule
from agent_runtime_framework.testing.stores.samples import TURN, USER, say, texts, turn


class LoadRules(PlainRules):
    """What is known need not be loaded again, and a context policy says how much of the rest is wanted."""

    @rule
    async def test_only_messages_after_what_is_known_are_loaded(self, store: Store) -> None:
        await say(store, "a", "b", "c")

        stored = await store.load("ada", "intake", after=2)
        assert (texts(stored), stored.first_seq) == (["c"], 3)
        nothing_new = await store.load("ada", "intake", after=3)
        assert (nothing_new.messages, nothing_new.first_seq, nothing_new.revision) == ([], 4, 3)

    @pytest.mark.parametrize(
        ("limit", "expected"), [(0, []), (2, ["b", "c"]), (3, ["a", "b", "c"]), (9, ["a", "b", "c"])]
    )
    @rule
    async def test_a_number_asks_for_the_last_messages(self, store: Store, limit: int, expected: list[str]) -> None:
        await say(store, "a", "b", "c")

        stored = await store.load("ada", "intake", context=limit)
        assert (texts(stored), stored.first_seq) == (expected, 4 - len(expected))

    @rule
    async def test_after_and_a_number_hold_together(self, store: Store) -> None:
        await say(store, "a", "b", "c", "d")

        assert texts(await store.load("ada", "intake", after=1, context=2)) == ["c", "d"]
        assert texts(await store.load("ada", "intake", after=3, context=2)) == ["d"]

    @rule
    async def test_a_step_begins_with_the_turn_that_entered_it(self, store: Store) -> None:
        await say(store, "a", "b", "c", "d", steps="1122")

        stored = await store.load("ada", "intake", context="step")
        assert (texts(stored), stored.first_seq, stored.step, stored.step_seq) == (["c", "d"], 3, "2", 3)

    @rule
    async def test_after_and_a_step_hold_together(self, store: Store) -> None:
        await say(store, "a", "b", "c", "d", steps="1222")

        assert texts(await store.load("ada", "intake", after=2, context="step")) == ["c", "d"]

    @rule
    async def test_a_step_entered_again_begins_again(self, store: Store) -> None:
        await say(store, "a", "b", "c", steps="121")

        assert texts(await store.load("ada", "intake", context="step")) == ["c"]

    @rule
    async def test_cleared_messages_are_gone_and_their_numbers_are_not_used_again(self, store: Store) -> None:
        await store.commit(turn(0, state='{"n":1}', step="one"))
        await store.clear_messages("ada")

        cleared = await store.load("ada", "intake")
        assert (cleared.messages, cleared.revision, cleared.state) == ([], 2, '{"n":1}')
        assert (cleared.first_seq, cleared.oldest_seq) == (5, 5)
        await store.commit(turn(2, USER))
        assert (await store.load("ada", "intake", after=4)).messages == [USER]

    @rule
    async def test_clearing_leaves_other_conversations_alone(self, store: Store) -> None:
        await store.commit(turn(0))
        await store.commit(turn(0, conversation="bob"))
        await store.clear_messages("ada")

        stored = await store.load("bob", "intake")
        assert (stored.messages, stored.revision, stored.oldest_seq) == (TURN, 1, 1)
