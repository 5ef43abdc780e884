"""What a turn did, read from its receipt: the facts anybody asks for first, and all of it in plain words.

The JSON of an account is for programs: keys are added, never renamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.sums import add_into
from agent_runtime_framework.runtime.receipts.recording import done_in
from agent_runtime_framework.store.delivery import Claim, TurnInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A step that was entered.

    Attributes:
        before: The step that was left; None if it is not known.
        to: The step that was entered.
        tool: The tool whose code moved there; None if code did so without the model.
    """

    before: str | None
    to: str
    tool: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a turn did.

    Attributes:
        no: The turn.
        agent_key: Who answered.
        status: "running", or how it ended.
        step_before: The step before it; None in a conversation's first turn.
        step_after: The step after it.
        attempts: How often it was begun or continued.
        started_at: When it was begun.
        ms: Milliseconds of the last attempt.
        stopped_reason: Why it ended.
        over: "completed" or "ended" if the journey is over.
        requests: The model requests, as in the receipt.
        calls: The tool calls, as in the receipt.
        moves: The steps that were entered, in order.
        usage: What all requests used.
        fields: Names of the fields that were set, changed, cleared or asked for again.
        approvals: What persons decided about calls.
        done: Everything in order, as in the receipt.
        extra: What else the receipt says.
    """

    no: int
    agent_key: str
    status: str
    step_before: str | None = None
    step_after: str | None = None
    attempts: int = 1
    started_at: str | None = None
    ms: float | None = None
    stopped_reason: str | None = None
    over: str | None = None
    requests: Sequence[JSONObject] = ()
    calls: Sequence[JSONObject] = ()
    moves: Sequence[Move] = ()
    usage: JSONObject = field(default_factory=dict[str, Any])
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    approvals: Sequence[JSONObject] = ()
    done: Sequence[JSONObject] = ()
    extra: JSONObject = field(default_factory=dict[str, Any])

    @property
    def refused(self) -> list[JSONObject]:
        """The calls that were refused, with their reasons."""
        return [each for each in self.calls if each.get("refused")]

    @property
    def failed(self) -> list[JSONObject]:
        """The calls that ran and failed."""
        return [each for each in self.calls if each["ok"] is False and not (each.get("refused") or each.get("unknown"))]

    @property
    def unknown(self) -> list[JSONObject]:
        """The calls of which nobody knows whether they took effect."""
        return [each for each in self.calls if each.get("unknown")]

    @property
    def withheld(self) -> dict[str, str]:
        """The tools that a guard withheld, with its last reason."""
        return {name: why for each in self.requests for name, why in each.get("withheld", {}).items()}

    @property
    def tokens(self) -> int:
        """All tokens, as far as they were counted."""
        return tokens_in(self.usage)

    @property
    def steps(self) -> list[str]:
        """The steps it was in, in order."""
        first = [step] if (step := self.step_before or self.extra.get("began_in")) else []
        return [*first, *(move.to for move in self.moves)]

    def to_dict(self) -> JSONObject:
        """As JSON."""
        offered = dict.fromkeys(name for each in self.requests for name in each["offered"] or ())
        return {
            "turn": self.no,
            "agent": self.agent_key,
            "status": self.status,
            "step_before": self.step_before,
            "step_after": self.step_after,
            "attempts": self.attempts,
            "started_at": self.started_at,
            "ms": self.ms,
            "stopped_reason": self.stopped_reason,
            "over": self.over,
            "requests": len(self.requests),
            "prompts": [each.get("prompt") for each in self.requests],
            "usage": self.usage,
            "offered": list(offered),
            "withheld": self.withheld,
            "called": [each["name"] for each in self.calls],
            "refused": [_reasons(each) for each in self.refused],
            "failed": [_reasons(each) for each in self.failed],
            "unknown": [each["name"] for each in self.unknown],
            "moves": [{"from": each.before, "to": each.to, "by": _by(each), "tool": each.tool} for each in self.moves],
            "fields": dict(self.fields),
            "approvals": list(self.approvals),
            "done": list(self.done),
            **self.extra,
        }


def tokens_in(usage: JSONObject) -> int:
    """All tokens of a usage, as far as they were counted."""
    parts = [usage.get(name) or 0 for name in ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")]
    return int(usage.get("total_tokens") or sum(parts))


_KNOWN = ("stopped_reason", "step_before", "step_after", "attempts", "ms", "done", "over", "fields", "approvals")


def account_of(turn: TurnInfo) -> Account:
    """The account of a turn that has ended."""
    receipt = turn.receipt or {}
    done: Sequence[JSONObject] = receipt.get("done", ())
    return Account(
        no=turn.no,
        agent_key=turn.agent_key,
        status=turn.status,
        step_before=receipt.get("step_before"),
        step_after=receipt.get("step_after", turn.step),
        attempts=turn.attempts,
        started_at=turn.started_at,
        ms=receipt.get("ms"),
        stopped_reason=receipt.get("stopped_reason"),
        over=receipt.get("over"),
        fields=receipt.get("fields", {}),
        approvals=receipt.get("approvals", ()),
        extra={name: value for name, value in receipt.items() if name not in _KNOWN},
        **_facts(done, receipt.get("step_before") or receipt.get("began_in")),
    )


def account_so_far(claim: Claim, step_before: str | None = None) -> Account:
    """The account of a turn that has not ended, as far as it is recorded."""
    return Account(
        no=claim.turn,
        agent_key=claim.agent_key,
        status="running",
        step_before=step_before,
        attempts=claim.attempts,
        **_facts(done_in(claim.entries), step_before),
    )


def _facts(done: Sequence[JSONObject], step: str | None) -> dict[str, Any]:
    usage: JSONObject = {}
    requests = [each["model"] for each in done if "model" in each]
    for each in requests:
        add_into(usage, each.get("usage") or {})
    calls = [each["call"] for each in done if "call" in each]
    return {"requests": requests, "calls": calls, "moves": list(_moves(done, step)), "usage": usage, "done": done}


def _moves(done: Sequence[JSONObject], step: str | None) -> Iterator[Move]:
    tool: str | None = None
    for each in done:
        if "call" in each:
            tool = each["call"]["name"]
        elif "move" in each:
            move = each["move"]
            yield Move(before=step, to=move["to"], tool=tool if move["by"] == "call" else None)
            step = move["to"]


def _by(move: Move) -> str:
    return "code" if move.tool is None else "call"


def _reasons(call: JSONObject) -> JSONObject:
    return {name: call[name] for name in ("name", "why", "reason") if name in call}
