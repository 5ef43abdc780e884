"""A tool that stops the whole program for a while."""

import time

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=done)
    async def go(self) -> str:
        """Go on."""
        time.sleep(1)  # expect: blocking-call
        return "On."
