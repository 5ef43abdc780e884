"""A tool that moves by itself, past what it declares."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    check = step("Check the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=check)
    def go(self) -> str:
        """Do it."""
        self.step = self.done  # expect: undeclared-move
        return "On."

    @check.tool(to=done)
    def confirm(self) -> str:
        """Do it."""
        return "Confirmed."
