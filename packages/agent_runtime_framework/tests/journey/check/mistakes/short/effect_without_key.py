"""An idempotent tool without a key."""

from agent_runtime_framework.journey import Injected, Journey, step


class Shop:
    async def order(self) -> str:
        return "1"


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=done, effect="idempotent")  # expect: no-key
    async def buy(self, shop: Injected[Shop]) -> str:
        """Buy it."""
        return await shop.order()
