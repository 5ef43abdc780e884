"""A journey for the tests of the runtime, and models that wait until they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey import Injected, Journey, step


class Ledger:
    """What was done outside, by the tools."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.has_begun = asyncio.Event()

    async def do(self, what: str) -> None:
        self.done.append(what)
        self.has_begun.set()
        await self.may_go_on.wait()


class Shop(Journey):
    """A shop."""

    kind: str = ""
    count: int = 0

    choose = step("Find out what they want.")
    offer = step("Offer it.")
    done = step(say="You have it.", final=True)

    @choose.tool(to="offer", effect="state")
    async def pick(self, kind: str) -> str:
        """Record what they want."""
        self.kind = kind
        return "Picked."

    @choose.tool(effect="state")
    async def add(self) -> str:
        """Count one up."""
        self.count += 1
        return f"{self.count}"

    @choose.tool(effect="read")
    async def look(self, ledger: Injected[Ledger]) -> str:
        """Look something up."""
        await ledger.do("look")
        return "Seen."

    @choose.tool(effect="once")
    async def charge(self, ledger: Injected[Ledger]) -> str:
        """Charge them."""
        await ledger.do("charge")
        self.count += 10
        return "Charged."

    @offer.tool(to="done", effect="once")
    async def buy(self, ledger: Injected[Ledger]) -> str:
        """Buy it."""
        await ledger.do("buy")
        return "Bought."


class Held:
    """A model whose replies wait until they are let go; counts what it is asked."""

    def __init__(self, reply: Callable[[list[JSONObject]], JSONObject]) -> None:
        self.requests: list[list[JSONObject]] = []
        self.is_asked = asyncio.Event()
        self.may_reply = asyncio.Event()
        self.may_reply.set()
        self._reply = reply

    async def generate(
        self, messages: list[JSONObject], *, tools: list[JSONObject] | None = None, **kwargs: Any
    ) -> Any:
        self.requests.append(list(messages))
        self.is_asked.set()
        await self.may_reply.wait()
        return _Response(self._reply(messages))


class _Response:
    def __init__(self, message: JSONObject) -> None:
        self.message = message
        self.usage: JSONObject = {"total_tokens": 1}


def echo(messages: list[JSONObject]) -> JSONObject:
    """A reply to the last message."""
    return {"role": "assistant", "content": f"You said: {messages[-1]['content']}"}


def first_calls(*names: str) -> Callable[[list[JSONObject]], JSONObject]:
    """A model that calls these tools, one a request, and then says how often it was told of them."""

    def reply(messages: list[JSONObject]) -> JSONObject:
        last = max(index for index, each in enumerate(messages) if each["role"] == "user")
        told = [each["content"] for each in messages[last:] if each["role"] == "tool"]
        if len(told) < len(names):
            function = {"name": names[len(told)], "arguments": "{}"}
            return {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": function}]}
        return {"role": "assistant", "content": " ".join(told)}

    return reply
