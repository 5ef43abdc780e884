"""An MCP server whose tools the steps of journeys can offer.

Rules:
    - Nothing is started or imported before somebody needs it.
    - All conversations of an event loop share one connection. When it is lost, the next one who needs it makes another.
    - A server that cannot be reached costs a conversation its tools, never its turn.
    - A call that was cut off is made again only if its step says that this does no harm.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from agent_runtime_core.errors import ToolError
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.borrowing import BorrowedTools
from agent_runtime_framework.journey.declare import Agreement, Guard, Target, ToolOptions
from agent_runtime_framework.journey.definition import Source
from agent_runtime_framework.mcp.address import CallOutcome, Command, ConnectionLost, Endpoint, Headers, RefusedByServer
from agent_runtime_framework.toolcalls import Effect
from agent_runtime_framework.tools.remote import Listing, RemoteSchema, RemoteTool, cut, plain_text
from agent_runtime_framework.tools.schema import ToolSchema

if TYPE_CHECKING:
    from agent_runtime_framework.mcp.link import Link

logger = logging.getLogger(__name__)

IDEMPOTENCY_KEY = "agent-runtime/idempotency-key"
"""Under which a call's key is in its `_meta`."""

MAX_RESULT = 20_000
"""How many characters of a result the model is told, if nothing else is said."""

MAX_NAMES = 500
"""How many characters of the names of a server's tools are told."""

RETRY_AFTER = 5.0
"""Seconds in which a server that could not be reached is not tried again."""


@dataclass(slots=True)
class _Here:
    """What there is of a server in one event loop."""

    listing: Listing
    link: Link | None = None
    is_stale: bool = False
    not_before: float = 0.0
    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    holders: set[int] = field(default_factory=set[int])


