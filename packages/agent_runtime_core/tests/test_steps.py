"""Workflow steps, on a clock that does not wait."""

import asyncio
import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agent_runtime_core.config import override_config
from agent_runtime_core.contexts import FileRunContext, InMemoryRunContext
from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.steps import (
    ExecutionState,
    Step,
    StepCancelledError,
    StepExecutionError,
    StepExecutor,
    StepFunction,
    StepStatus,
)
from agent_runtime_core.testing import ManualClock, MockRunContext

KEY = "_step_executor_state"


def returns(value: object) -> StepFunction:
    async def fn(ctx: object, custom: dict[str, Any]) -> object:
        return value

    return fn


class Flaky:
    """Fails so many times, then succeeds; counts its calls."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    async def __call__(self, ctx: object, custom: dict[str, Any]) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise ValueError(f"no {self.calls}")
        return "ok"


class Slow:
    """Sleeps on the clock; notes how it ended."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds
        self.ended = ""

    async def __call__(self, ctx: object, custom: dict[str, Any]) -> str:
        try:
            await self.clock.sleep(self.seconds)
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "done"
        return "slow"


def executor(ctx: Any, clock: ManualClock | None = None, **options: Any) -> StepExecutor:
    clock = clock or ManualClock()
    return StepExecutor(ctx, sleep=clock.sleep, monotonic=clock.monotonic, **options)


@pytest.mark.asyncio
async def test_results_come_back_by_name_and_events_tell_the_way() -> None:
    ctx = MockRunContext()
    result = await executor(ctx).run([Step("a", returns(1)), Step("b", returns({"x": 2}), description="Second")])

    assert result == {"a": 1, "b": {"x": 2}}
    place = {"step_name": "b", "step_index": 1, "total_steps": 2}
    assert ctx.get_events()[3:] == [
        ("step.started", {**place, "attempt": 1, "max_attempts": 1, "description": "Second"}),
        ("progress.update", {**place, "progress_percent": 50.0, "description": "Second"}),
        ("step.completed", {**place, "attempt": 1, "duration_ms": 0.0}),
    ]
    assert ctx.get_events("progress.update")[0][1]["description"] == "Executing a"


@pytest.mark.asyncio
async def test_steps_hand_on_custom_state() -> None:
    async def first(ctx: object, custom: dict[str, Any]) -> None:
        custom["seen"] = custom["start"] + 1

    async def second(ctx: object, custom: dict[str, Any]) -> int:
        return custom["seen"]

    run = executor(MockRunContext())
    assert await run.run([Step("1", first), Step("2", second)], initial_state={"start": 1}) == {"1": None, "2": 2}
    assert run.state is not None
    run.update_custom_state({"more": True})
    assert run.state.custom_state == {"start": 1, "seen": 2, "more": True}


def test_custom_state_cannot_be_changed_before_a_run() -> None:
    with pytest.raises(ConfigurationError, match="initial_state="):
        executor(MockRunContext()).update_custom_state({"a": 1})


@pytest.mark.asyncio
async def test_checkpoint_keeps_the_other_keys() -> None:
    ctx = MockRunContext()
    await ctx.checkpoint({"mine": [1]})
    run = executor(ctx)
    await run.run([Step("a", returns(1))])
    state = await ctx.get_state()

    assert state is not None
    assert state["mine"] == [1]
    assert set(state[KEY]) == {
        "execution_id",
        "current_step_index",
        "completed_steps",
        "step_results",
        "started_at",
        "custom_state",
    }
    assert ExecutionState.from_dict(state[KEY]) == run.state


@pytest.mark.asyncio
async def test_finished_steps_are_skipped_after_a_crash(tmp_path: Path) -> None:
    run_id, first, second = uuid4(), Flaky(0), Flaky(1)
    steps = [Step("first", first), Step("second", second)]
    with pytest.raises(StepExecutionError):
        await executor(FileRunContext(run_id, checkpoint_dir=tmp_path)).run(steps, initial_state={"n": 1})

    ctx = FileRunContext(run_id, checkpoint_dir=tmp_path)
    again = executor(ctx)
    assert await again.run(steps, initial_state={"n": 2}) == {"first": "ok", "second": "ok"}
    assert (first.calls, second.calls) == (1, 2)
    assert again.state is not None
    assert again.state.custom_state == {"n": 1}
    assert again.results["first"].status is StepStatus.SKIPPED
    skipped = [event["payload"] for event in ctx.get_events() if event["event_type"] == "step.skipped"]
    assert skipped == [{"step_name": "first", "step_index": 0, "total_steps": 2, "reason": "already_completed"}]


