"""What every store promises, whatever it is made of."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agent_runtime_framework.errors import ConversationConflict
from agent_runtime_framework.messages import tool_message
from agent_runtime_framework.store import Commit, Store, Stored

USER = {"role": "user", "content": "I'm Ada 🙂"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "save_name", "arguments": '{"name": "Ada"}'}}],
}
RESULT = tool_message("c1", "save_name", "Saved.")
REPLY = {"role": "assistant", "content": "And your email?"}
TURN = [USER, CALL, RESULT, REPLY]


def turn(revision: int, *messages, agent: str = "intake", state: str | None = None, step: str | None = None) -> Commit:
    return Commit(
        conversation_id="ada", agent_key=agent, revision=revision, messages=messages or TURN, state=state, step=step
    )


async def say(store: Store, *texts: str, steps: str | None = None) -> None:
    for number, text in enumerate(texts):
        revision = (await store.load("ada", "intake")).revision
        step = steps[number] if steps else None
        await store.commit(turn(revision, {"role": "user", "content": text}, step=step))


def texts(stored: Stored) -> list[str]:
    return [message["content"] for message in stored.messages]


@pytest.mark.asyncio
async def test_an_unknown_conversation_is_empty(store: Store) -> None:
    assert await store.load("nobody", "intake") == Stored()


@pytest.mark.asyncio
async def test_a_turn_comes_back_as_it_was_committed(store: Store) -> None:
    assert await store.commit(turn(0, state='{"name":"Ada"}', step="email")) == 1

    stored = await store.load("ada", "intake")

    assert stored.messages == TURN
    assert (stored.revision, stored.state, stored.step) == (1, '{"name":"Ada"}', "email")
    assert (stored.first_seq, stored.oldest_seq, stored.step_seq) == (1, 1, 1)


@pytest.mark.asyncio
async def test_a_commit_on_an_old_revision_is_refused_and_leaves_no_trace(store: Store) -> None:
    await store.commit(turn(0, state='{"n":1}', step="one"))

    with pytest.raises(ConversationConflict) as caught:
        await store.commit(turn(0, USER, state='{"n":2}', step="two"))

    assert (caught.value.conversation_id, caught.value.expected, caught.value.found) == ("ada", 0, 1)
    stored = await store.load("ada", "intake")
    assert (stored.revision, stored.state, stored.step, stored.messages) == (1, '{"n":1}', "one", TURN)


@pytest.mark.asyncio
async def test_a_commit_on_a_conversation_that_is_gone_is_refused(store: Store) -> None:
    with pytest.raises(ConversationConflict):
        await store.commit(turn(5))

    assert (await store.load("ada", "intake")).revision == 0


@pytest.mark.asyncio
async def test_a_refused_commit_does_not_fail_the_others(store: Store) -> None:
    def other(number: int) -> Commit:
        return Commit(conversation_id=f"c{number}", agent_key="a", revision=number % 2, messages=[USER])

    outcomes = await asyncio.gather(*(store.commit(other(number)) for number in range(20)), return_exceptions=True)

    assert [outcome == 1 for outcome in outcomes] == [number % 2 == 0 for number in range(20)]
    assert all(isinstance(outcome, ConversationConflict) for outcome in outcomes[1::2])


@pytest.mark.asyncio
async def test_only_messages_after_what_is_known_are_loaded(store: Store) -> None:
    await say(store, "a", "b", "c")

    stored = await store.load("ada", "intake", after=2)
    assert (texts(stored), stored.first_seq) == (["c"], 3)

    nothing_new = await store.load("ada", "intake", after=3)
    assert (nothing_new.messages, nothing_new.first_seq, nothing_new.revision) == ([], 4, 3)


@pytest.mark.asyncio
@pytest.mark.parametrize(("limit", "expected"), [(0, []), (2, ["b", "c"]), (3, ["a", "b", "c"]), (9, ["a", "b", "c"])])
async def test_a_number_asks_for_the_last_messages(store: Store, limit: int, expected: list[str]) -> None:
    await say(store, "a", "b", "c")

    stored = await store.load("ada", "intake", context=limit)

    assert (texts(stored), stored.first_seq) == (expected, 4 - len(expected))


@pytest.mark.asyncio
async def test_after_and_a_number_hold_together(store: Store) -> None:
    await say(store, "a", "b", "c", "d")

    assert texts(await store.load("ada", "intake", after=1, context=2)) == ["c", "d"]
    assert texts(await store.load("ada", "intake", after=3, context=2)) == ["d"]


@pytest.mark.asyncio
async def test_a_step_begins_with_the_turn_that_entered_it(store: Store) -> None:
    await say(store, "a", "b", "c", "d", steps="1122")

    stored = await store.load("ada", "intake", context="step")

    assert (texts(stored), stored.first_seq, stored.step, stored.step_seq) == (["c", "d"], 3, "2", 3)


@pytest.mark.asyncio
async def test_a_step_entered_again_begins_again(store: Store) -> None:
    await say(store, "a", "b", "c", steps="121")

    assert texts(await store.load("ada", "intake", context="step")) == ["c"]


@pytest.mark.asyncio
async def test_a_turn_without_state_leaves_the_stored_one(store: Store) -> None:
    await store.commit(turn(0, USER, state='{"n":1}', step="one"))
    await store.commit(turn(1, REPLY))

    stored = await store.load("ada", "intake")

    assert (stored.state, stored.step, stored.step_seq) == ('{"n":1}', "one", 1)


@pytest.mark.asyncio
async def test_every_agent_has_a_state_of_its_own(store: Store) -> None:
    await store.commit(turn(0, USER, state='{"n":1}'))
    await store.commit(turn(1, USER, agent="quote", state='{"n":2}'))

    assert (await store.load("ada", "intake")).state == '{"n":1}'
    assert (await store.load("ada", "quote")).state == '{"n":2}'
    assert len((await store.load("ada", "quote")).messages) == 2


@pytest.mark.asyncio
async def test_a_state_saved_between_turns_counts_as_a_revision(store: Store) -> None:
    await store.commit(turn(0))
    await store.save_state("ada", "intake", '{"n":7}')

    stored = await store.load("ada", "intake")
    assert (stored.revision, stored.state, stored.messages) == (2, '{"n":7}', TURN)
    with pytest.raises(ConversationConflict):
        await store.commit(turn(1))


@pytest.mark.asyncio
async def test_a_state_can_come_before_any_message(store: Store) -> None:
    await store.save_state("ada", "intake", '{"n":7}')

    stored = await store.load("ada", "intake")

    assert (stored.revision, stored.state, stored.messages, stored.first_seq) == (1, '{"n":7}', [], 1)


@pytest.mark.asyncio
async def test_a_forgotten_state_is_gone_and_its_step_too(store: Store) -> None:
    await store.commit(turn(0, USER, state='{"n":1}', step="one"))
    await store.save_state("ada", "intake", None)

    stored = await store.load("ada", "intake", context="step")

    assert (stored.state, stored.step, stored.messages) == (None, None, [])


@pytest.mark.asyncio
async def test_cleared_messages_are_gone_and_their_numbers_are_not_used_again(store: Store) -> None:
    await store.commit(turn(0, state='{"n":1}', step="one"))
    await store.clear_messages("ada")

    cleared = await store.load("ada", "intake")
    assert (cleared.messages, cleared.revision, cleared.state) == ([], 2, '{"n":1}')
    assert (cleared.first_seq, cleared.oldest_seq) == (5, 5)

    await store.commit(turn(2, USER))
    assert (await store.load("ada", "intake", after=4)).messages == [USER]


@pytest.mark.asyncio
async def test_clearing_or_forgetting_what_is_not_there_is_no_error(store: Store) -> None:
    await store.clear_messages("nobody")
    await store.save_state("nobody", "intake", None)

    assert (await store.load("nobody", "intake")).messages == []


@pytest.mark.asyncio
async def test_text_that_no_database_takes_is_mended(store: Store) -> None:
    await store.commit(turn(0, {"role": "user", "content": [{"type": "text", "text": "a\ud800b\x00c"}]}))

    text = (await store.load("ada", "intake")).messages[0]["content"][0]["text"]

    assert text.startswith("a")
    assert text.endswith("c")


@pytest.mark.asyncio
async def test_a_closed_store_can_be_used_again(store: Store) -> None:
    await store.aclose()
    await store.commit(turn(0))

    assert (await store.load("ada", "intake")).revision == 1


@pytest.mark.asyncio
async def test_what_a_conversation_used_stays_until_a_turn_says_otherwise(store: Store) -> None:
    await store.commit(replace(turn(0), usage='{"total_tokens":10}'))
    await store.commit(turn(1))
    assert (await store.load("ada", "other")).usage == '{"total_tokens":10}'

    await store.commit(replace(turn(2), usage='{"total_tokens":25}'))
    await store.clear_messages("ada")
    assert (await store.load("ada", "intake")).usage == '{"total_tokens":25}'
