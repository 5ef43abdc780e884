"""Tools of an MCP server, in the short form: the weather and the balloons are somebody else's, the way there is ours.

agent-runtime chat examples/short/balloon.py

The server is this very file, run as a program; it stands for any server that speaks the Model Context Protocol.
"""

import sys
from typing import Literal

from agent_runtime_framework import Journey, step
from agent_runtime_framework.mcp import MCPServer

balloons = MCPServer.stdio(sys.executable, __file__, name="balloons")


class Balloon(Journey):
    """The desk of a balloon company. Brief and friendly."""

    choose = step(
        "Ask whether they want to fly on Saturday or on Sunday.",
        tools=[balloons.tool("forecast", to="book", effect="read")],
    )
    book = step(
        "Ask whether that weather will do, then for how many people they book.",
        tools=[balloons.tool("book_ride", to="done", effect="idempotent", said=["people"])],
        awaits_user=True,
    )
    done = step(say="Your balloon is booked.", final=True)

    @book.tool(to=choose, effect="state")
    def another_day(self) -> None:
        """Look at the other day, if they do not like that weather."""


def serve() -> None:
    """Be the server."""
    from mcp.server.mcpserver import MCPServer as Server

    server = Server("balloons")

    @server.tool()
    def forecast(day: Literal["saturday", "sunday"]) -> str:
        """How the weather will be."""
        return f"{day.capitalize()}: sunny, 21 degrees, hardly any wind."

    @server.tool()
    def book_ride(day: Literal["saturday", "sunday"], people: int) -> str:
        """Book a balloon ride."""
        return f"A balloon for {people} on {day}"

    server.run()


if __name__ == "__main__":
    serve()
