"""What the tools of others come to in a step, once it is known what they offer.

Rules:
    - What was declared by name is offered if its source has it; if not, that is the developer's mistake, and is said.
    - What was not declared by name never takes the name of something that was.
    - While a source cannot be reached, its tools are withheld, with the reason.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agent_runtime_framework.config import should_swallow_exceptions
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.definition import Borrowed, JourneyDefinition, StepDefinition, ToolDefinition
from agent_runtime_framework.tools.remote import Listing, RemoteSchema, RemoteTool, ToolSource

logger = logging.getLogger(__name__)

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A step's tools, those of others as they are now.

    Attributes:
        listings: What this was made from.
        tools: All that can be offered, in order.
        schemas: Of those that are borrowed, by name.
        withheld: Those that cannot be offered, with the reasons.
    """

    listings: tuple[Listing, ...]
    tools: tuple[ToolDefinition, ...]
    schemas: dict[str, RemoteSchema]
    withheld: dict[str, str]


def sources_of(journey: JourneyDefinition) -> list[ToolSource]:
    """Everybody whose tools a journey offers."""
    found = [source for step in journey.steps.values() for source in sources_in(step)]
    return list({id(each): each for each in found}.values())


def sources_in(step: StepDefinition) -> list[ToolSource]:
    """Everybody whose tools a step offers."""
    found = [tool.borrowed.source for tool in step.tools if tool.borrowed is not None]
    return list({id(each): each for each in found}.values())


def lent_to(step: StepDefinition, sources: Sequence[ToolSource]) -> Lent:
    """A step's tools as they are now.

    Args:
        step: The step.
        sources: Everybody whose tools it offers.
    """
    listings = {id(source): source.listing() for source in sources}
    tools: list[ToolDefinition] = []
    schemas: dict[str, RemoteSchema] = {}
    withheld: dict[str, str] = {}
    known = {tool.name for tool in step.tools}
    for tool in step.tools:
        if tool.borrowed is None:
            tools.append(tool)
            continue
        listing = listings[id(tool.borrowed.source)]
        if listing.problem:
            withheld[tool.name] = listing.problem
            continue
        for found, remote in _found(tool, tool.borrowed, listing, known):
            if remote.problem:
                _complain(step, found, f"{found.name} cannot be offered: {remote.problem}")
                withheld[found.name] = "it does not work at the moment"
                continue
            tools.append(found)
            schemas[found.name] = RemoteSchema(remote, found.name)
        if tool.borrowed.tool is not None and tool.name not in schemas and tool.name not in withheld:
            withheld[tool.name] = _missing(step, tool, tool.borrowed, listing)
    return Lent(
        listings=tuple(listings[id(source)] for source in sources),
        tools=tuple(tools),
        schemas=schemas,
        withheld=withheld,
    )


def _found(
    tool: ToolDefinition, borrowed: Borrowed, listing: Listing, known: set[str]
) -> Iterator[tuple[ToolDefinition, RemoteTool]]:
    if borrowed.tool is not None:
        remote = listing.tools.get(borrowed.tool)
        if remote is not None:
            yield tool, remote
        return
    for name, remote in listing.tools.items():
        if name in borrowed.but:
            continue
        called = _NOT_IN_NAMES.sub("_", f"{borrowed.prefix}{name}")[:_LONGEST_NAME]
        if called in known or called.startswith("_"):
            logger.warning("tool %r of %s is not offered: %r is no free name here", name, borrowed.source.name, called)
            continue
        known.add(called)
        yield replace(tool, name=called, borrowed=replace(borrowed, tool=name)), remote


def _missing(step: StepDefinition, tool: ToolDefinition, borrowed: Borrowed, listing: Listing) -> str:
    close = difflib.get_close_matches(borrowed.tool or "", listing.tools, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"it has: {', '.join(listing.tools) or 'none'}"
    _complain(step, tool, f"{borrowed.source.name} has no tool {borrowed.tool!r}; {hint}")
    return "there is no such tool at the moment"


def _complain(step: StepDefinition, tool: ToolDefinition, what: str) -> None:
    text = f"{tool.source}: step {step.name!r}: {what}"
    if not should_swallow_exceptions():
        raise ConfigurationError(text)
    logger.error("%s", text)
