"""Two tools that the model would know by one name."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=done, name="go")
    def one(self) -> str:
        """Do it."""
        return "On."

    @ask.tool(to=done, name="go")  # expect: declaration
    def two(self) -> str:
        """Do it."""
        return "On."
