"""Exact words with a misspelt field."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step(say="Thank you, $nam.", final=True)  # expect: unknown-name

    @ask.tool(to=done)
    def save_name(self, name: str) -> str:
        """Save the name.

        Args:
            name: The name.
        """
        self.name = name
        return "Saved."
