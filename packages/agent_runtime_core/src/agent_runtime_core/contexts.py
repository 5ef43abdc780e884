"""Run contexts for runs without a server: in memory, and in files that survive the process."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias, cast
from uuid import UUID, uuid4

from agent_runtime_core._snapshot import snapshot, snapshots
from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import EventType, JSONObject, ToolRegistry, conversation_key

logger = logging.getLogger(__name__)

EventCallback: TypeAlias = Callable[[str, JSONObject], Awaitable[None] | None]
"""Called with the type and the payload of each event; sync or async."""


class _LocalRunContext:
    """What the contexts of this module share: identity, input, cancellation, and where an event goes."""

    def __init__(
        self,
        run_id: UUID | None,
        conversation_id: UUID | str | None,
        input_messages: Sequence[Mapping[str, Any]] | None,
        params: Mapping[str, Any] | None,
        metadata: Mapping[str, Any] | None,
        tool_registry: ToolRegistry | None,
        on_event: EventCallback | None,
    ) -> None:
        if conversation_id is not None:
            conversation_key(conversation_id)
        self._run_id = uuid4() if run_id is None else run_id
        self._conversation_id = conversation_id
        self._input_messages = snapshots(input_messages or ())
        self._params = dict(params or {})
        self._metadata = dict(metadata or {})
        self._tool_registry = ToolRegistry() if tool_registry is None else tool_registry
        self._on_event = on_event
        self._cancelled = False

    @property
    def run_id(self) -> UUID:
        """This run."""
        return self._run_id

    @property
    def conversation_id(self) -> UUID | str | None:
        """The conversation the run belongs to, if any."""
        return self._conversation_id

    @property
    def input_messages(self) -> list[JSONObject]:
        """The messages to answer, oldest first."""
        return self._input_messages

    @property
    def params(self) -> JSONObject:
        """Options of this run."""
        return self._params

    @property
    def metadata(self) -> JSONObject:
        """Whatever the host passed along."""
        return self._metadata

    @property
    def tool_registry(self) -> ToolRegistry:
        """Tools the host provides."""
        return self._tool_registry

    def cancel(self) -> None:
        """Ask the run to stop."""
        self._cancelled = True

    def cancelled(self) -> bool:
        """True once `cancel` was called."""
        return self._cancelled

    async def emit(self, event_type: EventType | str, payload: Mapping[str, Any]) -> None:
        """Keep an event and hand it to `on_event`."""
        name = event_type.value if isinstance(event_type, Enum) else event_type
        kept: JSONObject = snapshot(dict(payload))
        self._keep({"event_type": name, "payload": kept, "timestamp": datetime.now(UTC).isoformat()})
        if self._on_event is not None:
            told = self._on_event(name, snapshot(kept))
            if inspect.isawaitable(told):
                await told

    async def emit_user_message(self, content: str) -> None:
        """Report a message to the person, as `assistant.message`."""
        await self.emit(EventType.ASSISTANT_MESSAGE, {"content": content})

    async def emit_error(self, error: str, details: JSONObject | None = None) -> None:
        """Report a problem, as `error`."""
        await self.emit(EventType.ERROR, {"message": error, "details": details or {}})

    def _keep(self, event: JSONObject) -> None:
        raise NotImplementedError


class InMemoryRunContext(_LocalRunContext):
    """A run whose events and checkpoint live as long as this object."""

    def __init__(
        self,
        run_id: UUID | None = None,
        *,
        conversation_id: UUID | str | None = None,
        input_messages: Sequence[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        tool_registry: ToolRegistry | None = None,
        on_event: EventCallback | None = None,
    ) -> None:
        super().__init__(run_id, conversation_id, input_messages, params, metadata, tool_registry, on_event)
        self._events: list[JSONObject] = []
        self._state: JSONObject | None = None

    @property
    def events(self) -> list[JSONObject]:
        """What was emitted so far: dicts of `event_type`, `payload` and `timestamp`."""
        return list(self._events)

    def clear_events(self) -> None:
        """Forget the events; the state stays."""
        self._events.clear()

    async def checkpoint(self, state: Mapping[str, Any]) -> None:
        """Keep a snapshot of `state`."""
        self._state = snapshot(dict(state))

    async def get_state(self) -> JSONObject | None:
        """A copy of the last checkpoint, or None."""
        return snapshot(self._state)

    def _keep(self, event: JSONObject) -> None:
        self._events.append(event)


class FileRunContext(_LocalRunContext):
    """A run that can be taken up again by another process that knows its `run_id`.

    The folder holds `<run_id>.json`, replaced as a whole at each checkpoint, and `<run_id>_events.jsonl`, one
    event a line. A checkpoint is on the disk when `checkpoint` returns; events are not waited for.
    """

    def __init__(
        self,
        run_id: UUID | None = None,
        *,
        checkpoint_dir: str | Path = "./checkpoints",
        conversation_id: UUID | str | None = None,
        input_messages: Sequence[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        tool_registry: ToolRegistry | None = None,
        on_event: EventCallback | None = None,
    ) -> None:
        # The id becomes a file name, so nothing but a UUID will do.
        run_id = None if run_id is None else UUID(str(run_id))
        super().__init__(run_id, conversation_id, input_messages, params, metadata, tool_registry, on_event)
        folder = Path(checkpoint_dir)
        folder.mkdir(parents=True, exist_ok=True)
        self._state_file = folder / f"{self._run_id}.json"
        self._events_file = folder / f"{self._run_id}_events.jsonl"
        self._file_lock = threading.Lock()
        self._asked = 0
        self._written = 0

    async def checkpoint(self, state: Mapping[str, Any]) -> None:
        """Write `state` to the disk.

        Raises:
            ConfigurationError: It holds something that is no JSON.
        """
        document = {"run_id": str(self._run_id), "state": state, "updated_at": datetime.now(UTC).isoformat()}
        try:
            text = json.dumps(document, default=_as_json)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"the state cannot be kept as JSON: {error}; keep plain values in it") from error
        self._asked += 1
        await asyncio.to_thread(self._write, text, self._asked)

    async def get_state(self) -> JSONObject | None:
        """The last checkpoint of this `run_id`, or None if there is none that can be read."""
        return await asyncio.to_thread(self._read)

    def get_events(self) -> list[JSONObject]:
        """The events of this `run_id`, those of earlier processes included."""
        if not self._events_file.exists():
            return []
        lines = self._events_file.read_text(encoding="utf-8").splitlines()
        return [event for line in lines if (event := _object_or_none(line)) is not None]

    def clear(self) -> None:
        """Delete the checkpoint and the events."""
        with self._file_lock:
            self._state_file.unlink(missing_ok=True)
            self._events_file.unlink(missing_ok=True)

    def _write(self, text: str, number: int) -> None:
        with self._file_lock:
            if number < self._written:
                # A cancelled `checkpoint` leaves its thread running; it must not undo a later one.
                return
            self._written = number
            temporary = self._state_file.with_suffix(".tmp")
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._state_file)

    def _read(self) -> JSONObject | None:
        try:
            document = json.loads(self._state_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("the checkpoint %s cannot be read (%s); starting without", self._state_file, error)
            return None
        state: object = cast("JSONObject", document).get("state") if isinstance(document, dict) else None
        if not isinstance(state, dict):
            logger.warning("the checkpoint %s holds no state; starting without", self._state_file)
            return None
        return cast("JSONObject", state)

    def _keep(self, event: JSONObject) -> None:
        line = json.dumps(event, default=str) + "\n"
        with self._file_lock, self._events_file.open("a", encoding="utf-8") as file:
            file.write(line)


def _as_json(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"found {value!r}, of type {type(value).__name__}")


def _object_or_none(line: str) -> JSONObject | None:
    try:
        event = json.loads(line)
    except ValueError:
        # The process died while it wrote the line.
        return None
    return cast("JSONObject", event) if isinstance(event, dict) else None
