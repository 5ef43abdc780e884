"""The tools that are offered with one model request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.tools.compiled import Offerable, OfferedTool, offered


class Offer:
    """What the model may call now; nothing else runs.

    Attributes:
        tools: By name, in the order they are sent.
        wire: As they are sent; None if there are none.
        closed: Why none of them may be called now, although they are sent; None if they may.
        withheld: Tools of the step that are not offered, with the reasons.
        requires_call: True if the model may not answer in text alone.
    """

    __slots__ = ("closed", "requires_call", "tools", "wire", "withheld")

    def __init__(
        self,
        schemas: Iterable[Offerable] = (),
        *,
        closed: str | None = None,
        withheld: Mapping[str, str] | None = None,
        requires_call: bool = False,
    ) -> None:
        self.closed = closed
        self.withheld: Mapping[str, str] = withheld or {}
        self.requires_call = requires_call
        self.tools: dict[str, OfferedTool] = {tool.name: tool for tool in map(offered, schemas)}
        self.wire: list[JSONObject] | None = [tool.wire for tool in self.tools.values()] or None

    def only(self, names: Collection[str]) -> Offer:
        """The part of it that has one of these names."""
        part = Offer(closed=self.closed, withheld=self.withheld, requires_call=self.requires_call)
        part.tools = {name: tool for name, tool in self.tools.items() if name in names}
        part.wire = [tool.wire for tool in part.tools.values()] or None
        return part

    def names(self) -> str:
        """The names, for a sentence."""
        return ", ".join(self.tools) or "none"
