"""What every model client that stands in front of another one needs."""

from __future__ import annotations

from abc import ABC
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agent_runtime_core.interfaces import LLMClient, LLMStreamChunk


class ClientWrapper(LLMClient, ABC):
    """A client that passes on to another; what that one offers beyond the interface stays within reach."""

    def __init__(self, client: LLMClient) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Any:
        if name == "client":  # a copy that is being made has no client yet
            raise AttributeError(name)
        return getattr(self.client, name)

    def _model(self, asked: str | None) -> str:
        """The model a request goes to, as far as one can tell before the answer."""
        return asked or str(getattr(self.client, "default_model", None) or "")


def given(**options: Any) -> dict[str, Any]:
    """The options that say something, so that a client of few parameters is not sent what nobody asked for."""
    return {name: value for name, value in options.items() if value is not None and value is not False}


@asynccontextmanager
async def closing(stream: AsyncIterator[LLMStreamChunk]) -> AsyncGenerator[AsyncIterator[LLMStreamChunk], None]:
    """The stream, closed at the end of the block if it can be."""
    try:
        yield stream
    finally:
        aclose = getattr(stream, "aclose", None)
        if aclose is not None:
            await aclose()
