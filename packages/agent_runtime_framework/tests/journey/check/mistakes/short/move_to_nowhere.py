"""A move to a step that does not exist."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to="doen")  # expect: declaration
    def go_on(self) -> str:
        """Do it."""
        return "On."
