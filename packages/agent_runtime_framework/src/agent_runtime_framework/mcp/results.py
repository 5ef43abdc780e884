"""What a tool of an MCP server returned, as text for the model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from agent_runtime_framework.toolcalls import clean_text
from agent_runtime_framework.tools.remote import cut

NOTHING = "Done."


def told(content: Sequence[Any], structured: object, most: int) -> str:
    """The text of a result; what is no text is named.

    Args:
        content: The blocks of the result.
        structured: The same as JSON, where the server gave that.
        most: How many characters are kept.
    """
    parts = [part for block in content for part in _said(block)]
    text = "\n".join(part for part in parts if part)
    is_all_text = all(getattr(block, "type", "") == "text" for block in content)
    if structured is not None and is_all_text and not _says_the_same(text, structured):
        text = "\n".join(part for part in (text, json.dumps(structured, ensure_ascii=False)) if part)
    return cut(clean_text(text), most) or NOTHING


def _said(block: Any) -> Iterator[str]:
    match getattr(block, "type", ""):
        case "text":
            yield str(block.text)
        case "image" | "audio" as kind:
            yield f"[{kind}: {block.mime_type}, {_size(block.data)}]"
        case "resource_link":
            yield f"[resource: {block.uri}{_called(block)}]"
        case "resource":
            yield from _resource(block.resource)
        case kind:
            yield f"[{kind or 'something unknown'}]"


def _resource(resource: Any) -> Iterator[str]:
    text = getattr(resource, "text", None)
    if text is not None:
        yield f"[resource: {resource.uri}]"
        yield str(text)
        return
    kind = f", {resource.mime_type}" if resource.mime_type else ""
    yield f"[resource: {resource.uri}{kind}, {_size(resource.blob)}]"


def _called(block: Any) -> str:
    return f", {block.title or block.name}" if block.title or block.name else ""


def _size(base64: str) -> str:
    return f"{len(base64) * 3 // 4} bytes"


def _says_the_same(text: str, structured: object) -> bool:
    """True if the text is the JSON, or what a lone value was wrapped in an object for."""
    if not text:
        return False
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return structured == {"result": text}
    return structured in (read, {"result": read}, {"result": text})
