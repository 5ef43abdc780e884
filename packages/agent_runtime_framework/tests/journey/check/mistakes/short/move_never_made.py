"""A declared move that is never made."""

from agent_runtime_framework.journey import Journey, Step, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    check = step("Check the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=[check, done])  # expect: move-never-made
    def go(self) -> Step:
        """Do it."""
        return self.check

    @check.tool(to=done)
    def confirm(self) -> str:
        """Do it."""
        return "Confirmed."
