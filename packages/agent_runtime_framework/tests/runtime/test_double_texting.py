"""What becomes of messages that come while another one is answered: every policy, at every moment of the turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest
from corner_shop import Ledger, Shop, first_calls

from agent_runtime_core.interfaces import JSONObject, LLMResponse, LLMStreamChunk
from agent_runtime_framework.errors import ConversationBusy
from agent_runtime_framework.executor.hooks import ExecutorHooks
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.store.delivery import Policy
from agent_runtime_framework.testing import openai_problems

MOMENTS = ("before the model", "in the model", "in a tool", "in the stream")


class Gate:
    """Holds the first turn up at one moment, until it is let go."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.is_reached = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def pass_by(self, moment: str) -> None:
        if moment == self.moment:
            self.is_reached.set()
            await self.may_go_on.wait()


class Paced:
    """A model that charges once and says what came of it, in two pieces."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._reply = first_calls("charge")

    async def generate(self, messages: list[JSONObject], **kwargs: Any) -> LLMResponse:
        message = self._reply(messages)
        return LLMResponse(
            message if message.get("tool_calls") else {**message, "content": f"{message['content']} Bye."}
        )

    async def stream(self, messages: list[JSONObject], **kwargs: Any) -> AsyncIterator[LLMStreamChunk]:
        await self._gate.pass_by("in the model")
        message = self._reply(messages)
        if calls := message.get("tool_calls"):
            yield LLMStreamChunk(tool_calls=calls, finish_reason="tool_calls")
            return
        yield LLMStreamChunk(delta=f"{message['content']} ")
        await self._gate.pass_by("in the stream")
        yield LLMStreamChunk(delta="Bye.", finish_reason="stop")


class Watching(ExecutorHooks):
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def on_iteration_start(self, iteration: int) -> None:
        await self._gate.pass_by("before the model")


class Till(Ledger):
    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    async def do(self, what: str) -> None:
        await super().do(what)
        await self._gate.pass_by("in a tool")


@dataclass
class Seen:
    """What came of three messages, the second and third sent while the first was answered."""

    outcomes: str
    turns: list[str]
    charged: int
    count: int
    history: list[str] = field(default_factory=list[str])


Q1, Q2, Q3, PAID, BYE = "first", "second", "third", "Charged.", "Charged. Bye."
ONE = [Q1, PAID, BYE]
QUEUED = Seen("answered answered answered", ["answered"] * 3, 3, 30, [*ONE, Q2, PAID, BYE, Q3, PAID, BYE])
REJECTED = Seen("answered refused refused", ["answered"], 1, 10, ONE)
MERGED = Seen("answered answered merged", ["answered"] * 2, 2, 20, [*ONE, Q2, Q3, PAID, BYE])


def interrupted(*history: str, charged: int, count: int) -> Seen:
    return Seen(
        "superseded superseded answered",
        ["superseded", "answered"],
        charged,
        count,
        [*history, Q3, PAID, BYE],
    )


TABLE: dict[tuple[str, str], Seen] = {
    **{("queue", moment): QUEUED for moment in MOMENTS},
    **{("reject", moment): REJECTED for moment in MOMENTS},
    **{("merge", moment): MERGED for moment in MOMENTS},
    ("interrupt", "before the model"): interrupted(Q1, charged=1, count=10),
    ("interrupt", "in the model"): interrupted(Q1, charged=1, count=10),
    # Its outcome is not known, and what it did to the state is put back.
    ("interrupt", "in a tool"): interrupted(Q1, INTERRUPTED, charged=2, count=10),
    # What was done is kept, what was only half said is not.
    ("interrupt", "in the stream"): interrupted(Q1, PAID, charged=2, count=20),
}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == {(policy, moment) for policy in get_args(Policy) for moment in MOMENTS}


@pytest.mark.asyncio
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("policy", get_args(Policy))
async def test_every_policy_at_every_moment(policy: Policy, moment: str) -> None:
    gate = Gate(moment)
    ledger = Till(gate)
    agent = Shop.agent(Paced(gate), provide=[ledger], hooks=Watching(gate))
    async with Runtime("memory://", [agent]) as chats:
        reading = asyncio.ensure_future(_read(chats))
        await asyncio.wait_for(gate.is_reached.wait(), 5)
        sent = [await _accepted(chats, text, policy) for text in (Q2, Q3)]
        gate.may_go_on.set()
        await asyncio.wait_for(reading, 5)

        told = [
            await asyncio.wait_for(chats.reply_to("ada", text), 5)
            for text, kept in zip((Q2, Q3), sent, strict=True)
            if kept
        ]
        outcomes = [(await chats.reply_to("ada", Q1)).status, *(each.status for each in told)]
        history = [each.to_dict() for each in await chats.history("ada")]
        seen = Seen(
            outcomes=" ".join([*outcomes, *["refused"] * sent.count(False)]),
            turns=[each.status for each in await chats.turns("ada")],
            charged=len(ledger.done),
            count=(await chats.state("ada")).count,
            history=[each["content"] for each in history if each.get("content")],
        )
        assert seen == TABLE[policy, moment]
        assert openai_problems(history) == []
        # Whatever happened, the conversation goes on.
        assert (await asyncio.wait_for(chats.send("ada", "last"), 5)).text == BYE


async def _read(chats: Runtime) -> None:
    async for _ in chats.stream("ada", Q1, message_id=Q1):
        pass


async def _accepted(chats: Runtime, text: str, policy: Policy) -> bool:
    try:
        await chats.accept("ada", text, message_id=text, policy=policy)
    except ConversationBusy:
        return False
    return True
