"""Secrets that pass through a turn under a `Runtime` leave no trace in logs, in traces, or in what errors say."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent_runtime_core import configure_logging
from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_core.telemetry import instrument, telemetry_sink
from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.testing import ScriptedLLM, call, say

SAID = "cAnArY-sAiD-0123456789"
"""What somebody said, or what a tool was told or told: content, which need not look like a secret."""

KEY = "cAnArY-kEy-0123456789"
"""What nobody may ever see: a key in a URL, in a header, in an exception."""

URL = f"https://api.example.org/pay?key={KEY}"


class Desk(Journey):
    """Brief."""

    note: str = ""

    ask = step("Ask.")

    @ask.tool(effect="once")
    async def keep(self, note: str, count: int = 0) -> str:
        """Keep a note."""
        self.note = note
        return f"kept {note}"

    @ask.tool(effect="read")
    async def fetch(self) -> str:
        """Fetch something."""
        raise ConnectionError(f"GET {URL} failed; sent Authorization: Bearer {KEY} about {SAID}")


def raw(name: str, arguments: str) -> JSONObject:
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": function}]}


SCRIPTS: dict[str, list[Any]] = {
    "arguments and results": [call("keep", note=SAID), say(f"Kept: {SAID}")],
    "arguments that do not fit": [call("keep", note=SAID, count=SAID), say("Hm.")],
    "arguments that are no JSON": [raw("keep", f'{{"note": "{SAID}'), say("Hm.")],
    "arguments of an unknown tool": [call("steal", note=SAID), say("Hm.")],
    "a call in the text": [say(f'{{"name": "keep", "arguments": {{"note": "{SAID}"}}}}'), say("Hm.")],
    "an exception of a tool": [call("fetch"), say("Hm.")],
    "an exception of the model": [ConnectionError(f"POST {URL} failed: Bearer {KEY}: {SAID}")],
    "a reply that is none": [{"role": "assistant", "content": None, "tool_calls": SAID}, say("Hm.")],
}


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """The log as an application has it that does no more than `configure_logging()`."""
    root, out = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logging(stream=out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)


class Lines(logging.Handler):
    """The log of an application that formats records itself, without tracebacks."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        shown = {name: value for name, value in vars(record).items() if name not in ("exc_info", "exc_text")}
        self.lines.append(f"{record.getMessage()} {shown}")


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.mark.asyncio
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=list(SCRIPTS))
async def test_what_passes_through_a_turn_is_in_no_log_trace_or_error(
    script: list[Any], logged: io.StringIO, lines: Lines, tmp_path: Path
) -> None:
    exporter, traces = InMemorySpanExporter(), TracerProvider()
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    llm = instrument(ScriptedLLM(*script), tracer_provider=traces)
    agent = Desk.agent(llm, sinks=[telemetry_sink(tracer_provider=traces)])
    async with Runtime(f"sqlite:///{tmp_path / 'chat.db'}", [agent]) as chats:
        events = [event async for event in chats.stream("ada", f"My note is {SAID}", message_id="m1")]
        reply = await chats.reply_to("ada", "m1")
        receipts = [turn.receipt for turn in await chats.turns("ada")]
        told = [each.content for each in await chats.history("ada") if each.role == "tool"]
    traces.shutdown()

    spans = [span.to_json() for span in exporter.get_finished_spans()]
    assert spans
    failures = [json.dumps(each.payload, default=str) for each in events if each.type is EventType.RUN_FAILED]
    texts = {"log": [logged.getvalue()], "lines": lines.lines, "traces": spans}
    assert [name for name, found in texts.items() if SAID in "".join(found)] == []
    everything = [
        *texts["log"],
        *lines.lines,
        *spans,
        *failures,
        *told,
        reply.text,
        f"{reply.stopped_reason}",
        f"{receipts}",
    ]
    assert [each for each in everything if KEY in each] == []
    if reply.status == "failed":
        assert SAID not in f"{reply.text} {reply.stopped_reason}"


@pytest.mark.asyncio
async def test_a_database_s_password_is_in_no_error(logged: io.StringIO) -> None:
    store = PostgresStore(f"postgresql://ada:{KEY}@127.0.0.1:1/chat", patience=0.0)
    with pytest.raises(StoreError) as caught:
        async with Runtime(store, [Desk.agent(ScriptedLLM())]) as chats:
            await chats.send("ada", "hi")
    await store.aclose()

    assert KEY not in f"{caught.value} {store!r} {logged.getvalue()}"
