"""A persona that hopes for a field."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):  # expect: persona
    """The desk of $name."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=done)
    def save_name(self, name: str) -> str:
        """Save the name.

        Args:
            name: The name.
        """
        self.name = name
        return "Saved."
