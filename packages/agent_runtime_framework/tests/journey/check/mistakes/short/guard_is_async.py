"""A guard that would have to be awaited."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    age: int = 0

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    async def may(self) -> bool | str:  # expect: declaration
        return True

    @ask.tool(to=done, when=may)
    def go(self) -> str:
        """Do it."""
        return "On."
