"""Rules of state: each agent has its own."""

from __future__ import annotations

import pytest

from agent_runtime_framework.errors import ConversationConflict
from agent_runtime_framework.store.protocol import Store, Stored
from agent_runtime_framework.testing.stores.bench import PlainRules, rule
from agent_runtime_framework.testing.stores.samples import TURN, USER, said, texts, turn


class AgentRules(PlainRules):
    """State and step are kept for each conversation and agent, and may be replaced between turns."""

    @rule
    async def test_every_agent_has_a_state_of_its_own(self, store: Store) -> None:
        await store.commit(turn(0, USER, state='{"n":1}'))
        await store.commit(turn(1, USER, agent="quote", state='{"n":2}'))

        assert (await store.load("ada", "intake")).state == '{"n":1}'
        quote = await store.load("ada", "quote")
        assert (quote.state, len(quote.messages)) == ('{"n":2}', 2)

    @rule
    async def test_every_agent_is_in_a_step_of_its_own(self, store: Store) -> None:
        await store.commit(turn(0, said("a"), step="one"))
        await store.commit(turn(1, said("b"), agent="quote", step="two"))
        await store.commit(turn(2, said("c"), step="one"))

        intake = await store.load("ada", "intake", context="step")
        assert (intake.step, intake.step_seq, texts(intake)) == ("one", 1, ["a", "b", "c"])
        quote = await store.load("ada", "quote", context="step")
        assert (quote.step, quote.step_seq, texts(quote)) == ("two", 2, ["b", "c"])

    @rule
    async def test_a_state_saved_between_turns_counts_as_a_revision(self, store: Store) -> None:
        await store.commit(turn(0))
        await store.save_state("ada", "intake", '{"n":7}')

        stored = await store.load("ada", "intake")
        assert (stored.revision, stored.state, stored.messages) == (2, '{"n":7}', TURN)
        with pytest.raises(ConversationConflict):
            await store.commit(turn(1))

    @rule
    async def test_a_state_saved_between_turns_leaves_the_step(self, store: Store) -> None:
        await store.commit(turn(0, USER, state='{"n":1}', step="one"))
        await store.save_state("ada", "intake", '{"n":7}')

        stored = await store.load("ada", "intake", context="step")
        assert (stored.step, stored.messages) == ("one", [USER])

    @rule
    async def test_a_state_can_come_before_any_message(self, store: Store) -> None:
        await store.save_state("ada", "intake", '{"n":7}')

        stored = await store.load("ada", "intake")
        assert (stored.revision, stored.state, stored.messages, stored.first_seq) == (1, '{"n":7}', [], 1)

    @rule
    async def test_a_forgotten_state_is_gone_and_its_step_too(self, store: Store) -> None:
        await store.commit(turn(0, USER, state='{"n":1}', step="one"))
        await store.save_state("ada", "intake", None)

        stored = await store.load("ada", "intake", context="step")
        assert (stored.state, stored.step, stored.messages) == (None, None, [])

    @rule
    async def test_a_forgotten_state_leaves_those_of_others(self, store: Store) -> None:
        await store.commit(turn(0, USER, state='{"n":1}'))
        await store.commit(turn(1, USER, agent="quote", state='{"n":2}'))
        await store.save_state("ada", "quote", None)

        assert (await store.load("ada", "intake")).state == '{"n":1}'

    @rule
    async def test_clearing_or_forgetting_what_is_not_there_leaves_nothing_behind(self, store: Store) -> None:
        await store.clear_messages("nobody")
        await store.save_state("nobody", "intake", None)

        assert await store.load("nobody", "intake") == Stored()
