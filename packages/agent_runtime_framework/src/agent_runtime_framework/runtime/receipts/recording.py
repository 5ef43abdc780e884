"""From what a turn recorded to its receipt: what was done, in order, without anybody's words.

A receipt is JSON. Keys are added, never renamed; what is not there did not happen, or was not recorded yet:

    stopped_reason            why the turn ended
    step_before, step_after   the step before and after it; `step_before` is null in a conversation's first turn
    began_in                  the step a journey begins with, in a conversation's first turn
    over                      "completed" or "ended", once the journey is over
    attempts, ms              how often it was begun or continued; milliseconds of the last attempt
    fields                    names of fields: set, changed (they had a value before), cleared, asked_again
    approvals                 what persons decided: call_id, tool, decision ("approved" or "rejected"), by, note, at
    done                      what happened, in order; each entry is one of
        {"model": {...}}      a request: prompt (a hash), offered, withheld (tool -> reason), closed, calls, usage, ms
        {"call": {...}}       a call: name, effect, ok (null while nobody knows), ms, refused, unknown, why, reason
        {"move": {...}}       a step was entered: to, by ("call": a tool's code; "code": without the model)
        {"said": n}           exact words of the journey
        {"resumed": n}        another process went on here; n is the attempt
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.executor.asking import Request
from agent_runtime_framework.executor.calls import Answer
from agent_runtime_framework.store.delivery import Entry
from agent_runtime_framework.toolcalls import preview

_MOST_CHARS = 200
"""How much of a guard's reason is kept."""


def asked_with(request: Request) -> JSONObject:
    """What a receipt keeps of a request before it is made."""
    first = request.messages[0] if request.messages else {}
    told: JSONObject = {"prompt": prompt_hash(first["content"]) if first.get("role") == "system" else None}
    offer = request.offer
    if offer is not None and offer.withheld:
        told["withheld"] = {name: reason[:_MOST_CHARS] for name, reason in offer.withheld.items()}
    if offer is not None and offer.closed is not None:
        told["closed"] = offer.closed[:_MOST_CHARS]
    return told


def prompt_hash(prompt: object) -> str:
    """Names a prompt, so that turns with the same one can be told from others."""
    text = prompt if isinstance(prompt, str) else json.dumps(prompt, sort_keys=True, default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def answered_with(answer: Answer) -> JSONObject:
    """What a receipt keeps of a call's answer beside its text."""
    kept: JSONObject = {}
    if answer.is_refused:
        kept["refused"] = True
    if answer.why:
        kept["why"] = answer.why
    if answer.detail:
        kept["reason"] = answer.detail[:_MOST_CHARS]
    return kept


def done_in(entries: Iterable[Entry], resumed_at: int | None = None, attempt: int = 1) -> list[JSONObject]:
    """What a turn did, in order.

    Args:
        entries: What it recorded.
        resumed_at: The number of the first entry that the last attempt added; None if there was one attempt.
        attempt: Which attempt that was.
    """
    lines: list[JSONObject] = []
    for entry in entries:
        if entry.no == resumed_at:
            lines.append({"resumed": attempt})
        lines += _lines(entry)
    return lines


def changes_between(before: str | None, after: str | None) -> JSONObject:
    """The names of the fields that differ between two states, by what happened to them; of values nothing."""
    if after is None or before == after:
        return {}
    old, new = _fields(before), _fields(after)
    found: dict[str, list[str]] = {"set": [], "changed": [], "cleared": []}
    for name in dict.fromkeys((*old, *new)):
        was, now = old.get(name), new.get(name)
        if was != now:
            found["cleared" if _is_empty(now) else "set" if _is_empty(was) else "changed"].append(name)
    found["asked_again"] = _asked_again(before, after)
    return {kind: names for kind, names in found.items() if names}


def effects_in(entries: Iterable[Entry]) -> list[JSONObject]:
    """What calls that must not run twice did to the state, by call; it is kept beside the receipt, for replays."""
    return [
        {"call": entry.call_id, "changed": entry.outcome["changed"], "gone": entry.outcome["gone"]}
        for entry in entries
        if entry.outcome is not None and "changed" in entry.outcome
    ]


def _lines(entry: Entry) -> Iterator[JSONObject]:
    outcome = entry.outcome or {}
    match entry.kind:
        case "model":
            calls = [preview(call["name"], 64) for call in outcome["calls"]]
            kept = {name: outcome[name] for name in ("prompt", "withheld", "closed", "ms") if name in outcome}
            yield {"model": {"offered": outcome["offered"], "calls": calls, "usage": outcome["usage"], **kept}}
        case "tool":
            flags: JSONObject = {name: True for name in ("refused", "unknown") if outcome.get(name)}
            kept = {name: outcome[name] for name in ("why", "reason", "ms") if name in outcome}
            name = preview(entry.name or "", 64)
            yield {"call": {"name": name, "effect": entry.effect, "ok": outcome.get("ok"), **flags, **kept}}
        case "said":
            yield {"said": len(outcome["texts"])}
        case _:
            return
    by = "call" if entry.kind == "tool" else "code"
    yield from ({"move": {"to": step, "by": by}} for step in outcome.get("moves", ()))


_ENGINE = "_journey"
"""Where a journey's state keeps what the engine remembers."""


def _fields(state: str | None) -> JSONObject:
    data = _loaded(state)
    fields = {name: value for name, value in data.items() if name not in ("step", "version", _ENGINE)}
    for step, progress in _forms(data).items():
        fields |= {f"{step}.{name}": value for name, value in progress.get("answers", {}).items()}
    return fields


def _asked_again(before: str | None, after: str | None) -> list[str]:
    old, again = _forms(_loaded(before)), list[str]()
    for step, progress in _forms(_loaded(after)).items():
        asked_before: JSONObject = old.get(step, {}).get("asks", {})
        again += [
            f"{step}.{name}" for name, asks in progress.get("asks", {}).items() if 1 < asks > asked_before.get(name, 0)
        ]
    return again


def _forms(data: JSONObject) -> dict[str, JSONObject]:
    notes: JSONObject = data.get(_ENGINE) or {}
    return notes.get("forms") or {}


def _loaded(state: str | None) -> JSONObject:
    data: object = {} if state is None else json.loads(state)
    return cast("JSONObject", data) if isinstance(data, dict) else {}


def _is_empty(value: object) -> bool:
    # Most fields that hold a number or a yes begin with 0 or no.
    return value in (None, "", 0, False) or value == [] or value == {}
