"""A journey in which persons have a say, for the tests of approvals and of handing over."""

from __future__ import annotations

import asyncio

from corner_shop import Ledger

from agent_runtime_framework.journey import Field, Injected, Journey, step

CLOSED: list[str] = []
"""What keeps the desk from paying, outside the journey."""


class Desk(Journey):
    """A help desk."""

    count: int = 0
    limit: int = 100
    card: str = Field("", sensitive=True)

    serve = step("Serve them.")
    stuck_here = step("Be of help.", patience=1, stuck="human")
    human = step(say="A colleague takes over.", handoff="support", to=serve)
    done = step(say="Paid.", final=True)

    def open_now(self) -> bool | str:
        return not CLOSED or "the desk is closed"

    def large(self, amount: int) -> bool | str:
        return amount > self.limit and f"{amount} is more than {self.limit}"

    @serve.tool(effect="state")
    async def add(self) -> str:
        """Count one up."""
        self.count += 1
        return "added"

    @serve.tool(effect="once", when=open_now, requires_approval=True)
    async def pay(self, ledger: Injected[Ledger]) -> str:
        """Pay."""
        await ledger.do("pay")
        self.count += 10
        return "paid"

    @serve.tool(effect="once", requires_approval=large, approval_note="Somebody looks at the $limit.")
    async def refund(self, amount: int, ledger: Injected[Ledger], to: str = "cash") -> str:
        """Give money back."""
        await ledger.do(f"refund {amount} {to}")
        return "refunded"

    @serve.tool(to=done, effect="once", requires_approval=True)
    async def settle_up(self, ledger: Injected[Ledger]) -> str:
        """Pay everything."""
        await ledger.do("settle")
        return "settled"

    @serve.tool(to=human, effect="state")
    async def escalate(self) -> str:
        """Get a colleague."""
        return "ok"

    @serve.tool(to=stuck_here, effect="state")
    async def lose(self) -> str:
        """Lose the thread."""
        return "ok"


class Library(Journey):
    """Looks things up."""

    count: int = 0

    look_up = step("Look things up.")

    @look_up.tool(effect="read", independent=True)
    async def slow(self, ledger: Injected[Ledger]) -> str:
        """Look slowly."""
        await ledger.do("slow")
        return "slow result"

    @look_up.tool(effect="read", independent=True)
    async def quick(self, ledger: Injected[Ledger]) -> str:
        """Look quickly."""
        ledger.done.append("quick")
        ledger.may_go_on.set()
        return "quick result"

    @look_up.tool(effect="read", independent=True)
    async def broken(self) -> str:
        """Fail."""
        await asyncio.sleep(0)
        raise ValueError("no such book")

    @look_up.tool(effect="read", independent=True)
    async def writes(self) -> str:
        """Change what it must not."""
        self.count += 1
        return "written"

    @look_up.tool(effect="read", independent=True)
    async def find(self, title: str) -> str:
        """Find a book."""
        return title

    @look_up.tool(effect="read", independent=True, timeout=0.01)
    async def endless(self) -> str:
        """Never end."""
        await asyncio.Event().wait()
        return "never"

    @look_up.tool(effect="state")
    async def add(self) -> str:
        """Count one up."""
        self.count += 1
        return f"{self.count}"
