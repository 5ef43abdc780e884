"""Two guards that never hold together."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    age: int = 0

    ask = step("Ask for the name.")
    done = step("Say thank you.", final=True)

    def may(self) -> bool | str:  # expect: guards-never-hold
        return self.age >= 18 or "Only adults."

    def is_child(self) -> bool | str:
        return self.age < 16 or "Only children."

    @ask.tool(to=done, when=[may, is_child])
    def go(self) -> str:
        """Do it."""
        return "On."
