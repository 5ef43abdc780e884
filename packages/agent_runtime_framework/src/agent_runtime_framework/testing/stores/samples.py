"""What rules say to a store: messages, turns, owners."""

from __future__ import annotations

from datetime import timedelta

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.messages import tool_message
from agent_runtime_framework.store.delivery import Claim, DurableStore, Ending, Entry, Finished, Incoming, Lease, Policy
from agent_runtime_framework.store.protocol import Commit, Store, Stored

TTL = timedelta(seconds=30)
ME, YOU = Lease(owner="me", ttl=TTL), Lease(owner="you", ttl=TTL)

USER: JSONObject = {"role": "user", "content": "I'm Ada 🙂"}
CALL: JSONObject = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "save_name", "arguments": '{"name": "Ada"}'}}],
}
RESULT = tool_message("c1", "save_name", "Saved.")
REPLY: JSONObject = {"role": "assistant", "content": "And your email?"}
TURN = [USER, CALL, RESULT, REPLY]

THOUGHT = Entry(no=0, kind="model", outcome={"text": "x"})
PAYS = Entry(no=1, kind="tool", name="pay", call_id="c1", effect="once")
PAID = Entry(no=1, kind="tool", name="pay", call_id="c1", effect="once", outcome={"text": "ok"}, state='{"n":2}')


def turn(
    revision: int,
    *messages: JSONObject,
    conversation: str = "ada",
    agent: str = "intake",
    state: str | None = None,
    step: str | None = None,
    usage: str | None = None,
) -> Commit:
    """A turn, by default with a call and its result."""
    return Commit(
        conversation_id=conversation,
        agent_key=agent,
        revision=revision,
        messages=messages or TURN,
        state=state,
        step=step,
        usage=usage,
    )


def said(text: str) -> JSONObject:
    """What a person says."""
    return {"role": "user", "content": text}


async def say(store: Store, *texts: str, steps: str | None = None, conversation: str = "ada") -> None:
    """Commit a turn for each text, each ending in a step of its own."""
    revision = (await store.load(conversation, "intake")).revision
    for number, text in enumerate(texts):
        step = steps[number] if steps else None
        revision = await store.commit(turn(revision, said(text), conversation=conversation, step=step))


def texts(stored: Stored) -> list[str]:
    """What the messages say."""
    return [message["content"] for message in stored.messages]


def message(
    message_id: str,
    text: str = "hi",
    *,
    policy: Policy = "queue",
    conversation: str = "ada",
    agent: str = "",
    max_waiting: int = 100,
) -> Incoming:
    """A message on its way in."""
    return Incoming(
        conversation_id=conversation,
        message_id=message_id,
        agent_key=agent,
        default_agent="quote",
        body=said(text),
        policy=policy,
        max_waiting=max_waiting,
    )


async def begun(store: DurableStore, message_id: str = "m1", lease: Lease = ME, conversation: str = "ada") -> Claim:
    """A turn that has just begun."""
    claim = (await store.accept(message(message_id, conversation=conversation), lease)).claim
    assert claim is not None, "a message for an idle conversation was not claimed"
    return claim


async def taken(store: DurableStore, lease: Lease = ME, conversation: str = "ada", gone: str | None = None) -> Claim:
    """The turn that is next, which has to be there."""
    claim = await store.claim(conversation, lease, gone=gone)
    assert claim is not None, "there is a turn to be had, and nobody at it, but it was not given"
    return claim


def end(claim: Claim, reply: str = "Hello.", ending: Ending = "answered", revision: int | None = None) -> Finished:
    """The end of a turn."""
    commit = Commit(
        conversation_id=claim.conversation_id,
        agent_key=claim.agent_key,
        revision=claim.revision if revision is None else revision,
        messages=[*claim.bodies, {"role": "assistant", "content": reply}],
        state=f'{{"turn":{claim.turn}}}',
        step="a",
        usage='{"total_tokens":7}',
    )
    return Finished(commit=commit, ending=ending, reply=reply, receipt={"stopped_reason": "text_response"})


async def status_of(store: DurableStore, message_id: str, conversation: str = "ada") -> str | None:
    """Where a message stands; None if nobody knows it."""
    outcome = await store.outcome(conversation, message_id)
    return None if outcome is None else outcome.status
