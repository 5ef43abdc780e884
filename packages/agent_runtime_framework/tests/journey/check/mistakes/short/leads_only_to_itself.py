"""A step whose only move leads back to it."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    ask = step("Ask for the name.")  # expect: dead-end
    done = step("Say thank you.", final=True)  # expect: unreachable

    @ask.tool(to="ask")
    def again(self) -> str:
        """Ask again."""
        return "Again."
