"""An exported conversation as a replay reads it: what was said, what the model replied, what calls came to."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey.form import MASK
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.runtime.receipts.account import Account, account_of
from agent_runtime_framework.store.delivery import TurnInfo

CallKey: TypeAlias = tuple[str, str]
"""A tool, and its arguments in one spelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a call came to.

    Attributes:
        text: What the model was told.
        ok: False if it failed, or its outcome is unknown.
        is_unknown: True if nobody knows whether it took effect.
        effect: What running it twice would have done; None if that is not recorded.
        changed: What it did to the state, by top-level key.
        gone: The top-level keys that it removed.
    """

    text: str
    ok: bool
    is_unknown: bool = False
    effect: str | None = None
    changed: JSONObject = field(default_factory=dict[str, object])
    gone: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTurn:
    """A turn.

    Attributes:
        account: What was done in it.
        run_id: Its name.
        heard: What was said to it.
        messages: All of it.
        replies: What the model replied, one message a request.
    """

    account: Account
    run_id: str | None
    heard: Sequence[JSONObject]
    messages: Sequence[JSONObject]
    replies: Sequence[JSONObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedConversation:
    """A conversation.

    Attributes:
        conversation_id: Its id.
        turns: Its ended turns.
        results: What its calls came to, in order, by call.
        is_masked: True if something of what was said is hidden, and cannot be said again.
        is_cut: True if its first messages are not there any more.
    """

    conversation_id: str
    turns: Sequence[RecordedTurn]
    results: Mapping[CallKey, deque[Result]]
    is_masked: bool = False
    is_cut: bool = False


def recorded(document: JSONObject) -> RecordedConversation:
    """An exported conversation as a replay reads it."""
    by_turn: dict[int, list[JSONObject]] = {}
    for row in document["messages"]:
        by_turn.setdefault(row["turn"], []).append(row["body"])
    turns: list[RecordedTurn] = []
    results: dict[CallKey, deque[Result]] = {}
    for row in document["turns"]:
        if row["ended_at"] is not None:
            turn = _turn(row, by_turn.get(row["no"], []))
            turns.append(turn)
            for key, result in _results(turn, row.get("effects") or ()):
                results.setdefault(key, deque()).append(result)
    heard = [str(each.get("content")) for turn in turns for each in turn.heard]
    return RecordedConversation(
        conversation_id=document["conversation_id"],
        turns=turns,
        results=results,
        is_masked=any(MASK in text for text in heard),
        is_cut=document["oldest_seq"] > 1,
    )


def call_key(name: str, arguments: object) -> CallKey:
    """A call in one spelling."""
    return name, json.dumps(arguments, sort_keys=True, ensure_ascii=False, default=str)


def _turn(row: JSONObject, messages: Sequence[JSONObject]) -> RecordedTurn:
    info = TurnInfo(
        no=row["no"],
        agent_key=row["agent_key"],
        status=row["status"],
        step=row["step"],
        attempts=row["attempts"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        reply=row["reply"],
        receipt=row["receipt"],
    )
    account = account_of(info)
    return RecordedTurn(
        account=account,
        run_id=row["run_id"],
        heard=[each for each in messages if each["role"] in ("user", "system")],
        messages=messages,
        replies=list(_replies(account, messages)),
    )


def _replies(account: Account, messages: Sequence[JSONObject]) -> Iterator[JSONObject]:
    """The model's replies, in order; the receipt tells them from the journey's own words."""
    spoken = deque(each for each in messages if each["role"] == "assistant")
    if not account.done:
        yield from spoken
        return
    for at, each in enumerate(account.done):
        if "said" in each:
            for _ in range(min(each["said"], len(spoken))):
                spoken.popleft()
        elif "model" in each:
            calls: Sequence[str] = each["model"]["calls"]
            following = next(iter(account.done[at + 1]), "") if at + 1 < len(account.done) else ""
            if calls or (spoken and not spoken[0].get("tool_calls") and following != "model"):
                yield spoken.popleft() if spoken else _NOTHING
            else:
                # A reply that was not taken left nothing behind.
                yield _NOTHING


_NOTHING: JSONObject = {"role": "assistant", "content": ""}


def _results(turn: RecordedTurn, effects: Sequence[JSONObject]) -> Iterator[tuple[CallKey, Result]]:
    told = {each["tool_call_id"]: each["content"] for each in turn.messages if each["role"] == "tool"}
    changes = {each["call"]: each for each in effects}
    calls = [call for each in turn.messages for call in each.get("tool_calls") or ()]
    for call, done in zip(calls, turn.account.calls, strict=False):
        if done.get("refused"):
            continue
        text = str(told.get(call["id"], INTERRUPTED))
        change = changes.get(call["id"], {})
        yield (
            call_key(call["function"]["name"], _arguments(call)),
            Result(
                text=text,
                ok=bool(done["ok"]),
                is_unknown=bool(done.get("unknown")),
                effect=done.get("effect"),
                changed=change.get("changed", {}),
                gone=change.get("gone", ()),
            ),
        )


def _arguments(call: JSONObject) -> object:
    try:
        return json.loads(call["function"].get("arguments") or "{}")
    except ValueError:
        return None
