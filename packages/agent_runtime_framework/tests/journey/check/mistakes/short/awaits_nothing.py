"""A step that waits for the person and has nothing to hold back."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True, awaits_user=True)  # expect: awaits-nothing

    @ask.tool(to=done)
    def save_name(self, name: str) -> str:
        """Save the name.

        Args:
            name: The name.
        """
        self.name = name
        return "Saved."
