"""A guard that forgets to say True."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    age: int = 0

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    def may(self) -> str | None:  # expect: guard-never-holds
        if self.age < 18:
            return "Only adults."
        return None

    @ask.tool(to=done, when=may)
    def go(self) -> str:
        """Do it."""
        return "On."
