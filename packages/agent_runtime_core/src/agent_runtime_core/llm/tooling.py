"""How a provider is told which tools there are, and which of them may be used now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject

_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


def tool_name(tool: Mapping[str, Any]) -> str:
    """The name a tool is called by, in the chat-completions form or a provider's own."""
    function: object = tool.get("function")
    named = cast("Mapping[str, Any]", function) if isinstance(function, Mapping) else tool
    return str(named.get("name") or "")


def tool_names(tools: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names, in order."""
    return [tool_name(tool) for tool in tools]


def narrowed(tools: Sequence[Mapping[str, Any]], allowed: frozenset[str] | None) -> list[str] | None:
    """The names that may be used now, in the order of the tools; None if that is all of them."""
    if allowed is None:
        return None
    names = tool_names(tools)
    kept = [name for name in names if name in allowed]
    return None if len(kept) == len(names) else kept


def choice_mode(choice: Any) -> str | None:
    """auto, none or required; None where the choice is something else, or absent."""
    return _MODES.get(choice) if isinstance(choice, str) else None


def chosen_tool(choice: Any) -> str | None:
    """The tool a choice forces, by its bare name or in either provider's form; None if it forces none."""
    if isinstance(choice, str):
        return None if choice in _MODES else choice
    return tool_name(choice) or None if isinstance(choice, Mapping) else None  # pyright: ignore[reportUnknownArgumentType]


def chat_tools(
    tools: Sequence[Mapping[str, Any]], choice: Any, allowed: frozenset[str] | None, *, native: bool
) -> JSONObject:
    """`tools` and `tool_choice` of a chat-completions request.

    Args:
        tools: All tools.
        choice: As in `ModelRequest.tool_choice`.
        allowed: As in `ModelRequest.allowed_tools`.
        native: True if the server understands a choice among allowed tools; otherwise the others are left out.
    """
    if not tools:
        return {}  # a choice without tools is refused
    kept = narrowed(tools, allowed)
    if kept is None:
        return {"tools": [*tools], **_chat_choice(choice)}
    if not kept:
        return {"tools": [*tools], "tool_choice": "none"}
    if not native:
        return {"tools": [tool for tool in tools if tool_name(tool) in kept], **_chat_choice(choice)}
    if choice_mode(choice) == "none" or chosen_tool(choice) is not None:
        return {"tools": [*tools], **_chat_choice(choice)}
    names = [{"type": "function", "function": {"name": name}} for name in kept]
    mode = choice_mode(choice) or "auto"
    return {
        "tools": [*tools],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": names}},
    }


def _chat_choice(choice: Any) -> JSONObject:
    if choice is None:
        return {}
    mode = choice_mode(choice)
    if mode is not None:
        return {"tool_choice": mode}
    if isinstance(choice, str):
        return {"tool_choice": {"type": "function", "function": {"name": choice}}}
    return {"tool_choice": choice}
