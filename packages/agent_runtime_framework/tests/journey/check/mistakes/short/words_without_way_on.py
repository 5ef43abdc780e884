"""Exact words that lead nowhere."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    hello = step(say="Hello.")  # expect: dead-end
    done = step("Say thank you.", final=True)  # expect: unreachable

    @ask.tool(to=hello)
    def go(self) -> str:
        """Do it."""
        return "On."
