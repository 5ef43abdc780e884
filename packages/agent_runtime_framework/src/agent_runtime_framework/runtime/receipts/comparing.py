"""Where two turns, or two conversations, went different ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.runtime.receipts.account import Account

_OUTCOMES = ("refused", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The way a turn took; two turns of one path did the same.

    Attributes:
        moves: The steps it entered, in order.
        calls: The tools it called, each with what came of it: "ok", "refused", "failed" or "unknown".
        over: Whether the journey was over afterwards.
    """

    moves: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    over: str | None = None


def path_of(account: Account) -> Path:
    """The way a turn took."""
    return Path(
        moves=tuple(move.to for move in account.moves),
        calls=tuple((each["name"], _outcome(each)) for each in account.calls),
        over=account.over,
    )


def differences(one: Path, other: Path) -> list[str]:
    """How the second path differs from the first, in plain words; empty if it does not."""
    found = [f"now {verb} {step}" for verb, step in _edits(one.moves, other.moves, "skips", "enters")]
    names = [name for name, _ in one.calls], [name for name, _ in other.calls]
    found += [f"now {verb} {name}" for verb, name in _edits(*names, "does not call", "calls")]
    if names[0] == names[1]:
        for (name, before), (_, now) in zip(one.calls, other.calls, strict=True):
            if before != now:
                found.append(f"{name} is {_past(now)} instead of {_past(before)}")
    elif refused := _newly_refused(one, other):
        found += [f"{name} is refused" for name in refused]
    if one.over != other.over:
        found.append(f"the journey is {other.over or 'not over'} instead of {one.over or 'not over'}")
    return list(dict.fromkeys(found))


def compared(one: Account, other: Account) -> JSONObject:
    """What is different between two accounts, as JSON: the first value of each, and the second."""
    values = {name: (_facts(one)[name], _facts(other)[name]) for name in _facts(one)}
    return {name: {"first": first, "second": second} for name, (first, second) in values.items() if first != second}


def _facts(account: Account) -> JSONObject:
    path = path_of(account)
    return {
        "steps": account.steps,
        "calls": [f"{name}: {outcome}" for name, outcome in path.calls],
        "offered": sorted({name for each in account.requests for name in each["offered"] or ()}),
        "withheld": account.withheld,
        "prompts": [each.get("prompt") for each in account.requests],
        "requests": len(account.requests),
        "tokens": account.tokens,
        "status": account.status,
        "stopped_reason": account.stopped_reason,
        "over": account.over,
    }


def _outcome(call: JSONObject) -> str:
    for name in _OUTCOMES:
        if call.get(name):
            return name
    return "ok" if call["ok"] else "failed"


def _edits(one: Sequence[str], other: Sequence[str], gone: str, new: str) -> Iterator[tuple[str, str]]:
    for kind, first, last, begin, end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from ((gone, name) for name in one[first:last])
            yield from ((new, name) for name in other[begin:end])


def _newly_refused(one: Path, other: Path) -> list[str]:
    before = Counter(name for name, outcome in one.calls if outcome == "refused")
    now = Counter(name for name, outcome in other.calls if outcome == "refused")
    return list((now - before).keys())


def _past(outcome: str) -> str:
    return {"ok": "done", "unknown": "left unknown"}.get(outcome, outcome)
