"""A tool with two ways, that takes neither."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    check = step("Check the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=[check, done])  # expect: never-moves
    def go(self) -> str:
        """Do it."""
        return "On."

    @check.tool(to=done)
    def confirm(self) -> str:
        """Do it."""
        return "Confirmed."
