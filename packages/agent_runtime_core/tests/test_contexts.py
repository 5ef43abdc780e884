"""Run contexts without a server."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from agent_runtime_core.contexts import FileRunContext, InMemoryRunContext
from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import EventType, RunContext, ToolRegistry
from agent_runtime_core.testing import MockRunContext


@pytest.fixture(params=["memory", "file", "mock"])
def ctx(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = {
        "memory": InMemoryRunContext,
        "file": lambda: FileRunContext(checkpoint_dir=tmp_path),
        "mock": MockRunContext,
    }
    return made[request.param]()


def events_of(ctx: Any) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(ctx, MockRunContext):
        return ctx.get_events()
    events = ctx.events if isinstance(ctx, InMemoryRunContext) else ctx.get_events()
    return [(event["event_type"], event["payload"]) for event in events]


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_context_has_the_whole_protocol(ctx: Any) -> None:
    assert isinstance(ctx, RunContext)
    assert isinstance(ctx.run_id, UUID)
    assert isinstance(ctx.tool_registry, ToolRegistry)
    assert (ctx.conversation_id, ctx.input_messages, ctx.params, ctx.metadata) == (None, [], {}, {})


@pytest.mark.asyncio
async def test_state_is_none_then_the_last_checkpoint(ctx: Any) -> None:
    assert await ctx.get_state() is None
    await ctx.checkpoint({"a": 1})
    await ctx.checkpoint({"b": [2]})
    assert await ctx.get_state() == {"b": [2]}


@pytest.mark.asyncio
async def test_checkpoint_is_a_snapshot_both_ways(ctx: Any) -> None:
    state = {"items": [1]}
    await ctx.checkpoint(state)
    state["items"].append(2)
    (await ctx.get_state())["items"].append(3)
    assert await ctx.get_state() == {"items": [1]}


@pytest.mark.asyncio
async def test_messages_and_errors_are_events(ctx: Any) -> None:
    await ctx.emit(EventType.TOOL_CALL, {"tool_name": "x"})
    await ctx.emit("my.event", {})
    await ctx.emit_user_message("hi")
    await ctx.emit_error("broken")
    await ctx.emit_error("broken", {"code": 5})
    assert events_of(ctx) == [
        ("tool.call", {"tool_name": "x"}),
        ("my.event", {}),
        ("assistant.message", {"content": "hi"}),
        ("error", {"message": "broken", "details": {}}),
        ("error", {"message": "broken", "details": {"code": 5}}),
    ]


@pytest.mark.asyncio
async def test_events_are_snapshots(ctx: Any) -> None:
    payload = {"list": [1]}
    await ctx.emit("x", payload)
    payload["list"].append(2)
    assert events_of(ctx) == [("x", {"list": [1]})]


def test_cancelling_is_seen(ctx: Any) -> None:
    assert not ctx.cancelled()
    ctx.cancel()
    assert ctx.cancelled()


@pytest.mark.asyncio
@pytest.mark.parametrize("is_async", [False, True])
async def test_on_event_hears_every_event(is_async: bool, tmp_path: Path) -> None:
    heard: list[tuple[str, Any]] = []

    async def later(event_type: str, payload: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        heard.append((event_type, payload))

    def at_once(event_type: str, payload: dict[str, Any]) -> None:
        heard.append((event_type, payload))

    callback = later if is_async else at_once
    for ctx in (InMemoryRunContext(on_event=callback), FileRunContext(checkpoint_dir=tmp_path, on_event=callback)):
        await ctx.emit(EventType.ERROR, {"n": 1})
    assert heard == [("error", {"n": 1})] * 2


@pytest.mark.asyncio
async def test_memory_events_carry_their_time_and_can_be_cleared() -> None:
    ctx = InMemoryRunContext()
    await ctx.emit("x", {})
    await ctx.checkpoint({"kept": True})
    assert datetime.fromisoformat(ctx.events[0]["timestamp"]).tzinfo is UTC
    ctx.events.clear()
    assert len(ctx.events) == 1
    ctx.clear_events()
    assert ctx.events == []
    assert await ctx.get_state() == {"kept": True}


def test_given_values_are_passed_on() -> None:
    run_id, conversation_id, registry = uuid4(), uuid4(), ToolRegistry()
    message = {"role": "user", "content": "hi"}
    ctx = InMemoryRunContext(
        run_id,
        conversation_id=conversation_id,
        input_messages=[message],
        params={"a": 1},
        metadata={"b": 2},
        tool_registry=registry,
    )
    assert (ctx.run_id, ctx.conversation_id, ctx.tool_registry) == (run_id, conversation_id, registry)
    assert (ctx.input_messages, ctx.params, ctx.metadata) == ([message], {"a": 1}, {"b": 2})


def test_conversation_id_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="conversation_id 'a\\\\x00b'"):
        InMemoryRunContext(conversation_id="a\x00b")


class Color(Enum):
    RED = "red"


@pytest.mark.asyncio
async def test_file_survives_the_process(tmp_path: Path) -> None:
    run_id, day = uuid4(), datetime(2026, 1, 2, tzinfo=UTC)
    first = FileRunContext(run_id, checkpoint_dir=tmp_path / "new" / "folder")
    await first.checkpoint({"text": "ü\ud800", "id": run_id, "day": day, "color": Color.RED})
    await first.emit("x", {"n": 1, "odd": {1, 2} - {2}})

    again = FileRunContext(run_id, checkpoint_dir=tmp_path / "new" / "folder")
    assert await again.get_state() == {
        "text": "ü\ud800",
        "id": str(run_id),
        "day": "2026-01-02T00:00:00+00:00",
        "color": "red",
    }
    assert [event["payload"] for event in again.get_events()] == [{"n": 1, "odd": "{1}"}]
    assert await FileRunContext(checkpoint_dir=tmp_path / "new" / "folder").get_state() is None


@pytest.mark.asyncio
async def test_checkpoint_file_has_the_documented_shape_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ctx = FileRunContext(checkpoint_dir=tmp_path)
    await ctx.checkpoint({"a": 1})
    document = json.loads((tmp_path / f"{ctx.run_id}.json").read_text())
    assert set(document) == {"run_id", "state", "updated_at"}
    assert (document["run_id"], document["state"]) == (str(ctx.run_id), {"a": 1})
    assert files_in(tmp_path) == [f"{ctx.run_id}.json"]


@pytest.mark.asyncio
@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": [1]}', "\ufeff", "[" * 100_000])
async def test_unreadable_checkpoint_counts_as_none(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = FileRunContext(checkpoint_dir=tmp_path)
    (tmp_path / f"{ctx.run_id}.json").write_text(content)
    with caplog.at_level(logging.WARNING):
        assert await ctx.get_state() is None
    assert "starting without" in caplog.text


@pytest.mark.asyncio
async def test_state_that_is_no_json_is_refused_and_the_last_one_stays(tmp_path: Path) -> None:
    ctx = FileRunContext(checkpoint_dir=tmp_path)
    await ctx.checkpoint({"a": 1})
    with pytest.raises(ConfigurationError, match=r"cannot be kept as JSON: found <object .*>, of type object"):
        await ctx.checkpoint({"a": object()})
    assert await ctx.get_state() == {"a": 1}


@pytest.mark.asyncio
async def test_event_cut_off_half_way_is_skipped(tmp_path: Path) -> None:
    ctx = FileRunContext(checkpoint_dir=tmp_path)
    await ctx.emit("x", {})
    with (tmp_path / f"{ctx.run_id}_events.jsonl").open("a") as file:
        file.write('{"event_type": "y", "payl')
    assert [event["event_type"] for event in ctx.get_events()] == ["x"]


@pytest.mark.asyncio
async def test_clear_deletes_the_files(tmp_path: Path) -> None:
    ctx = FileRunContext(checkpoint_dir=tmp_path)
    await ctx.emit("x", {})
    await ctx.checkpoint({"a": 1})
    ctx.clear()
    assert files_in(tmp_path) == []
    assert (await ctx.get_state(), ctx.get_events()) == (None, [])


def test_late_write_does_not_undo_a_newer_one(tmp_path: Path) -> None:
    ctx = FileRunContext(checkpoint_dir=tmp_path)
    ctx._write('{"state": {"n": 2}}', 2)
    ctx._write('{"state": {"n": 1}}', 1)
    assert ctx._read() == {"n": 2}


def test_run_id_that_is_no_uuid_is_no_file_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="UUID"):
        FileRunContext("../../etc/passwd", checkpoint_dir=tmp_path)  # type: ignore[arg-type]
