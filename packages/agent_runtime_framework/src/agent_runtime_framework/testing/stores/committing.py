"""Rules of turns: together or not at all, in order, on the revision they were built on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agent_runtime_framework.errors import ConversationConflict
from agent_runtime_framework.store.protocol import Store, Stored
from agent_runtime_framework.testing.stores.bench import PlainRules, rule
from agent_runtime_framework.testing.stores.samples import REPLY, TURN, USER, said, say, texts, turn


class CommitRules(PlainRules):
    """A turn is one commit; messages are numbered from 1 without gaps, and never rewritten."""

    @rule
    async def test_an_unknown_conversation_is_empty(self, store: Store) -> None:
        await say(store, "hi", conversation="bob")

        assert await store.load("nobody", "intake") == Stored()

    @rule
    async def test_a_turn_comes_back_as_it_was_committed(self, store: Store) -> None:
        assert await store.commit(turn(0, state='{"name":"Ada"}', step="email")) == 1

        stored = await store.load("ada", "intake")
        assert stored.messages == TURN
        assert (stored.revision, stored.state, stored.step) == (1, '{"name":"Ada"}', "email")
        assert (stored.first_seq, stored.oldest_seq, stored.step_seq) == (1, 1, 1)

    @rule
    async def test_messages_are_numbered_without_gaps_and_never_rewritten(self, store: Store) -> None:
        sizes = [2, 1, 3, 1, 4]
        everything = [said(f"{number}.{each}") for number, size in enumerate(sizes) for each in range(size)]
        first = 0
        for number, size in enumerate(sizes):
            await store.commit(turn(number, *everything[first : first + size]))
            stored = await store.load("ada", "intake", after=first)
            assert (stored.messages, stored.first_seq) == (everything[first : first + size], first + 1)
            first += size

        stored = await store.load("ada", "intake")
        assert (stored.messages, stored.first_seq, stored.revision) == (everything, 1, len(sizes))

    @rule
    async def test_a_turn_without_messages_counts_as_a_revision(self, store: Store) -> None:
        await store.commit(turn(0, USER))
        assert await store.commit(replace(turn(1, state='{"n":1}'), messages=[])) == 2

        stored = await store.load("ada", "intake")
        assert (stored.messages, stored.revision, stored.state) == ([USER], 2, '{"n":1}')

    @rule
    async def test_a_commit_on_an_old_revision_is_refused_and_leaves_no_trace(self, store: Store) -> None:
        await store.commit(turn(0, state='{"n":1}', step="one", usage='{"total_tokens":1}'))

        with pytest.raises(ConversationConflict) as caught:
            await store.commit(turn(0, USER, state='{"n":2}', step="two", usage='{"total_tokens":2}'))

        assert (caught.value.conversation_id, caught.value.expected, caught.value.found) == ("ada", 0, 1)
        stored = await store.load("ada", "intake")
        assert (stored.revision, stored.state, stored.step, stored.messages) == (1, '{"n":1}', "one", TURN)
        assert stored.usage == '{"total_tokens":1}'

    @rule
    async def test_a_commit_on_a_conversation_that_is_gone_is_refused(self, store: Store) -> None:
        with pytest.raises(ConversationConflict):
            await store.commit(turn(5))

        assert (await store.load("ada", "intake")).revision == 0

    @rule
    async def test_of_commits_on_the_same_revision_one_is_kept(self, store: Store) -> None:
        await store.commit(turn(0, USER))
        outcomes = await asyncio.gather(
            *(store.commit(turn(1, said(f"{number}"))) for number in range(20)), return_exceptions=True
        )

        kept = [number for number, outcome in enumerate(outcomes) if outcome == 2]
        assert len(kept) == 1
        assert all(isinstance(each, ConversationConflict) for each in outcomes if each != 2)
        assert texts(await store.load("ada", "intake", after=1)) == [f"{kept[0]}"]

    @rule
    async def test_a_refused_commit_does_not_fail_the_others(self, store: Store) -> None:
        outcomes = await asyncio.gather(
            *(store.commit(turn(number % 2, USER, conversation=f"c{number}")) for number in range(20)),
            return_exceptions=True,
        )

        assert [outcome == 1 for outcome in outcomes] == [number % 2 == 0 for number in range(20)]
        assert all(isinstance(outcome, ConversationConflict) for outcome in outcomes[1::2])

    @rule
    async def test_conversations_do_not_mix(self, store: Store) -> None:
        names = [f"c{number}" for number in range(10)]
        await asyncio.gather(*(say(store, f"{name} a", f"{name} b", conversation=name) for name in names))

        for name in names:
            stored = await store.load(name, "intake")
            assert (texts(stored), stored.revision) == ([f"{name} a", f"{name} b"], 2)

    @rule
    async def test_a_turn_without_state_and_step_leaves_the_stored_ones(self, store: Store) -> None:
        await store.commit(turn(0, USER, state='{"n":1}', step="one"))
        await store.commit(turn(1, REPLY))

        stored = await store.load("ada", "intake")
        assert (stored.state, stored.step, stored.step_seq) == ('{"n":1}', "one", 1)

    @rule
    async def test_a_turn_with_a_step_only_leaves_the_stored_state(self, store: Store) -> None:
        await store.commit(turn(0, USER, state='{"n":1}', step="one"))
        await store.commit(turn(1, REPLY, step="two"))

        stored = await store.load("ada", "intake")
        assert (stored.state, stored.step, stored.step_seq) == ('{"n":1}', "two", 2)

    @rule
    async def test_what_a_conversation_used_stays_until_a_turn_says_otherwise(self, store: Store) -> None:
        await store.commit(turn(0, usage='{"total_tokens":10}'))
        await store.commit(turn(1))
        assert (await store.load("ada", "other")).usage == '{"total_tokens":10}'

        await store.commit(turn(2, usage='{"total_tokens":25}'))
        await store.clear_messages("ada")
        assert (await store.load("ada", "intake")).usage == '{"total_tokens":25}'

    @rule
    async def test_a_closed_store_can_be_used_again(self, store: Store) -> None:
        await store.aclose()
        await store.commit(turn(0))

        assert (await store.load("ada", "intake")).revision == 1
