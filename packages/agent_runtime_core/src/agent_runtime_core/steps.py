"""Workflow steps: work cut into named pieces that are retried, timed, cancelled and not done twice.

Rules:
    - A step that finished is in the checkpoint before anything else is said of it; after a crash it is skipped.
    - A step cut off half-way runs again from its start: make it safe to repeat.
    - Steps run one after another, in the order given, each in a task of its own.
    - Time comes from outside, so that tests need not wait.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from agent_runtime_core._snapshot import snapshot
from agent_runtime_core.config import get_config
from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.errors import StepCancelledError as StepCancelledError
from agent_runtime_core.errors import StepExecutionError as StepExecutionError
from agent_runtime_core.interfaces import EventType, JSONObject, RunContext
from agent_runtime_core.logs import log_context

logger = logging.getLogger(__name__)

# Beyond this the wait is at its limit anyway, and the power would be a number of many digits.
_LONGEST_GROWTH = 32

StepFunction: TypeAlias = Callable[[Any, JSONObject], Awaitable[Any]]
"""Called with the run context and the custom state, a dict to read and to change."""


class StepStatus(StrEnum):
    """How far a step has come."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass
class Step:
    """One piece of a workflow.

    Attributes:
        name: Unique in its workflow, and stable: a checkpoint knows the step by it.
        fn: Does the work. Its result has to be JSON, where the context stores JSON.
        retries: How often to try again after a failure.
        retry_delay: Seconds before the second attempt; later waits grow by `retry_backoff_base` up to
            `retry_backoff_max` of the configuration.
        timeout: Seconds an attempt may take.
        description: What people are told of it.
        checkpoint: False leaves saving to the next step that does; until then a crash repeats this one.
    """

    name: str
    fn: StepFunction
    retries: int = 0
    retry_delay: float = 1.0
    timeout: float | None = None
    description: str | None = None
    checkpoint: bool = True

    def __post_init__(self) -> None:
        if not self.name:
            raise ConfigurationError("a workflow step has no name; expected a text that is unique in its workflow")
        if self.retries < 0 or self.retry_delay < 0:
            raise ConfigurationError(
                f"step {self.name!r} has retries={self.retries!r}, retry_delay={self.retry_delay!r}; expected 0 or more"
            )
        if self.timeout is not None and self.timeout <= 0:
            raise ConfigurationError(
                f"step {self.name!r} has timeout={self.timeout!r}; expected seconds above 0, or None for no limit"
            )


