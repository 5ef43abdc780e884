"""Journeys whose persons fall silent; and, run by itself, a process that looks for what is due until nothing is."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from agent_runtime_framework.journey import Journey, expire, remind, step
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.testing import ScriptedLLM

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Quote(Journey):
    """A quote desk."""

    kind: str = "car"
    let_go: int = 0

    ask = step("Ask for the plate.")
    pay = step("Ask whether to pay.", awaits_user=True, on_idle=remind("30m", tell="They are silent about $kind."))
    broken = step("Ask.", on_idle=(remind("1h", say="$oops"), expire("2h")))
    gone = step(say="I have put your quote for a $kind away.", to="parked")
    parked = step("Ask whether to go on.")
    sold = step(say="Sold.", final=True)

    on_idle = (remind("2h", say="Still there? ($kind)"), remind("1d", say="Last call."), expire("7d", to="gone"))

    @property
    def oops(self) -> str:
        raise LookupError("no such word")

    @ask.tool(to=[pay, broken, sold, parked], effect="state")
    def go(self, to: str):
        """Go on."""
        return getattr(type(self), to)

    @pay.tool(to=sold, effect="once")
    def buy(self) -> str:
        """Buy it."""
        return "Bought."

    @gone.on_enter
    def let(self) -> None:
        self.let_go += 1


async def look(path: str) -> None:
    host = LocalHost(sleep=lambda _: asyncio.Event().wait())
    async with Runtime(f"sqlite:///{path}", [Quote], llm_client=ScriptedLLM(), host=host) as chats:
        print("ready", flush=True)  # noqa: T201  the test waits for it
        sys.stdin.readline()
        await chats.fire_due()
        while await chats.store.stranded():  # what the other one has left
            await host.sweep()
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(look(sys.argv[1]))
