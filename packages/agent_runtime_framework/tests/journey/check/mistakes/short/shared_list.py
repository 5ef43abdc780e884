"""A list of the class, which all conversations fill."""

from typing import ClassVar

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    seen: ClassVar[list[str]] = []  # expect: shared-state
    name: str = ""

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    @ask.tool(to=done)
    def go(self) -> str:
        """Do it."""
        self.seen.append(self.name)
        return "On."
