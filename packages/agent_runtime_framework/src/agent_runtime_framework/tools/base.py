"""The base classes of an author's tools, and what a tool may answer with."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeAlias, TypeVar

from agent_runtime_framework.errors import ConfigurationError

__all__ = ["BaseJourneyTools", "BaseTool", "StateChangeCallback", "ToolResult"]

StateT = TypeVar("StateT")

StateChangeCallback: TypeAlias = Callable[[Any], Awaitable[None] | None]
"""Called with the state after it changed; sync or async."""


class BaseTool:
    """A marker for tools that work without a state."""


class BaseJourneyTools(Generic[StateT]):
    """Tools that read and change the state of one conversation.

    Attributes:
        state: The state they work on.
        backend_client: What they reach other systems with, if anything.
        on_state_change: Called by `_notify_state_change`; where it is None, the agent puts its own in.
    """

    def __init__(
        self, state: StateT, backend_client: Any = None, on_state_change: StateChangeCallback | None = None
    ) -> None:
        self.state = state
        self.backend_client = backend_client
        self.on_state_change = on_state_change

    async def _notify_state_change(self) -> None:
        """Say that the state has changed; call it after a change that should be seen or saved at once."""
        if self.on_state_change is not None:
            done = self.on_state_change(self.state)
            if inspect.isawaitable(done):
                await done

    def _require_backend(self) -> Any:
        """The backend client.

        Raises:
            ConfigurationError: There is none.
        """
        if self.backend_client is None:
            name = type(self).__name__
            raise ConfigurationError(f"{name} needs a backend_client; pass one: {name}(state, backend_client=...)")
        return self.backend_client


@dataclass
class ToolResult:
    """What a tool did; as text, it is its `content`.

    Attributes:
        content: What the model is told.
        success: False if the tool could not do it.
        error: What went wrong, then.
        metadata: For the program, never shown to the model.
    """

    content: str
    success: bool = True
    error: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def ok(cls, content: str, **metadata: Any) -> Self:
        """It worked."""
        return cls(content, metadata=metadata)

    @classmethod
    def fail(cls, error: str, **metadata: Any) -> Self:
        """It did not; the model is told `error`."""
        return cls(error, success=False, error=error, metadata=metadata)

    def __str__(self) -> str:
        return self.content
