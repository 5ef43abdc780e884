"""A tool that reaches another system, and does not say what twice would do."""

from agent_runtime_framework.journey import Injected, Journey, step


class Shop:
    async def order(self) -> str:
        return "1"


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=done)  # expect: effect
    async def buy(self, shop: Injected[Shop]) -> str:
        """Buy it."""
        return await shop.order()
