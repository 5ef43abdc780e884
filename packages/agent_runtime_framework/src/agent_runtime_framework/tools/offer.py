"""The tools that are offered with one model request."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.tools.compiled import Offerable, OfferedTool, offered


class Offer:
    """What the model may call now; nothing else runs.

    Attributes:
        tools: By name, in the order they are sent.
        wire: As they are sent; None if there are none.
    """

    __slots__ = ("tools", "wire")

    def __init__(self, schemas: Iterable[Offerable] = ()) -> None:
        self.tools: dict[str, OfferedTool] = {tool.name: tool for tool in map(offered, schemas)}
        self.wire: list[JSONObject] | None = [tool.wire for tool in self.tools.values()] or None

    def only(self, names: Collection[str]) -> Offer:
        """The part of it that has one of these names."""
        part = Offer()
        part.tools = {name: tool for name, tool in self.tools.items() if name in names}
        part.wire = [tool.wire for tool in part.tools.values()] or None
        return part

    def names(self) -> str:
        """The names, for a sentence."""
        return ", ".join(self.tools) or "none"
