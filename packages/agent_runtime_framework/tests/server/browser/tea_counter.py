"""A journey for the browser: a choice, a call that a person has to agree to, and an end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from agent_runtime_framework.journey import Journey, step

LEDGER = "TEA_LEDGER"
"""Names the file that every charge is written to."""


class Tea(Journey):
    """A tea counter."""

    kind: Literal["green", "black"] | None = None

    order = step("Ask which tea it shall be, green or black. Save it with choose_tea.")
    pay = step("Ask whether the tea shall be charged now. If so, call charge.", awaits_user=True)
    served = step(say="Enjoy your $kind tea.", final=True)

    @order.tool(to=pay, effect="state")
    async def choose_tea(self, kind: Literal["green", "black"]) -> str:
        """Save which tea they want."""
        self.kind = kind
        return f"A {kind} tea."

    @pay.tool(to=served, effect="once", requires_approval=True)
    async def charge(self) -> str:
        """Charge the tea."""
        write_down(str(self.kind))
        return "Charged."


def write_down(kind: str) -> None:
    """Remember a charge outside the journey."""
    with Path(os.environ[LEDGER]).open("a", encoding="utf-8") as ledger:
        ledger.write(f"{kind}\n")
