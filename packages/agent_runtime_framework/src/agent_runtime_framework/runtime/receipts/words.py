"""An account in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.runtime.receipts.account import Account, tokens_in

_WHY = {
    "unknown_tool": "no tool of that name was offered",
    "withheld": "a guard withheld it",
    "closed": "the step waits for the person",
    "unreadable": "its arguments could not be read",
    "arguments": "its arguments did not fit",
    "move": "it may not go there",
    "tool": "the tool said so",
    "raised": "the tool raised an error",
}

_STOPPED = {
    "text_response": "the reply was complete",
    "max_iterations": "the limit of model requests was reached",
    "repeated_failure": "the same call failed again and again",
    "usage_limit": "the turn's limit of usage was reached",
    "conversation_limit": "the conversation's limit of usage was reached",
    "closed": "the journey was over, and the person said goodbye",
    "cancelled": "it was cancelled",
    "superseded": "a newer message took its place",
    "failed": "it broke",
    "interrupted": "it was interrupted",
    "paused": "a person has to decide about a call",
    "handed_off": "the conversation was handed over to a person",
}

_FIELDS = {"set": "set", "changed": "changed", "cleared": "cleared", "asked_again": "asked for again"}


def in_words(account: Account) -> list[str]:
    """What a turn did, a line each: a head, then what happened in order, then how it ended."""
    return [_head(account), *(f"  {each}" for each in (*_mended(account), *_happened(account), *_end(account)))]


def _head(account: Account) -> str:
    where = " > ".join(account.steps) or account.step_after or "no step"
    used = f"{_plural(len(account.requests), 'request')}, {account.tokens:,} tokens"
    took = "" if account.ms is None else f", {_time(account.ms)}"
    cost = account.usage.get("cost_usd")
    paid = f", ${cost:.4f}" if isinstance(cost, int | float) else ""
    return f"Turn {account.no} ({account.agent_key}, {account.status}): {where}; {used}{paid}{took}"


def _mended(account: Account) -> Iterator[str]:
    if version := account.extra.get("migrated_from"):
        yield f"the state was brought up from version {version}"
    if step := account.extra.get("unknown_step"):
        yield f"the step {step} is not there any more"


def _happened(account: Account) -> Iterator[str]:
    # A call's move is told with the call.
    tool: str | None = None
    for each in account.done:
        match each:
            case {"model": request}:
                yield from _request(request)
            case {"call": call}:
                tool = call["name"]
                yield from _call(call)
            case {"move": {"to": step, "by": "call"}}:
                yield f"  moved to {step}: the model called {tool}, its code decided"
            case {"move": {"to": step}}:
                yield f"moved to {step}: code decided, without the model"
            case {"said": 0}:
                pass
            case {"said": number}:
                yield f"said {_plural(number, 'exact text')}, without the model"
            case {"resumed": attempt}:
                yield f"-- attempt {attempt} went on here; nothing above was asked or run again --"
            case _:
                pass


def _request(request: JSONObject) -> Iterator[str]:
    tokens = tokens_in(request.get("usage") or {})
    facts = [f"prompt {request['prompt']}"] if request.get("prompt") else []
    facts += [f"{tokens:,} tokens"] if tokens else []
    facts += [_time(request["ms"])] if "ms" in request else []
    yield f"asked the model{_bracketed(facts)}, offering {_names(request['offered'] or ())}"
    if closed := request.get("closed"):
        yield f"  none of them could be called: {closed}"
    for tool, reason in request.get("withheld", {}).items():
        yield f"  {tool} was withheld: {reason}"
    called: Sequence[str] = request["calls"]
    yield f"  the model called {_names(called)}" if called else "  the model answered in words"


def _call(call: JSONObject) -> Iterator[str]:
    name = call["name"]
    facts = [call["effect"]] if call.get("effect") else []
    facts += [_time(call["ms"])] if "ms" in call else []
    why = call.get("reason") or _WHY.get(call.get("why", ""), "")
    because = f": {why}" if why else ""
    if call.get("refused"):
        yield f"{name} was refused{because}"
    elif call.get("unknown"):
        yield f"{name} was cut off{_bracketed(facts)}: whether it took effect is unknown; it was not run again"
    elif call["ok"] is None:
        yield f"{name} has begun{_bracketed(facts)}; its end is not recorded yet"
    elif call["ok"]:
        yield f"{name} ran{_bracketed(facts)}"
    else:
        yield f"{name} failed{_bracketed(facts)}{because}"


def _end(account: Account) -> Iterator[str]:
    for each in account.approvals:
        by = f" by {each['by']}" if each.get("by") else ""
        yield f"{each.get('tool')} was {each.get('decision')}{by}"
    yield from _fields(account.fields)
    if account.attempts > 1:
        yield f"it took {account.attempts} attempts"
    if account.stopped_reason is not None:
        yield f"ended: {_stopped(account.stopped_reason)}"
    elif account.status == "running":
        yield "not ended yet"
    if account.over is not None:
        yield f"the journey is over ({account.over})"


def _fields(fields: Mapping[str, Sequence[str]]) -> Iterator[str]:
    told = [f"{words} {', '.join(fields[kind])}" for kind, words in _FIELDS.items() if fields.get(kind)]
    if told:
        yield f"fields: {'; '.join(told)}"


def _stopped(reason: str) -> str:
    kind, _, detail = reason.partition(":")
    if kind == "terminal_tool":
        return f"{detail} ends a turn"
    words = _STOPPED.get(kind, kind)
    return f"{words} ({detail})" if detail else words


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _bracketed(facts: Sequence[str]) -> str:
    return f" ({', '.join(facts)})" if facts else ""


def _time(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
