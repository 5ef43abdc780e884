"""Tools of others in a step: how they are declared, and what becomes of the declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent_runtime_framework.journey.declare import ToolOptions
from agent_runtime_framework.journey.definition import Borrowed, Source, ToolDefinition
from agent_runtime_framework.journey.mistakes import fail

if TYPE_CHECKING:
    from agent_runtime_framework.tools.remote import ToolSource


@dataclass(frozen=True, slots=True, kw_only=True)
class BorrowedTools:
    """One tool or several of somebody else, as a step offers them; made by `MCPServer.tool` and `MCPServer.tools`.

    Attributes:
        lender: Who runs them.
        names: What they are called there; None for all there are.
        but: Those of all that are left out.
        prefix: Put in front of each name.
        options: What was said of them, as of any tool.
        said: The arguments that have to be the person's own words.
        source: Where it was written.
    """

    lender: ToolSource
    names: tuple[str, ...] | None
    but: frozenset[str] = frozenset()
    prefix: str = ""
    options: ToolOptions
    said: tuple[str, ...] = ()
    source: Source

    def definitions(self, complete: Callable[[ToolOptions, str], dict[str, Any]]) -> Iterator[ToolDefinition]:
        """Each tool that is known by name, or one that stands for all of them.

        Args:
            complete: Makes of options, and the tool's name, the parts of a definition that every tool has.
        """
        for name in (None,) if self.names is None else self.names:
            called = f"{self.prefix}*" if name is None else self.options.name or f"{self.prefix}{name}"
            parts = complete(self.options, called)
            self._check(called, parts["targets"])
            yield ToolDefinition(
                name=called,
                function=run_elsewhere,
                timeout=self.options.timeout if self.options.timeout is not None else self.lender.timeout,
                borrowed=Borrowed(source=self.lender, tool=name, but=self.but, prefix=self.prefix, said=self.said),
                source=self.source,
                **parts,
            )

    def _check(self, called: str, targets: tuple[str, ...]) -> None:
        if len(targets) > 1:
            fail(
                self.source,
                f"tool {called!r} of {self.lender.name!r} has {len(targets)} steps in to=, but runs elsewhere and "
                "cannot choose among them; leave one",
            )
        if self.options.effect == "state":
            fail(
                self.source,
                f'tool {called!r} of {self.lender.name!r} has effect="state", but runs elsewhere; say "read", '
                '"idempotent" or "once"',
            )


async def run_elsewhere(journey: Any) -> None:
    """Stands where a tool of one's own has its method."""
