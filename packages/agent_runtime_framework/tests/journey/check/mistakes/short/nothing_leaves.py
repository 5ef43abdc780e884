"""The first step has no tool."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")  # expect: dead-end
    check = step("Check the name.")  # expect: unreachable
    done = step("Say thank you.", final=True)

    @check.tool(to=done)
    def confirm(self) -> str:
        """Do it."""
        return "Confirmed."
