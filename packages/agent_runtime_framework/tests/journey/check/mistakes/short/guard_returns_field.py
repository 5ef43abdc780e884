"""A guard that returns a text where it means whether there is one."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    def may(self) -> bool | str:  # expect: guard-never-holds
        return self.name

    @ask.tool(to=done, when=may)
    def go(self) -> str:
        """Do it."""
        return "On."
