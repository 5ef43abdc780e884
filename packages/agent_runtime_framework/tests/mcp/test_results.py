"""What the model is told of a result."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from agent_runtime_framework.mcp.results import told


def text(words: str) -> TextContent:
    return TextContent(type="text", text=words)


@pytest.mark.parametrize(
    ("content", "structured", "said"),
    [
        ([text("one"), text("two")], None, "one\ntwo"),
        ([], None, "Done."),
        ([], {"degrees": 21}, '{"degrees": 21}'),
        ([text('{"degrees":21}')], {"degrees": 21}, '{"degrees":21}'),
        ([text("sunny")], {"result": "sunny"}, "sunny"),
        ([text("3")], {"result": 3}, "3"),
        ([text("Warm.")], {"degrees": 21}, 'Warm.\n{"degrees": 21}'),
        (
            [ImageContent(type="image", data="aGFsbG8=", mime_type="image/png")],
            {"result": "aGFsbG8="},
            "[image: image/png, 6 bytes]",
        ),
        ([AudioContent(type="audio", data="aGFsbG8=", mime_type="audio/wav")], None, "[audio: audio/wav, 6 bytes]"),
        ([ResourceLink(type="resource_link", uri="file:///a.txt", name="a")], None, "[resource: file:///a.txt, a]"),
        (
            [EmbeddedResource(type="resource", resource=TextResourceContents(uri="file:///a.txt", text="inside"))],
            None,
            "[resource: file:///a.txt]\ninside",
        ),
        (
            [EmbeddedResource(type="resource", resource=BlobResourceContents(uri="file:///a.bin", blob="aGFsbG8="))],
            None,
            "[resource: file:///a.bin, 6 bytes]",
        ),
        ([text("nul\x00")], None, "nul\ufffd"),
    ],
)
def test_a_result_is_told_as_text(content: list[Any], structured: Any, said: str):
    assert told(content, structured, 1_000) == said


def test_a_long_result_is_cut():
    assert told([text("x" * 50)], None, 10) == "x" * 10 + "… [cut: 10 of 50 characters]"
