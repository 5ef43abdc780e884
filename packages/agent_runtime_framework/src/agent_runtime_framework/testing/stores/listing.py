"""Rules of the list of conversations."""

from __future__ import annotations

import pytest

from agent_runtime_framework.store.protocol import Store
from agent_runtime_framework.testing.stores.bench import Clock, PlainRules, rule
from agent_runtime_framework.testing.stores.samples import say


class ListRules(PlainRules):
    """The conversations, most recently used first."""

    @pytest.fixture
    def listing(self, store: Store) -> Store:
        """The store, if it has a list."""
        if not self.has_list:
            pytest.skip(f"{type(self).__name__}.has_list is False: it cannot list its conversations")
        return store

    @rule
    async def test_a_listing_shows_nothing_that_was_never_begun(self, listing: Store) -> None:
        await listing.load("ada", "intake")
        await listing.clear_messages("ada")
        await listing.save_state("ada", "intake", None)

        assert await listing.conversations() == []

    @rule
    async def test_a_listing_counts_turns_and_messages(self, listing: Store) -> None:
        await say(listing, "a", "b", conversation="ada")
        await listing.clear_messages("ada")
        await say(listing, "c", conversation="ada")

        (found,) = await listing.conversations()
        assert (found.conversation_id, found.revision, found.messages) == ("ada", 4, 1)

    @rule
    async def test_the_most_recently_used_conversation_comes_first(self, listing: Store, clock: Clock) -> None:
        for name in ("ada", "bob", "cleo", "ada"):
            await say(listing, "hi", conversation=name)
            clock.pass_by(1)

        listed = await listing.conversations()
        assert [each.conversation_id for each in listed] == ["ada", "cleo", "bob"]
        assert listed[0].updated_at > listed[1].updated_at > listed[2].updated_at

    @rule
    async def test_a_listing_has_pages(self, listing: Store, clock: Clock) -> None:
        for name in "edcba":
            await say(listing, "hi", conversation=name)
            clock.pass_by(1)

        pages = [await listing.conversations(limit=2, offset=offset) for offset in (0, 2, 4, 6)]
        assert [[each.conversation_id for each in page] for page in pages] == [["a", "b"], ["c", "d"], ["e"], []]
