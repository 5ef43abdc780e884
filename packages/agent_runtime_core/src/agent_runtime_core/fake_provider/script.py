"""What a `FakeProvider` is told to answer, and what it remembers of being asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from agent_runtime_core.interfaces import JSONObject


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call in a scripted reply.

    Attributes:
        name: The tool.
        arguments: The JSON text, sent as it is, sound or not.
        id: Made up by the provider when empty.
    """

    name: str
    arguments: str = "{}"
    id: str = ""


def call(name: str, /, **arguments: Any) -> Call:
    """A tool call with these arguments.

    >>> call("save_name", name="Ada").arguments
    '{"name": "Ada"}'
    """
    return Call(name, json.dumps(arguments, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that gets no reply.

    Attributes:
        status: The HTTP status of the error answer.
        message: The provider's text.
        code: The provider's error code or type.
        retry_after: Seconds, sent as the header.
        headers: More headers.
        kind: `status` answers with the error; `reset` breaks the connection; `hang` never answers; `empty` answers 200
            with nothing in it; `html` answers 200 with a web page, as a captive portal does.
    """

    status: int = 500
    message: str = "scripted fault"
    code: str = ""
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    kind: Literal["status", "reset", "hang", "empty", "html"] = "status"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model, and how badly it is delivered.

    Attributes:
        text: What it says.
        calls: The tools it asks for, in parallel.
        finish: Why it stopped, in the protocol's own word; worked out when empty.
        prompt_tokens: As reported.
        completion_tokens: As reported.
        cached_tokens: Of the prompt, read from the provider's cache.
        reasoning_tokens: Of the completion.
        reasoning: What it thought before; sent as thinking blocks, Anthropic only.
        piece: Characters of text, or of arguments, in one streamed event.
        held: True keeps the first byte back until `FakeProvider.release`.
        cut_at: The connection ends after that many bytes of the body.
        cut: `abrupt` breaks the transfer, `clean` ends it as if that had been all (as proxies do).
        garbled_at: The streamed event of that index is not JSON; unstreamed, any value garbles the body.
        breaks_off: A stream sends this error behind the text and the calls, instead of its end.
    """

    text: str = ""
    calls: Sequence[Call] = ()
    finish: str = ""
    prompt_tokens: int = 10
    completion_tokens: int = 20
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    reasoning: str = ""
    piece: int = 8
    held: bool = False
    cut_at: int | None = None
    cut: Literal["abrupt", "clean"] = "abrupt"
    garbled_at: int | None = None
    breaks_off: Fault | None = None


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it came in.

    Attributes:
        method: The HTTP method.
        path: The path, without the address.
        headers: By lower-case name.
        body: The JSON body; empty for a GET.
        connection: Which connection it came on, counted from 0.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: JSONObject
    connection: int

    @property
    def is_stream(self) -> bool:
        """True if a streamed answer was asked for."""
        return self.body.get("stream") is True


Responder: TypeAlias = Callable[[RecordedRequest], Reply | Fault]
"""Answers a request the script says nothing about."""