@dataclass
class StepResult:
    """How a step went in this run."""

    name: str
    status: StepStatus
    result: Any = None
    error: str | None = None
    attempts: int = 1
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: float | None = None


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class ExecutionState:
    """What a workflow has done so far: this is what a checkpoint holds.

    Attributes:
        execution_id: The same in every run that resumes this execution.
        current_step_index: The step last begun.
        completed_steps: Names of the finished ones, in the order they finished.
        step_results: Their results by name.
        started_at: When the execution first began.
        custom_state: What steps hand on to each other.
    """

    execution_id: UUID
    current_step_index: int = 0
    completed_steps: list[str] = field(default_factory=list[str])
    step_results: JSONObject = field(default_factory=dict[str, Any])
    started_at: datetime = field(default_factory=_now)
    custom_state: JSONObject = field(default_factory=dict[str, Any])

    def to_dict(self) -> JSONObject:
        """A snapshot, JSON as far as the results are."""
        return {
            "execution_id": str(self.execution_id),
            "current_step_index": self.current_step_index,
            "completed_steps": list(self.completed_steps),
            "step_results": snapshot(self.step_results),
            "started_at": self.started_at.isoformat(),
            "custom_state": snapshot(self.custom_state),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ExecutionState:
        """The state that `to_dict` wrote.

        Raises:
            ValueError: `data` is something else.
        """
        try:
            return cls(
                execution_id=UUID(data["execution_id"]),
                current_step_index=_instance(data["current_step_index"], int),
                completed_steps=[_instance(name, str) for name in _instance(data["completed_steps"], list)],
                step_results=snapshot(_instance(data["step_results"], dict)),
                started_at=datetime.fromisoformat(data["started_at"]),
                custom_state=snapshot(_instance(data["custom_state"], dict)),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{data!r} is no execution state: {error!r}") from error


def _instance(value: Any, kind: type[Any]) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"found {value!r}, expected {kind.__name__}")
    return value


class StepExecutor:
    """Runs the steps of a workflow, and takes it up again where it stopped.

    Args:
        ctx: Where events and checkpoints go, and who says that the run is cancelled.
        checkpoint_key: The key of the context's state that belongs to this workflow; the others stay as they are.
        cancel_check_interval: Seconds between two looks at `ctx.cancelled()` while a step is at work.
        sleep: Waits so many seconds.
        monotonic: A clock in seconds, for durations.
    """

    def __init__(
        self,
        ctx: RunContext,
        *,
        checkpoint_key: str = "_step_executor_state",
        cancel_check_interval: float = 0.5,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ctx = ctx
        self.checkpoint_key = checkpoint_key
        self.cancel_check_interval = cancel_check_interval
        self._sleep = sleep
        self._monotonic = monotonic
        self._state: ExecutionState | None = None
        self._results: dict[str, StepResult] = {}

    @property
    def state(self) -> ExecutionState | None:
        """The execution as it stands; None before the first `run`."""
        return self._state

    @property
    def results(self) -> dict[str, StepResult]:
        """How each step that was reached went in the last `run`."""
        return dict(self._results)

    def update_custom_state(self, updates: Mapping[str, Any]) -> None:
        """Change what the steps hand on to each other; it is saved with the next checkpoint.

        Raises:
            ConfigurationError: No run has begun.
        """
        self._running().custom_state.update(updates)

    async def run(
        self, steps: Sequence[Step], *, initial_state: Mapping[str, Any] | None = None, resume: bool = True
    ) -> JSONObject:
        """The result of every step by name, those of an earlier run that is resumed included.

        Args:
            steps: What to do, in order.
            initial_state: The custom state of an execution that begins; one that is resumed has its own.
            resume: False starts again, whatever the checkpoint says.

        Raises:
            ConfigurationError: Two steps have the same name; nothing was run.
            StepExecutionError: A step failed in all its attempts.
            StepCancelledError: `ctx.cancelled()`, or a step cancelled itself. Cancelling the task that runs this
                ends in a plain `CancelledError`, as `asyncio.timeout` expects it.
        """
        _refuse_duplicates(steps)
        self._results = {}
        restored = await self._restore() if resume else None
        self._state = state = restored or ExecutionState(uuid4(), custom_state=snapshot(dict(initial_state or {})))
        for index, step in enumerate(steps):
            position = {"step_name": step.name, "step_index": index, "total_steps": len(steps)}
            if step.name in state.completed_steps:
                self._results[step.name] = StepResult(step.name, StepStatus.SKIPPED, state.step_results.get(step.name))
                await self.ctx.emit(EventType.STEP_SKIPPED, {**position, "reason": "already_completed"})
            else:
                state.current_step_index = index
                await self._execute(step, position)
        return {step.name: state.step_results.get(step.name) for step in steps}

    async def _restore(self) -> ExecutionState | None:
        kept = (await self.ctx.get_state() or {}).get(self.checkpoint_key)
        if kept is None:
            return None
        try:
            return ExecutionState.from_dict(kept)
        except ValueError:
            logger.warning("the checkpoint %r holds no execution state; starting again", self.checkpoint_key)
            return None

    async def _execute(self, step: Step, position: JSONObject) -> None:
        outcome = self._results[step.name] = StepResult(step.name, StepStatus.PENDING)
        try:
            with log_context(workflow_step=step.name):
                outcome.result = await self._try_until_done(step, position, outcome)
        except asyncio.CancelledError:
            outcome.status = StepStatus.CANCELLED
            raise
        outcome.status = StepStatus.COMPLETED
        # Outside the attempts: a checkpoint that fails must not repeat work that is done.
        await self._record(step, outcome.result)
        done = {**position, "attempt": outcome.attempts, "duration_ms": outcome.duration_ms}
        await self.ctx.emit(EventType.STEP_COMPLETED, done)

    async def _try_until_done(self, step: Step, position: JSONObject, outcome: StepResult) -> Any:
        attempt = 0
        while True:
            attempt += 1
            outcome.attempts = attempt
            if self.ctx.cancelled():
                raise StepCancelledError(step.name)
            await self._announce(step, position, attempt)
            try:
                return await self._attempt(step, outcome)
            except Exception as error:  # whatever a step raises is a failed attempt
                outcome.error = _describe(error)
                if attempt > step.retries:
                    outcome.status = StepStatus.FAILED
                    failure = {**position, "attempts": attempt, "error": outcome.error}
                    await self.ctx.emit(EventType.STEP_FAILED, failure)
                    raise StepExecutionError(step.name, outcome.error, attempt) from error
            await self._wait_to_retry(step, position, outcome)

    async def _attempt(self, step: Step, outcome: StepResult) -> Any:
        outcome.status, outcome.error, outcome.started_at = StepStatus.RUNNING, None, _now()
        started = self._monotonic()
        work = step.fn(self.ctx, self._running().custom_state)
        if not inspect.isawaitable(work):
            raise ConfigurationError(
                f"step {step.name!r} returned {work!r} at once; its fn has to be an async function"
            )
        result = await self._unless_cancelled(step, work, step.timeout, on_result=self._record)
        outcome.completed_at, outcome.duration_ms = _now(), (self._monotonic() - started) * 1000
        return result

    async def _announce(self, step: Step, position: JSONObject, attempt: int) -> None:
        begun = {"attempt": attempt, "max_attempts": step.retries + 1, "description": step.description}
        await self.ctx.emit(EventType.STEP_STARTED, {**position, **begun})
        progress = {
            "progress_percent": position["step_index"] / position["total_steps"] * 100,
            "description": step.description or f"Executing {step.name}",
        }
        await self.ctx.emit(EventType.PROGRESS_UPDATE, {**position, **progress})

    async def _record(self, step: Step, result: Any) -> None:
        state = self._running()
        state.completed_steps.append(step.name)
        state.step_results[step.name] = result
        if step.checkpoint:
            await _finish(self._save(state))

    async def _save(self, state: ExecutionState) -> None:
        others = await self.ctx.get_state() or {}
        await self.ctx.checkpoint({**others, self.checkpoint_key: state.to_dict()})

    async def _wait_to_retry(self, step: Step, position: JSONObject, outcome: StepResult) -> None:
        config = get_config()
        growth = config.retry_backoff_base ** min(outcome.attempts - 1, _LONGEST_GROWTH)
        delay = min(step.retry_delay * growth, config.retry_backoff_max)
        retrying = {
            "step_name": step.name,
            "step_index": position["step_index"],
            "attempt": outcome.attempts,
            "max_attempts": step.retries + 1,
            "error": outcome.error,
            "retry_delay": delay,
        }
        await self.ctx.emit(EventType.STEP_RETRYING, retrying)
        await self._unless_cancelled(step, self._sleep(delay))

    async def _unless_cancelled(
        self,
        step: Step,
        work: Awaitable[Any],
        timeout: float | None = None,
        on_result: Callable[[Step, Any], Awaitable[None]] | None = None,
    ) -> Any:
        """The result of `work`, which is stopped when the run is cancelled or the time is up."""
        task = asyncio.ensure_future(work)
        watch = asyncio.ensure_future(self._until_cancelled())
        limit = None if timeout is None else asyncio.ensure_future(self._sleep(timeout))
        guards = [watch] if limit is None else [watch, limit]
        try:
            await asyncio.wait([task, *guards], return_when=asyncio.FIRST_COMPLETED)
            ended_by_itself = task.done()
        except asyncio.CancelledError:
            await _stop(task, *guards)
            if on_result is not None and _has_result(task):
                await on_result(step, task.result())
            raise
        await _stop(task, *guards)
        if _has_result(task):
            return task.result()
        if ended_by_itself:
            return _result_or_cancellation(step, task)
        if limit is not None and _has_result(limit):
            raise _StepTimeoutError(f"Step timed out after {timeout}s")
        watch.result()
        raise StepCancelledError(step.name)

    async def _until_cancelled(self) -> None:
        while not self.ctx.cancelled():
            await self._sleep(self.cancel_check_interval)

    def _running(self) -> ExecutionState:
        if self._state is None:
            raise ConfigurationError("no workflow is running; pass initial_state= to run()")
        return self._state


class _StepTimeoutError(TimeoutError):
    """An attempt took too long."""


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, _StepTimeoutError) else f"{type(error).__name__}: {error}"


def _refuse_duplicates(steps: Sequence[Step]) -> None:
    names = [step.name for step in steps]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigurationError(
            f"step names are used twice: {', '.join(map(repr, repeated))}; a checkpoint tells steps apart by name"
        )


def _has_result(task: asyncio.Future[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _result_or_cancellation(step: Step, task: asyncio.Future[Any]) -> Any:
    try:
        return task.result()
    except asyncio.CancelledError as error:
        raise StepCancelledError(step.name) from error


async def _stop(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end even when the caller is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
