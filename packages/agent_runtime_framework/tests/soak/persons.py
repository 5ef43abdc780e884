"""People in a market: they talk, too fast, twice, and not to the end; and those who decide for them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from stall import POISON, TOOLS, Notes

from agent_runtime_framework.errors import AlreadyDecided, ConversationBusy, NotPending, StoreError
from agent_runtime_framework.runtime import Reply, Runtime
from agent_runtime_framework.store.delivery import Policy

T = TypeVar("T")

STAY = 12
"""How many things a person does in one conversation, before they come back in a new one."""


@dataclass
class Market:
    """What all persons have in common.

    Attributes:
        chats: Where they talk.
        notes: What was acknowledged, and scheduled.
        seed: Decides what each of them does.
        is_closing: Nobody begins anything new.
        happened: How often what was done.
        wrong: What must not be, and was.
    """

    chats: Runtime
    notes: Notes
    seed: str
    is_closing: bool = False
    happened: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])

    async def insist(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do something until the store lets it be done."""
        while True:
            try:
                return await do()
            except StoreError:
                self.happened["store failed"] += 1
                await asyncio.sleep(0.2)


class Person:
    """Somebody who talks."""

    def __init__(self, market: Market, number: int) -> None:
        self._market = market
        self._name = f"u{number}"
        self._rng = random.Random(f"{market.seed} person {number}")
        self._said = 0
        self._visit = 0

    async def live(self) -> None:
        doings = [self._talk] * 14 + [self._talk_twice] * 3 + [self._cancel, self._break, self._schedule, self._post]
        doings += [self._hand_over] if self._rng.random() < 0.3 else []
        while not self._market.is_closing:
            conversation = f"{self._name}-{self._visit}"
            for _ in range(STAY):
                if self._market.is_closing:
                    return
                await self._rng.choice(doings)(conversation)
                await asyncio.sleep(self._rng.expovariate(1 / 0.7))
            self._visit += 1

    def _words(self) -> str:
        tools = self._rng.choices(TOOLS, weights=(5, 4, 2, 3, 1), k=self._rng.randint(0, 3))
        return f"{self._name} {self._said}: {' '.join(tools)}"

    async def _accept(self, conversation: str, text: str, policy: Policy = "queue") -> str | None:
        """Say something until it is acknowledged, or refused; gives the message's id."""
        self._said += 1
        message_id, market = f"m{self._said}", self._market

        async def say() -> Reply:
            return await market.chats.accept(conversation, text, message_id=message_id, policy=policy)

        try:
            # Some press the button again and again.
            for _ in range(self._rng.choice((1, 1, 1, 1, 3))):
                await market.insist(say)
        except ConversationBusy:
            market.happened["refused"] += 1
            return None
        market.notes.write("acknowledged", f"{conversation} {message_id}")
        market.happened["acknowledged"] += 1
        return message_id

    async def _wait(self, conversation: str, message_id: str | None) -> None:
        if message_id is None:
            return
        market = self._market
        reply = await market.insist(lambda: market.chats.reply_to(conversation, message_id))
        market.happened[reply.status] += 1
        again = await market.insist(lambda: market.chats.accept(conversation, "again", message_id=message_id))
        if (again.status, again.text) != (reply.status, reply.text):
            market.wrong.append(f"{conversation} {message_id} was {reply}, and then {again}")

    async def _talk(self, conversation: str) -> None:
        await self._wait(conversation, await self._accept(conversation, self._words()))

    async def _talk_twice(self, conversation: str) -> None:
        policies: list[Policy] = ["queue", "interrupt", "merge", "reject"]
        said: list[str | None] = []
        for _ in range(self._rng.randint(2, 4)):
            said.append(await self._accept(conversation, self._words(), self._rng.choice(policies)))
            await asyncio.sleep(self._rng.random() * 0.3)
        for each in said:
            await self._wait(conversation, each)

    async def _cancel(self, conversation: str) -> None:
        market = self._market
        message_id = await self._accept(conversation, self._words())
        await asyncio.sleep(self._rng.random())
        await market.insist(lambda: market.chats.cancel(conversation))
        await self._wait(conversation, message_id)

    async def _break(self, conversation: str) -> None:
        await self._wait(conversation, await self._accept(conversation, f"{self._name} {self._said}: {POISON}"))

    async def _schedule(self, conversation: str) -> None:
        self._said += 1
        market, name = self._market, f"t{self._said}"
        event, after = {"timer": f"{conversation} {name}"}, f"{self._rng.uniform(0.5, 4):.1f}s"
        try:
            await market.chats.schedule(conversation, event, after=after, timer_id=name)
            market.notes.write("scheduled", f"{conversation} {name}")
            market.happened["scheduled"] += 1
            if self._rng.random() < 0.3 and await market.chats.unschedule(conversation, name):
                market.notes.write("unscheduled", f"{conversation} {name}")
                market.happened["unscheduled"] += 1
        except StoreError:
            # Nobody knows now whether it is set.
            market.notes.write("unsure", f"{conversation} {name}")

    async def _post(self, conversation: str) -> None:
        self._said += 1
        market, message_id = self._market, f"e{self._said}"
        await market.insist(lambda: market.chats.post(conversation, {"paid": self._said}, message_id=message_id))
        market.notes.write("acknowledged", f"{conversation} {message_id}")
        market.happened["posted"] += 1

    async def _hand_over(self, conversation: str) -> None:
        chats, market = self._market.chats, self._market
        message_id = await self._accept(conversation, self._words())
        await market.insist(lambda: chats.hand_over(conversation, reason="they asked"))
        await self._wait(conversation, message_id)
        await self._talk(conversation)
        self._said += 1
        await market.insist(lambda: chats.say(conversation, "I see.", by="anna", message_id=f"p{self._said}"))
        await market.insist(lambda: chats.hand_back(conversation, by="anna"))
        market.happened["handed over"] += 1


async def decide(market: Market, name: str) -> None:
    """Decide about all that waits, beside others who do the same, for ever."""
    rng = random.Random(f"{market.seed} {name}")
    while True:
        for waiting in await market.insist(market.chats.pending):
            decide = market.chats.approve if rng.random() < 0.6 else market.chats.reject
            where, call_id = waiting.conversation_id, waiting.call_id
            try:
                if await market.insist(lambda: decide(where, call_id, by=name)):  # noqa: B023  done before the next
                    market.notes.write("decided", f"{where} {call_id} {decide.__name__} {name}")
                    market.happened["decided"] += 1
            except (AlreadyDecided, NotPending):
                market.happened["decided too late"] += 1
        await asyncio.sleep(rng.random())
