"""A template with a misspelt field."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask $nmae how they are.")  # expect: unknown-name
    done = step("Say thank you.", final=True)

    @ask.tool(to=done)
    def save_name(self, name: str) -> str:
        """Save the name.

        Args:
            name: The name.
        """
        self.name = name
        return "Saved."
