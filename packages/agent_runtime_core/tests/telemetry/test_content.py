"""Messages in the form of the conventions."""

import json
from typing import Any

import pytest

from agent_runtime_core.telemetry.content import messages_as_json


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"role": "user", "content": "hi"}, [{"type": "text", "content": "hi"}]),
        ({"role": "assistant", "content": None}, []),
        (
            {"role": "tool", "tool_call_id": "1", "content": "ok"},
            [{"type": "tool_call_response", "id": "1", "response": "ok"}],
        ),
        (
            {
                "role": "user",
                "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {}}, "plain"],
            },
            [{"type": "text", "content": "see"}, {"type": "image_url"}, {"type": "text", "content": "plain"}],
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "1", "name": "save", "arguments": {"password": "hush"}}]},
            [{"type": "tool_call", "id": "1", "name": "save", "arguments": {"password": "***"}}],
        ),
    ],
)
def test_message_becomes_parts(message: dict[str, Any], parts: list[Any]) -> None:
    assert json.loads(messages_as_json([message])) == [{"role": message["role"], "parts": parts}]
