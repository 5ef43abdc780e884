"""Where an MCP server is, and what may come of asking it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.tools.remote import RemoteTool

Headers: TypeAlias = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""Headers of every request, or a function that is asked for them when a connection is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A server that is started as a process, and spoken to through its standard input and output."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    folder: str | Path | None = None

    @property
    def name(self) -> str:
        """The program it runs, as far as that can be told from its arguments."""
        told = next((each for each in self.arguments if not each.startswith("-")), self.command)
        return PurePath(told).stem or self.command


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A server that is spoken to over HTTP."""

    url: str = field(repr=False)
    headers: Headers | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Its host and port."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """What a call came to.

    Attributes:
        text: What the model is told.
        is_error: True if the tool said that it failed.
    """

    text: str
    is_error: bool = False


class ConnectionLost(Exception):
    """The connection is no more.

    Attributes:
        is_unsent: True if what was asked for surely never left.
    """

    def __init__(self, why: str, *, is_unsent: bool = False) -> None:
        super().__init__(why)
        self.is_unsent = is_unsent


class RefusedByServer(Exception):
    """The server answered with an error of the protocol, or with what is no answer."""


Tools: TypeAlias = dict[str, RemoteTool]
Meta: TypeAlias = JSONObject | None
Changed: TypeAlias = Callable[[], Any]
