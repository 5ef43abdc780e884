"""A field that cannot become JSON."""

from html.parser import HTMLParser

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""
    page: HTMLParser | None = None  # expect: field-type

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
