"""A conversation retold for whoever reads a failed test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from agent_runtime_framework.testing.conversation.record import CallMade, Exchange, Refusal, happenings

MOST_CHARS = 300
"""How much of a long reply, argument or result is shown."""


def retold(exchanges: Sequence[Exchange], title: str, state: str, first_step: str) -> str:
    """The whole conversation, line by line."""
    lines = [f"{title}, beginning in {first_step}" if first_step else title]
    for exchange in exchanges:
        lines += _told(exchange)
    if not exchanges:
        lines.append("  (nothing was said)")
    lines.append(f"  state: {_short(state, 1000)}")
    return "\n".join(lines)


def summed_up(exchanges: Sequence[Exchange], title: str, step: str) -> str:
    """The conversation in one line."""
    last = f", last reply {exchanges[-1].reply!r:.100}" if exchanges else ""
    messages = "1 message" if len(exchanges) == 1 else f"{len(exchanges)} messages"
    return f"<Talk with {title}: {messages}, in step {step!r}{last}>"


def _told(exchange: Exchange) -> Iterator[str]:
    yield f"  > {_short(exchange.said)}"
    for each in happenings(exchange.events, exchange.before):
        if isinstance(each, CallMade):
            mark = "called" if each.ok else "FAILED"
            yield f"      {mark} {_call(each)} = {_short(each.result)}"
        elif isinstance(each, Refusal):
            yield f"      REFUSED {_call(each)}: {_short(each.reason)}"
        else:
            yield f"      {each}"
    if exchange.error is not None:
        yield f"      BROKE: {type(exchange.error).__name__}: {_short(str(exchange.error))}"
    else:
        yield f"  < {_short(exchange.reply)}"


def _call(each: CallMade | Refusal) -> str:
    arguments = ", ".join(f"{name}={_short(json.dumps(v, ensure_ascii=False))}" for name, v in each.arguments.items())
    return f"{each.name}({arguments})"


def _short(text: str, limit: int = MOST_CHARS) -> str:
    text = text.replace("\n", "\n    ")
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
