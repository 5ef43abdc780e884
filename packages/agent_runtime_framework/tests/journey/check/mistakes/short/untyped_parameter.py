"""A parameter of which no model can be told what to send."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=done)  # expect: declaration
    def save(self, name) -> str:
        """Save."""
        return name
