"""The only tool of the first step moves nowhere."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")  # expect: dead-end
    done = step("Say thank you.", final=True)  # expect: unreachable

    @ask.tool
    def confirm(self) -> str:
        """Do it."""
        return "Confirmed."
