"""Exact words that lead to exact words, round and round."""

from agent_runtime_framework.journey import Journey, step


class Mistake(Journey):
    """A friendly desk."""

    name: str = ""

    ask = step("Ask for the name.")  # expect: never-finishes
    one = step(say="One.", to="two")  # expect: circle
    two = step(say="Two.", to=one)
    done = step("Say thank you.", final=True)  # expect: unreachable

    @ask.tool(to=one)
    def go(self) -> str:
        """Do it."""
        return "On."
