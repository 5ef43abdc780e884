"""The tools that are offered with one model request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.approvals import ApprovalNeeded
from agent_runtime_framework.toolcalls import ToolCall
from agent_runtime_framework.tools.compiled import Offerable, OfferedTool, offered

ApprovalRule: TypeAlias = Callable[[ToolCall], ApprovalNeeded | None]
"""Says whether a call whose arguments fit needs a person's agreement."""

NO_RULES: Mapping[str, ApprovalRule] = {}
"""Where nobody has to agree to anything."""

_NONE: frozenset[str] = frozenset()


class Offer:
    """What the model may call now; nothing else runs.

    Attributes:
        tools: By name, in the order they are sent.
        wire: As they are sent; None if there are none.
        closed: Why none of them may be called now, although they are sent; None if they may.
        withheld: Tools of the step that are not offered, with the reasons.
        requires_call: True if the model may not answer in text alone.
        approvals: Of the tools that may need a person's agreement, the rule that says when.
        independent: The tools that may run beside other calls of the same reply.
    """

    __slots__ = ("approvals", "closed", "independent", "requires_call", "tools", "wire", "withheld")

    def __init__(
        self,
        schemas: Iterable[Offerable] = (),
        *,
        closed: str | None = None,
        withheld: Mapping[str, str] | None = None,
        requires_call: bool = False,
        approvals: Mapping[str, ApprovalRule] = NO_RULES,
        independent: frozenset[str] = _NONE,
    ) -> None:
        self.closed = closed
        self.withheld: Mapping[str, str] = withheld or {}
        self.requires_call = requires_call
        self.approvals = approvals
        self.independent = independent
        self.tools: dict[str, OfferedTool] = {tool.name: tool for tool in map(offered, schemas)}
        self.wire: list[JSONObject] | None = [tool.wire for tool in self.tools.values()] or None

    def again(self, closed: str | None) -> Offer:
        """The same once more, for another request."""
        offer = Offer.__new__(Offer)
        offer.closed, offer.withheld, offer.requires_call = closed, self.withheld, self.requires_call
        offer.approvals, offer.independent, offer.tools = self.approvals, self.independent, self.tools
        # A client may do with the list that it is sent whatever it likes.
        offer.wire = None if self.wire is None else [*self.wire]
        return offer

    def only(self, names: Collection[str]) -> Offer:
        """The part of it that has one of these names."""
        part = Offer(
            closed=self.closed,
            withheld=self.withheld,
            requires_call=self.requires_call,
            approvals=self.approvals,
            independent=self.independent,
        )
        part.tools = {name: tool for name, tool in self.tools.items() if name in names}
        part.wire = [tool.wire for tool in part.tools.values()] or None
        return part

    def names(self) -> str:
        """The names, for a sentence."""
        return ", ".join(self.tools) or "none"
