from __future__ import annotations

from datetime import timedelta

import pytest

from agent_runtime_framework.store.delivery import DurableStore, Entry, Finished, Incoming, Lease
from agent_runtime_framework.store.open import open_durable_store
from agent_runtime_framework.store.protocol import Commit

LEASE = Lease(owner="me", ttl=timedelta(minutes=1))


async def taken(
    store: DurableStore, name: str, state: str | None, *, over: str | None = None, agent: str = "a"
) -> None:
    accepted = await store.accept(Incoming(conversation_id=name, message_id="m", body={}, agent_key=agent), LEASE)
    claim = accepted.claim
    assert claim is not None
    commit = Commit(conversation_id=name, agent_key=agent, revision=claim.revision, messages=[], state=state)
    receipt = {} if over is None else {"over": over}
    await store.finish(claim, Finished(commit=commit, ending="answered", reply="", receipt=receipt))


async def left(store: DurableStore, name: str) -> None:
    accepted = await store.accept(Incoming(conversation_id=name, message_id="n", body={}, agent_key="a"), LEASE)
    assert accepted.claim is not None
    entries = [Entry(no=0, kind="heard", outcome={"messages": []}), Entry(no=1, kind="said", state='{"x":1}')]
    await store.record(accepted.claim, entries, LEASE.ttl)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["memory", "postgres"])
async def test_conversations_that_are_not_over_are_read_page_by_page_with_what_was_recorded(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url: str = "memory://" if kind == "memory" else request.getfixturevalue("postgres_url")
    store = open_durable_store(url)
    try:
        await taken(store, "a", '{"step":"one"}')
        await taken(store, "b", '{"step":"one","_version":7}')
        await taken(store, "c", "{}", over="completed")
        await taken(store, "d", "{}", agent="somebody-else")
        await taken(store, "e", '{"x":0,"_version":"odd"}')
        await left(store, "e")
        await left(store, "f")

        first = await store.live("a", limit=2)
        rest = await store.live("a", after="b")
        found = [(each.conversation_id, each.version, each.turn, each.last_state) for each in [*first, *rest]]
        assert found == [
            ("a", 1, None, '{"step":"one"}'),
            ("b", 7, None, '{"step":"one","_version":7}'),
            ("e", 1, 2, '{"x":1}'),
            ("f", 1, 1, '{"x":1}'),
        ]
        assert rest[-1].state is None
        assert [each.kind for each in rest[-1].entries] == ["heard", "said"]
    finally:
        await store.aclose()
