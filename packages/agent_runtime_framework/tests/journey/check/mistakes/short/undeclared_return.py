"""A tool returns a step that it does not declare."""

from agent_runtime_framework.journey import Journey, Step, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    check = step("Check the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=check)  # expect: undeclared-move
    def go(self) -> Step:
        """Do it."""
        return self.done

    @check.tool(to=done)
    def confirm(self) -> str:
        """Do it."""
        return "Confirmed."
