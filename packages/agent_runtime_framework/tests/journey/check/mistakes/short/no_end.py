"""A journey without an end."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):  # expect: no-end
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    check = step("Check the name.")

    @ask.tool(to=check)
    def go_on(self) -> str:
        """Do it."""
        return "On."

    @check.tool(to=ask)
    def back(self) -> str:
        """Do it."""
        return "Back."
