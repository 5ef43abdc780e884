"""A name that providers refuse."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=done, name="go on")  # expect: tool-name
    def go(self) -> str:
        """Do it."""
        return "On."