def test_killed_process_is_taken_up_by_the_next(tmp_path: Path) -> None:
    program = """
import asyncio, os, signal, sys, uuid
from agent_runtime_core import FileRunContext, Step, StepExecutor

async def note(text):
    with open("done.txt", "a") as file:
        file.write(text)
    return text

async def first(ctx, custom):
    custom["from first"] = 1
    return await note("first ")

async def second(ctx, custom):
    if sys.argv[1] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return await note(f"second {custom['from first']}")

steps = [Step("first", first), Step("second", second)]
print(asyncio.run(StepExecutor(FileRunContext(uuid.UUID(int=7))).run(steps)))
"""
    run = [sys.executable, "-c", program]
    assert subprocess.run([*run, "die"], cwd=tmp_path, check=False).returncode == -signal.SIGKILL
    again = subprocess.run([*run, "live"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert again.stdout == "{'first': 'first ', 'second': 'second 1'}\n"
    assert (tmp_path / "done.txt").read_text() == "first second 1"


@pytest.mark.asyncio
async def test_without_resume_everything_runs_again() -> None:
    ctx, step = MockRunContext(), Flaky(0)
    for _ in range(2):
        await executor(ctx).run([Step("a", step)], resume=False)
    assert step.calls == 2


@pytest.mark.asyncio
async def test_step_without_checkpoint_is_saved_by_the_next_one() -> None:
    ctx = MockRunContext()
    await executor(ctx).run([Step("a", returns(1), checkpoint=False), Step("b", returns(2))])
    assert [saved[KEY]["completed_steps"] for saved in ctx.get_checkpoints()] == [["a", "b"]]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "broken",
    [
        {"execution_id": "?"},
        "text",
        [],
        {**ExecutionState(uuid4()).to_dict(), "completed_steps": "ab"},
        {**ExecutionState(uuid4()).to_dict(), "completed_steps": [1]},
        {**ExecutionState(uuid4()).to_dict(), "custom_state": None},
        {**ExecutionState(uuid4()).to_dict(), "started_at": 5},
    ],
)
async def test_bad_checkpoint_means_a_fresh_start(broken: object, caplog: pytest.LogCaptureFixture) -> None:
    ctx = MockRunContext()
    await ctx.checkpoint({KEY: broken, "mine": 1})
    with caplog.at_level(logging.WARNING):
        assert await executor(ctx).run([Step("a", returns(1))]) == {"a": 1}
    assert "starting again" in caplog.text
    assert (await ctx.get_state() or {})["mine"] == 1


@pytest.mark.asyncio
async def test_retries_wait_longer_each_time_up_to_the_limit() -> None:
    ctx, clock, step = MockRunContext(), ManualClock(), Flaky(4)
    with override_config(retry_backoff_base=3, retry_backoff_max=5):
        run = executor(ctx, clock)
        assert await clock.run(run.run([Step("a", step, retries=4, retry_delay=1.0)])) == {"a": "ok"}

    assert [payload["retry_delay"] for _, payload in ctx.get_events("step.retrying")] == [1.0, 3.0, 5, 5]
    assert ctx.get_events("step.retrying")[0][1] == {
        "step_name": "a",
        "step_index": 0,
        "attempt": 1,
        "max_attempts": 5,
        "error": "ValueError: no 1",
        "retry_delay": 1.0,
    }
    assert clock.monotonic() == 14
    assert len(ctx.get_events("step.started")) == len(ctx.get_events("progress.update")) == 5
    assert run.results["a"].attempts == 5


@pytest.mark.asyncio
async def test_last_failure_is_raised_and_told() -> None:
    ctx, clock = MockRunContext(), ManualClock()
    run = executor(ctx, clock)
    with pytest.raises(StepExecutionError, match="Step 'a' failed after 2 attempts: ValueError: no 2") as caught:
        await clock.run(run.run([Step("a", Flaky(9), retries=1)]))

    assert (caught.value.step_name, caught.value.attempts) == ("a", 2)
    assert isinstance(caught.value.__cause__, ValueError)
    failed = {"step_name": "a", "step_index": 0, "total_steps": 1, "attempts": 2, "error": "ValueError: no 2"}
    assert ctx.get_events("step.failed") == [("step.failed", failed)]
    assert run.results["a"].status is StepStatus.FAILED


@pytest.mark.asyncio
async def test_thousands_of_retries_do_not_overflow() -> None:
    clock, step = ManualClock(), Flaky(1100)
    await clock.run(executor(MockRunContext(), clock, cancel_check_interval=1e6).run([Step("a", step, retries=1100)]))
    assert step.calls == 1101


@pytest.mark.asyncio
async def test_timeout_stops_the_attempt() -> None:
    clock = ManualClock()
    step = Slow(clock, 60)
    with pytest.raises(StepExecutionError, match="Step timed out after 5s"):
        await clock.run(executor(MockRunContext(), clock).run([Step("a", step, timeout=5)]))
    assert step.ended == "cancelled"
    assert clock.monotonic() == 5


@pytest.mark.asyncio
async def test_step_within_its_timeout_passes() -> None:
    clock = ManualClock()
    run = executor(MockRunContext(), clock)
    assert await clock.run(run.run([Step("a", Slow(clock, 4), timeout=5)])) == {"a": "slow"}
    assert run.results["a"].duration_ms == 4000


@pytest.mark.asyncio
async def test_cancelled_run_begins_no_step() -> None:
    ctx, step = MockRunContext(), Flaky(0)
    ctx.cancel()
    with pytest.raises(StepCancelledError, match="Execution cancelled during step 'a'"):
        await executor(ctx).run([Step("a", step)])
    assert step.calls == 0


@pytest.mark.asyncio
async def test_cancelling_the_run_stops_a_step_at_work() -> None:
    ctx, clock = MockRunContext(), ManualClock()
    step = Slow(clock, 60)
    run = executor(ctx, clock, cancel_check_interval=2)

    async def cancel_later() -> None:
        await clock.sleep(3)
        ctx.cancel()

    canceller = asyncio.ensure_future(cancel_later())
    with pytest.raises(StepCancelledError):
        await clock.run(run.run([Step("a", step)]))
    await canceller
    assert step.ended == "cancelled"
    assert clock.monotonic() == 4
    assert run.results["a"].status is StepStatus.CANCELLED


@pytest.mark.asyncio
async def test_cancelling_the_run_ends_the_wait_for_a_retry() -> None:
    ctx, clock = MockRunContext(), ManualClock()

    async def fail_and_cancel(_: object, custom: dict[str, Any]) -> None:
        ctx.cancel()
        raise ValueError

    with pytest.raises(StepCancelledError):
        await clock.run(executor(ctx, clock).run([Step("a", fail_and_cancel, retries=3, retry_delay=100)]))
    assert clock.monotonic() < 1


@pytest.mark.asyncio
async def test_step_that_cancels_itself_is_a_cancelled_step() -> None:
    async def gives_up(ctx: object, custom: dict[str, Any]) -> None:
        raise asyncio.CancelledError

    with pytest.raises(StepCancelledError) as caught:
        await executor(MockRunContext()).run([Step("a", gives_up, retries=5)])
    assert isinstance(caught.value, asyncio.CancelledError)


@pytest.mark.asyncio
async def test_timeout_around_a_workflow_is_a_timeout() -> None:
    clock = ManualClock()
    step = Slow(clock, 60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await executor(MockRunContext(), clock).run([Step("a", step)])
    assert step.ended in {"cancelled", ""}


@pytest.mark.asyncio
async def test_step_that_finishes_while_the_task_is_cancelled_is_not_repeated() -> None:
    ctx, clock = MockRunContext(), ManualClock()

    async def cleans_up(_: object, custom: dict[str, Any]) -> str:
        try:
            await clock.sleep(60)
        except asyncio.CancelledError:
            return "sent anyway"
        return "sent"

    task = asyncio.ensure_future(executor(ctx, clock).run([Step("send", cleans_up)]))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await ctx.get_state() or {})[KEY]["step_results"] == {"send": "sent anyway"}


@pytest.mark.asyncio
async def test_checkpoint_under_way_is_finished_before_the_task_ends() -> None:
    class SlowDisk(MockRunContext):
        async def checkpoint(self, state: dict[str, Any]) -> None:
            begun.set()
            await go_on.wait()
            await super().checkpoint(state)

    begun, go_on, ctx = asyncio.Event(), asyncio.Event(), SlowDisk()
    task = asyncio.ensure_future(executor(ctx).run([Step("a", returns(1))]))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ctx.get_checkpoints()[-1][KEY]["completed_steps"] == ["a"]


@pytest.mark.asyncio
async def test_failing_checkpoint_does_not_repeat_the_step() -> None:
    class FullDisk(MockRunContext):
        async def checkpoint(self, state: dict[str, Any]) -> None:
            raise OSError("disk full")

    step = Flaky(0)
    with pytest.raises(OSError, match="disk full"):
        await executor(FullDisk()).run([Step("a", step, retries=3)])
    assert step.calls == 1


@pytest.mark.asyncio
async def test_duplicate_names_are_refused_before_anything_runs() -> None:
    ctx, step = MockRunContext(), Flaky(0)
    with pytest.raises(ConfigurationError, match="used twice: 'a'"):
        await executor(ctx).run([Step("a", step), Step("b", step), Step("a", step)])
    assert step.calls == 0
    assert ctx.get_events() == []


@pytest.mark.parametrize("wrong", [{"retries": -1}, {"retry_delay": -1}, {"timeout": 0}, {"name": ""}])
def test_impossible_step_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Step(**{"name": "a", "fn": returns(1), **wrong})


@pytest.mark.asyncio
async def test_plain_function_as_step_is_named() -> None:
    with pytest.raises(StepExecutionError, match="has to be an async function"):
        await executor(MockRunContext()).run([Step("a", lambda ctx, custom: 5)])  # type: ignore[arg-type, return-value]


@pytest.mark.asyncio
async def test_no_steps_no_results() -> None:
    assert await executor(InMemoryRunContext()).run([]) == {}


@pytest.mark.asyncio
async def test_checkpoint_is_a_snapshot() -> None:
    ctx, shared = MockRunContext(), {"n": 1}

    async def change(_: object, custom: dict[str, Any]) -> dict[str, int]:
        shared["n"] = 2
        return shared

    await executor(ctx).run([Step("a", returns(shared)), Step("b", change)])
    assert ctx.get_checkpoints()[0][KEY]["step_results"] == {"a": {"n": 1}}
