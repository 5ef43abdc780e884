"""Follows a turn's events onto a screen."""

from __future__ import annotations

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.cli import views
from agent_runtime_framework.cli.reply import Reply
from agent_runtime_framework.cli.screen import Screen
from agent_runtime_framework.cli.spans import printable
from agent_runtime_framework.events import Event


class Transcript:
    """A sink for the events of one turn.

    Args:
        screen: Where to show them.
        is_detailed: Show results of calls that went well, too.
    """

    def __init__(self, screen: Screen, *, is_detailed: bool = False) -> None:
        self._screen = screen
        self._is_detailed = is_detailed
        self._reply = Reply(screen)
        self._arguments: JSONObject = {}

    def push(self, event: Event) -> None:
        payload = event.payload
        match event.type:
            case EventType.ASSISTANT_DELTA:
                self._reply.feed(payload["delta"])
            case EventType.ASSISTANT_RESET:
                self._reply.replace(payload["text"])
            case EventType.ASSISTANT_MESSAGE:
                self._message(payload["content"])
            case EventType.TOOL_CALL:
                self._reply.close()
                self._arguments[payload["tool_call_id"]] = payload["arguments"]
            case EventType.TOOL_RESULT:
                arguments = self._arguments.pop(payload["tool_call_id"], None)
                lines = views.call_done(payload, arguments, self._screen.marks, is_detailed=self._is_detailed)
                self._screen.show(*lines, hanging=6)
            case EventType.TOOL_REFUSED:
                self._reply.close()
                self._screen.show(*views.call_refused(payload, self._screen.marks), hanging=6)
            case EventType.RUN_FAILED | EventType.RUN_CANCELLED | EventType.RUN_SUCCEEDED:
                self._reply.close()
            case _:
                pass

    def _message(self, content: str) -> None:
        """The committed text is the truth; what was streamed was a preview of it."""
        if self._reply.text.strip() != printable(content).strip():
            self._reply.replace(content)
        self._reply.close()
