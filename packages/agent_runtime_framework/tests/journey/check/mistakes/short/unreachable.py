"""A step that everybody has forgotten."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")
    review = step("Ask for a review.")  # expect: unreachable
    done = step("Say thank you.", final=True)

    @ask.tool(to=done)
    def confirm(self) -> str:
        """Do it."""
        return "Confirmed."

    @review.tool(to=done)
    def rate(self) -> str:
        """Do it."""
        return "Rated."
