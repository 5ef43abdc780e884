"""A guard that wants a number both larger and smaller."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    age: int = 0

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    def may(self) -> bool | str:  # expect: guard-never-holds
        return (self.age >= 65 and self.age < 18) or "Not now."

    @ask.tool(to=done, when=may)
    def go(self) -> str:
        """Do it."""
        return "On."