class MCPServer:
    """A server that speaks the Model Context Protocol; made by `MCPServer.stdio` or `MCPServer.http`.

    Its tools are offered by steps: `step("...", tools=[weather.tool("forecast", effect="read")])`. The connection is
    made when the first of these steps is reached, and ends with the runtime or the agent that used it, or by `aclose`.

    Attributes:
        name: What it is called in errors, and to the model.
        timeout: Seconds after which a call is given up.
    """

    def __init__(
        self,
        address: Command | Endpoint,
        *,
        name: str | None = None,
        timeout: float | None = 60.0,
        connect_timeout: float = 20.0,
        max_result: int = MAX_RESULT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name or address.name
        self.timeout = timeout
        self._address = address
        self._connect_timeout = connect_timeout
        self._max_result = max_result
        self._clock = clock
        self._unasked = Listing(problem=f"it is not known yet what {self.name} offers")
        self._loops: dict[asyncio.AbstractEventLoop, _Here] = {}

    @classmethod
    def stdio(
        cls,
        command: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        name: str | None = None,
        timeout: float | None = 60.0,
        connect_timeout: float = 20.0,
        max_result: int = MAX_RESULT,
    ) -> MCPServer:
        """A server that is started as a process when it is needed.

        Args:
            command: The program.
            *arguments: Its arguments.
            env: Added to the few variables that the process gets: PATH, HOME and their like.
            cwd: Where it runs.
            name: What it is called; by default what it runs.
            timeout: Seconds after which a call is given up, where a step says nothing else; None waits.
            connect_timeout: Seconds it may take to start and to say what it offers.
            max_result: How many characters of a result the model is told.
        """
        address = Command(command=command, arguments=arguments, environment=env, folder=cwd)
        return cls(address, name=name, timeout=timeout, connect_timeout=connect_timeout, max_result=max_result)

    @classmethod
    def http(
        cls,
        url: str,
        *,
        headers: Headers | None = None,
        name: str | None = None,
        timeout: float | None = 60.0,
        connect_timeout: float = 20.0,
        max_result: int = MAX_RESULT,
    ) -> MCPServer:
        """A server that runs elsewhere and is spoken to over HTTP ("streamable HTTP").

        Args:
            url: Its endpoint, such as `https://tools.example.com/mcp`.
            headers: Sent with every request, for a token; or a function that gives them when a connection is made.
            name: What it is called; by default its host.
            timeout: Seconds after which a call is given up, where a step says nothing else; None waits.
            connect_timeout: Seconds it may take to say what it offers.
            max_result: How many characters of a result the model is told.

        Raises:
            ConfigurationError: The URL is none of HTTP.
        """
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"an MCP server is given as {url!r}; expected http://... or https://..., or MCPServer.stdio(command)"
            )
        address = Endpoint(url=url, headers=headers)
        return cls(address, name=name, timeout=timeout, connect_timeout=connect_timeout, max_result=max_result)

    def tool(
        self,
        tool: str,
        *,
        name: str | None = None,
        to: Target = None,
        when: Guard | Sequence[Guard] = (),
        effect: Effect | None = None,
        requires_approval: bool | Agreement = False,
        approval_note: str | None = None,
        independent: bool = False,
        timeout: float | None = None,
        said: Sequence[str] = (),
    ) -> BorrowedTools:
        """One of its tools, for `step(tools=[...])`.

        Args:
            tool: What the server calls it.
            name: What the model calls it, if not the same.
            to: The step it leads to when it has run.
            when: Methods of the journey that return True, or the reason why not.
            effect: What running it twice would do: "read", "idempotent" or, by default, "once".
            requires_approval: A person has to agree before it runs: always, or when a method says so, which takes the
                tool's arguments by name, as many as it wants, and returns True or the reason.
            approval_note: What the person in the conversation is told meanwhile, a template over the state.
            independent: It may run beside other calls of the same reply.
            timeout: Seconds after which it is given up.
            said: The arguments that have to be the person's own words.
        """
        options = ToolOptions(
            to=to, when=when, effect=effect, requires_approval=requires_approval, approval_note=approval_note,
            independent=independent, timeout=timeout, name=name,
        )  # fmt: skip
        return self._borrowed((tool,), options, said)

    def tools(
        self,
        *,
        only: Sequence[str] | None = None,
        but: Sequence[str] = (),
        prefix: str = "",
        to: Target = None,
        when: Guard | Sequence[Guard] = (),
        effect: Effect | None = None,
        requires_approval: bool | Agreement = False,
        approval_note: str | None = None,
        independent: bool = False,
        timeout: float | None = None,
        said: Sequence[str] = (),
    ) -> BorrowedTools:
        """Several of its tools, for `step(tools=[...])`; by default all that it has at the time.

        Args:
            only: What the server calls those that are wanted.
            but: Of all, those that are left out.
            prefix: Put in front of the names that the model uses.
            to: The step that each leads to when it has run.
            when: As for `tool`, of each.
            effect: As for `tool`, of each.
            requires_approval: As for `tool`, of each.
            approval_note: As for `tool`, of each.
            independent: As for `tool`, of each.
            timeout: As for `tool`, of each.
            said: As for `tool`, of each.
        """
        options = ToolOptions(
            to=to, when=when, effect=effect, requires_approval=requires_approval, approval_note=approval_note,
            independent=independent, timeout=timeout,
        )  # fmt: skip
        names = None if only is None else tuple(each for each in only if each not in but)
        return self._borrowed(names, options, said, frozenset(but), prefix)

    def _borrowed(
        self,
        names: tuple[str, ...] | None,
        options: ToolOptions,
        said: Sequence[str],
        but: frozenset[str] = frozenset(),
        prefix: str = "",
    ) -> BorrowedTools:
        frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]  as cheap as it gets, and documented
        return BorrowedTools(
            lender=self,
            names=names,
            but=but,
            prefix=prefix,
            options=options,
            said=tuple(said),
            source=Source(frame.f_code.co_filename, frame.f_lineno),
        )

    @property
    def is_current(self) -> bool:
        """True if asking the server again would tell nothing new, or is not due yet."""
        here = self._here()
        if here.link is not None and here.link.is_alive:
            return not here.is_stale
        return self._clock() < here.not_before

    def listing(self) -> Listing:
        """What is known of its tools; the same object until that changes."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._unasked
        here = self._loops.get(loop)
        return self._unasked if here is None else here.listing

    async def refresh(self) -> None:
        """Connect if need be, and ask for the tools; what goes wrong is told by `listing` and in the log.

        Raises:
            ConfigurationError: The extra `mcp` is not installed.
        """
        if self.is_current:
            return
        try:
            await self._connected()
        except (ConnectionLost, RefusedByServer) as error:
            logger.warning("MCP server %s cannot be reached: %s", self.name, error)

    async def schemas(self) -> list[ToolSchema]:
        """The schemas of its tools, for `get_tool_schemas` of an agent in the long form.

        Raises:
            ToolError: It cannot be reached.
        """
        await self.refresh()
        listing = self.listing()
        if listing.problem:
            raise ToolError(listing.problem)
        return [RemoteSchema(tool) for tool in listing.tools.values() if not tool.problem]

    async def call(self, tool: str, arguments: JSONObject, *, effect: Effect = "once", key: str | None = None) -> str:
        """Call a tool, for `execute_tool` of an agent in the long form; its arguments are checked before.

        Args:
            tool: Its name.
            arguments: What it is called with.
            effect: What calling it twice would do; "read" and "idempotent" are called again if the connection is lost.
            key: Passed on in `_meta`, hashed: the same whenever this very call is made again.

        Raises:
            ToolError: It failed, does not exist, does not take these arguments, or the server cannot be reached.
        """
        await self.refresh()
        listing = self.listing()
        found = listing.tools.get(tool)
        if listing.problem or found is None:
            known = cut(plain_text(", ".join(listing.tools)), MAX_NAMES)
            raise ToolError(listing.problem or f"{self.name} has no tool {tool!r}; it has: {known or 'none'}")
        if problems := RemoteSchema(found).problems(arguments):
            raise ToolError(f"{tool} did not run: {'; '.join(problems)}")
        limit = asyncio.timeout(self.timeout)
        try:
            async with limit:
                return await self.run(tool, arguments, effect=effect, key=key)
        except TimeoutError as error:
            if not limit.expired():
                raise
            outcome = "" if effect == "read" else "; whether it took effect is unknown"
            raise ToolError(f"{tool} was given up after {self.timeout:g} seconds{outcome}") from error

    async def run(self, tool: str, arguments: JSONObject, *, effect: Effect, key: str | None) -> str:
        """Call a tool with arguments that were checked, and return what the model is told.

        Raises:
            ToolError: It failed, or could not be reached.
        """
        meta: JSONObject | None = None if key is None or effect == "read" else {IDEMPOTENCY_KEY: _hashed(key)}
        outcome = await self._outcome(tool, arguments, meta, may_repeat=effect in ("read", "idempotent"))
        if outcome.is_error:
            raise ToolError(outcome.text)
        return outcome.text

    async def _outcome(
        self, tool: str, arguments: JSONObject, meta: JSONObject | None, *, may_repeat: bool
    ) -> CallOutcome:
        has_begun = False
        for is_last in (False, True):
            try:
                link = await self._connected()
                return await link.call(tool, arguments, meta)
            except RefusedByServer as error:
                raise ToolError(f"{self.name}: {error}") from error
            except ConnectionLost as error:
                logger.warning("the connection to MCP server %s was lost: %s", self.name, error)
                has_begun = has_begun or not error.is_unsent
                if (has_begun and not may_repeat) or is_last:
                    raise ToolError(self._lost(tool, is_open=has_begun and not may_repeat)) from error
        raise AssertionError  # the last attempt returns or raises

    def _lost(self, tool: str, *, is_open: bool) -> str:
        if is_open:
            return f"the connection to {self.name} was lost during {tool}; whether it took effect is unknown"
        return f"{self.name} is not reachable now"

    async def _connected(self) -> Link:
        """The connection, made anew if there is none, with a listing of the tools."""
        here = self._here()
        async with here.connecting:
            link = here.link
            if link is not None and link.is_alive and not here.is_stale:
                return link
            if (link is None or not link.is_alive) and self._clock() < here.not_before:
                raise ConnectionLost("it could not be reached a moment ago", is_unsent=True)
            try:
                async with asyncio.timeout(self._connect_timeout):
                    link = await self._listed(here)
            except (ConnectionLost, RefusedByServer, TimeoutError) as error:
                here.not_before = self._clock() + RETRY_AFTER
                here.listing = Listing(problem=f"{self.name} is not reachable now")
                if here.link is not None:
                    here.link, closing = None, here.link
                    await closing.aclose()
                why = str(error) or f"it did not answer within {self._connect_timeout:g} seconds"
                raise ConnectionLost(why, is_unsent=True) from error
            return link

    async def _listed(self, here: _Here) -> Link:
        if here.link is None or not here.link.is_alive:
            here.link = None
            make = _link_class()
            link = make(self.name, self._address, lambda: _set_stale(here), self._max_result)
            here.link = await link.opened(self._connect_timeout)
        here.is_stale = False
        tools: dict[str, RemoteTool] = await here.link.tools()
        if here.listing.problem or here.listing.tools != tools:
            here.listing = Listing(tools=tools)
        return here.link

    def held_by(self, holder: object) -> None:
        """Somebody uses it in this event loop; it stays open until they let go."""
        self._here().holders.add(id(holder))

    async def let_go(self, holder: object) -> None:
        """Somebody does not use it any more; the last one closes the connection."""
        here = self._here()
        if id(holder) in here.holders:
            here.holders.discard(id(holder))
            if not here.holders:
                await self.aclose()

    async def aclose(self) -> None:
        """End the connection of this event loop, and the process if there is one; it is made again when needed."""
        here = self._here()
        here.listing = self._unasked
        if here.link is not None:
            here.link, closing = None, here.link
            await closing.aclose()

    async def __aenter__(self) -> Self:
        self.held_by(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.let_go(self)

    def __repr__(self) -> str:
        return f"<MCPServer {self.name}>"

    def _here(self) -> _Here:
        loop = asyncio.get_running_loop()
        here = self._loops.get(loop)
        if here is None:
            self._loops = {each: held for each, held in self._loops.items() if not each.is_closed()}
            here = self._loops[loop] = _Here(self._unasked)
        return here


def _set_stale(here: _Here) -> None:
    here.is_stale = True


def _hashed(key: str) -> str:
    """A key that tells nothing of the conversation it belongs to."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _link_class() -> type[Link]:
    try:
        from agent_runtime_framework.mcp.link import Link
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types", "httpx2", "anyio"):
            raise
        raise ConfigurationError(
            "tools of an MCP server need the official SDK; pip install 'agent_runtime_framework[mcp]'"
        ) from error
    return Link
