"""A coroutine that nobody awaits."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    async def _log(self) -> None:
        pass

    @ask.tool(to=done)
    async def go(self) -> str:
        """Go on."""
        self._log()  # expect: not-awaited
        return "On."
