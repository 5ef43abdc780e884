"""An end that leads on."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)  # expect: declaration

    @done.tool(to=ask)
    def again(self) -> str:
        """Do it."""
        return "Again."
