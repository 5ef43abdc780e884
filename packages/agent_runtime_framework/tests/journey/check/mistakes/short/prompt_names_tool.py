"""A prompt that speaks of the tool of another step."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    check = step("Use save_name if the name is wrong.")  # expect: prompt-names-tool
    done = step("Say thank you.", final=True)

    @ask.tool(to=check)
    def save_name(self) -> str:
        """Save the name."""
        return "Saved."

    @check.tool(to=done)
    def confirm(self) -> str:
        """Do it."""
        return "Confirmed."
