"""Turns in which nobody has said anything: which rule of `on_idle` they are about, and which one is next.

Rules:
    - There is one timer to a conversation. A turn of silence sets the next one, counted from where it was due; so one
      that comes late, because nothing ran, moves what follows by as much, and nothing comes twice at once.
    - Rules are looked up when they are due, in the code and the step of that time. One that is gone does nothing.
    - Each rule that fires waits longer than the one before, so that silence comes to an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.store.timers import Silence

if TYPE_CHECKING:
    from agent_runtime_framework.journey.definition import IdleRule

REASONS = {"remind": "reminded", "expire": "expired"}
"""Why a turn of silence ended."""

NOT_IDLE = "not_idle"
"""Why one ended in which there was nothing to be done any more."""

_IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Which rule is due.

    Attributes:
        no: Its place among the rules that held when the silence began.
        kind: What it does.
        after: How long nothing has been said, as it was meant.
    """

    no: int
    kind: str
    after: timedelta

    @classmethod
    def of(cls, bodies: Sequence[JSONObject]) -> Self | None:
        """The rule a turn is about; None if somebody has said something."""
        about: Any = bodies[0].get(_IDLE) if len(bodies) == 1 else None
        if about is None:
            return None
        return cls(no=about["no"], kind=about["kind"], after=timedelta(seconds=about["after"]))

    def rule_among(self, rules: Sequence[IdleRule]) -> IdleRule | None:
        """The rule itself, as it is now; None if it is gone."""
        rule = rules[self.no] if self.no < len(rules) else None
        return rule if rule is not None and rule.kind == self.kind else None

    def told(self) -> JSONObject:
        """The rule, as it stands in a receipt."""
        from agent_runtime_framework.journey.idle import in_short

        return {"kind": self.kind, "after": in_short(self.after)}


def next_silence(rules: Sequence[IdleRule], passed: Silent | None = None) -> Silence | None:
    """What is to happen if nothing is said from now on.

    Args:
        rules: The rules that hold now.
        passed: The one that has fired last in this silence.
    """
    gone = timedelta(0) if passed is None else passed.after
    for no, rule in enumerate(rules):
        if rule.after > gone:
            about: JSONObject = {"no": no, "kind": rule.kind, "after": rule.after.total_seconds()}
            return Silence(after=rule.after - gone, body={"role": "system", "content": "", _IDLE: about})
    return None
