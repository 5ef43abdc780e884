"""Two steps that lead to each other and nowhere else."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")  # expect: never-finishes
    check = step("Check the name.")
    done = step("Say thank you.", final=True)  # expect: unreachable

    @ask.tool(to=check)
    def go_on(self) -> str:
        """Do it."""
        return "On."

    @check.tool(to=ask)
    def back(self) -> str:
        """Do it."""
        return "Back."
