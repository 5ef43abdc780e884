"""What the developer page shows of each turn: every request with its prompt, and every event, as they happened.

It holds people's words, in this process and in a file that outlives a reload; so it belongs to `agent-runtime dev` and
nowhere else.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.events import Event

logger = logging.getLogger(__name__)

MOST_TURNS = 2000
"""How many turns are kept; the oldest go first."""

_PREVIEW = frozenset({EventType.ASSISTANT_DELTA, EventType.ASSISTANT_RESET})


@dataclass(slots=True, kw_only=True)
class RequestTrace:
    """One model request.

    Attributes:
        step: Where the journey was.
        prompt: The system prompt.
        messages: All that was sent, in wire form.
        tools: What was offered, each with `name`, `description` and `parameters`.
        reply: What came back, with `text` and `calls`; None while it is awaited, or if it failed.
        usage: Token counts.
        ms: How long it took.
    """

    step: str
    prompt: str
    messages: list[JSONObject]
    tools: list[JSONObject]
    reply: JSONObject | None = None
    usage: JSONObject = field(default_factory=dict[str, Any])
    ms: int | None = None


@dataclass(slots=True, kw_only=True)
class TurnTrace:
    """One turn, as it was seen from outside.

    Attributes:
        requests: The model requests, in order.
        events: What was told, but for the preview of the reply.
        state: The state after the turn, as JSON text; None if it left none.
        has_ended: True once the turn was kept.
        began: When it began, on a clock that only counts.
    """

    requests: list[RequestTrace] = field(default_factory=list[RequestTrace])
    events: list[JSONObject] = field(default_factory=list["JSONObject"])
    state: str | None = None
    has_ended: bool = False
    began: float = field(default_factory=time.perf_counter)

    def as_json(self) -> JSONObject:
        """The same for the page, and for the file."""
        return {"requests": [asdict(each) for each in self.requests], "events": self.events}


class Recorder:
    """A sink that keeps what it is told of the last turns.

    Args:
        path: A file that keeps it from one process to the next; None keeps it in this one.
        most_turns: How many turns are kept.
    """

    def __init__(self, path: Path | None = None, most_turns: int = MOST_TURNS) -> None:
        self._path = path
        self._most_turns = most_turns
        self._turns: OrderedDict[str, TurnTrace] = OrderedDict()
        if path is not None:
            self._read(path)

    def push(self, event: Event) -> None:
        """Take an event of any conversation."""
        if event.type in _PREVIEW or not event.run_id:
            return
        trace = self._trace(event.run_id)
        ms = round((time.perf_counter() - trace.began) * 1000)
        trace.events.append({"type": str(event.type.value), "payload": event.payload, "ms": ms})

    def asked(self, run_id: str, request: RequestTrace) -> None:
        """A turn asks the model."""
        if run_id:
            self._trace(run_id).requests.append(request)

    def ended(self, run_id: str, state: str | None) -> None:
        """A turn was kept, and left this state."""
        trace = self._trace(run_id)
        trace.state, trace.has_ended = state, True
        if self._path is None:
            return
        line = json.dumps({"run_id": run_id, "state": state, **trace.as_json()}, default=str)
        try:
            # It holds what people said; nobody else on this machine needs to read it.
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError as error:
            logger.warning("the turns of this page cannot be kept for the next start: %s", error.strerror)
            self._path = None

    def turn(self, run_id: str | None) -> TurnTrace | None:
        """What is known of a turn; None if it was taken elsewhere, or long ago."""
        return None if run_id is None else self._turns.get(run_id)

    def _trace(self, run_id: str) -> TurnTrace:
        trace = self._turns.get(run_id)
        if trace is None:
            trace = self._turns[run_id] = TurnTrace()
            if len(self._turns) > self._most_turns:
                self._turns.popitem(last=False)
        return trace

    def _read(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        except OSError:
            return
        kept = lines[-self._most_turns :]
        for line in kept:
            try:
                found: JSONObject = json.loads(line)
                requests = [RequestTrace(**each) for each in found["requests"]]
                trace = TurnTrace(requests=requests, events=found["events"], state=found["state"], has_ended=True)
                self._turns[found["run_id"]] = trace
            except (ValueError, TypeError, KeyError):
                # A line that was cut off by a crash, or written by another version; the page does without it.
                continue
        if len(kept) < len(lines):
            path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
