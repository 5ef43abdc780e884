"""Borrowed tools in a class body: what is known without asking the server, and what cannot be meant."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from agent_runtime_framework import Journey, step
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.check import check
from agent_runtime_framework.journey.graph import graph_of
from agent_runtime_framework.mcp import MCPServer

weather = MCPServer.stdio("weather-server", name="weather")


def declare(*tools: Any, **options: Any) -> type[Journey]:
    class Trip(Journey):
        """Trips."""

        plan = step("Plan.", tools=tools, **options)
        booked = step(say="Booked.", final=True)
        dropped = step(say="Dropped.", final=True)

        @plan.tool(effect="state", to=[booked, dropped])
        async def own(self, books: bool) -> Any:
            """The journey's own.

            Args:
                books: Whether they book.
            """
            return self.booked if books else self.dropped

    return Trip


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ([weather.tool("forecast"), weather.tool("forecast")], "two tools called 'forecast'"),
        ([weather.tool("own")], "two tools called 'own'"),
        ([weather.tool("book", to=["booked", "dropped"])], "cannot choose among them"),
        ([weather.tool("book", to="nowhere")], "leads to 'nowhere', which is no step"),
        ([weather.tool("book", effect="state")], "but runs elsewhere"),
        ([weather.tool("book", timeout=0)], "timeout=0"),
        ([weather.tool("_book")], "cannot be called '_book'"),
        ([weather.tool("book", approval_note="Wait.")], "approval_note"),
        ([print], "expected tools of a server"),
    ],
)
def test_what_cannot_be_meant_is_said_when_the_class_is_made(tools: list[Any], said: str):
    with pytest.raises(ConfigurationError, match=said):
        declare(*tools)


def test_two_servers_may_have_a_tool_of_one_name_if_it_is_renamed():
    other = MCPServer.http("https://weather.example.com/mcp")

    trip = declare(weather.tool("forecast"), other.tools(only=["forecast"], prefix="other_"))

    assert [tool.name for tool in trip.definition.steps["plan"].tools] == ["own", "forecast", "other_forecast"]


def test_check_and_graph_need_no_server():
    trip = declare(weather.tool("book", to="booked", effect="once"), weather.tools(prefix="w_", effect="read"))

    found = check(trip)
    drawn = graph_of(trip.definition)

    assert [(each.code, each.tool) for each in found] == [("open-tools", "w_*")]
    assert [node.tools for node in drawn.nodes if node.name == "plan"] == [("own", "book", "w_*")]
    assert ("plan", "booked", "book") in [(move.source, move.target, move.tool) for move in trip.definition.moves()]


def test_check_asks_what_running_a_tool_twice_does():
    found = check(declare(weather.tool("book")))

    assert [(each.code, each.tool) for each in found] == [("effect", "book")]


def test_guards_of_a_class_further_down_take_their_place():
    class Base(Journey, abstract=True):
        def allowed(self) -> bool | str:
            return "never"

        plan = step("Plan.", tools=[weather.tool("forecast", when=allowed)])

    class Trip(Base):
        """Trips."""

        def allowed(self) -> bool | str:
            return True

    (tool,) = Trip.definition.steps["plan"].tools
    assert tool.guards[0].function is Trip.allowed


@pytest.mark.parametrize(
    ("server", "name"),
    [
        (MCPServer.stdio("python", "-u", "tools/weather_server.py"), "weather_server"),
        (MCPServer.stdio("npx", "-y", "@modelcontextprotocol/server-filesystem", "/tmp"), "server-filesystem"),
        (MCPServer.stdio("weather-server"), "weather-server"),
        (MCPServer.http("https://user:secret@tools.example.com/mcp"), "tools.example.com"),
        (MCPServer.http("http://127.0.0.1:8000/mcp"), "127.0.0.1:8000"),
    ],
)
def test_a_server_has_a_name_that_tells_no_secret(server: MCPServer, name: str):
    assert server.name == name
    assert repr(server) == f"<MCPServer {name}>"


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match=r"expected http://\.\.\. or https"):
        MCPServer.http("weather.example.com")


def test_declaring_imports_no_sdk():
    program = (
        "import sys; from agent_runtime_framework.mcp import MCPServer; "
        "MCPServer.stdio('x').tool('y'); "
        "sys.exit('mcp' in sys.modules or 'httpx2' in sys.modules or 'anyio' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_missing_sdk_is_an_error_that_names_the_extra():
    program = (
        "import asyncio, sys; sys.modules['mcp'] = None; from agent_runtime_framework.mcp import MCPServer; "
        "asyncio.run(MCPServer.stdio('x').refresh())"
    )

    ran = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)

    assert "pip install 'agent_runtime_framework[mcp]'" in ran.stderr
