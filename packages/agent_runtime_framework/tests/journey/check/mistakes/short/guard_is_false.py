"""A guard that is always False."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    age: int = 0

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    def may(self) -> bool | str:  # expect: guard-never-holds
        return False

    @ask.tool(to=done, when=may)
    def go(self) -> str:
        """Do it."""
        return "On."
