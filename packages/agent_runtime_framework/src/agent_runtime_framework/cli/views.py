"""What the command line has to say, as lines; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.llm.available import Availability
from agent_runtime_framework.cli.progress import Progress
from agent_runtime_framework.cli.screen import Marks
from agent_runtime_framework.cli.spans import Line, Span, cells, line, one_line, printable
from agent_runtime_framework.memory import StoredMessage
from agent_runtime_framework.store.delivery import Claim, Entry
from agent_runtime_framework.tools.schema import ToolSchema

MESSAGE_CHARS = 300
"""How much of an earlier message a recap shows, in characters."""


def call_text(name: str, arguments: object) -> str:
    """A call as one would write it in Python."""
    given = ", ".join(f"{key}={_value(value)}" for key, value in arguments.items()) if _is_mapping(arguments) else "?"
    return f"{one_line(name, 64)}({one_line(given, 200)})"


def call_done(payload: JSONObject, arguments: object, marks: Marks, *, is_detailed: bool) -> Sequence[Line]:
    """A call that ran."""
    is_ok = payload["ok"]
    head = Span(f"  {marks.done if is_ok else marks.refused} ", "good" if is_ok else "bad")
    lines: list[Line] = [(head, Span(call_text(payload["name"], arguments), "quiet"))]
    if is_detailed or not is_ok:
        lines.append(
            (Span(f"    {marks.arrow} "), Span(one_line(str(payload["result"]), 400), "quiet" if is_ok else "bad"))
        )
    return lines


def call_refused(payload: JSONObject, marks: Marks) -> Sequence[Line]:
    """A call that the engine did not let through."""
    return (
        (Span(f"  {marks.refused} ", "bad"), Span(call_text(payload["name"], payload["arguments"]), "quiet")),
        (Span(f"    {marks.arrow} refused: ", "bad"), Span(one_line(str(payload["reason"]), 600))),
    )


def steps(progress: Progress, offered: Mapping[str, Sequence[ToolSchema]], marks: Marks) -> Sequence[Line]:
    """All steps, one a line, with the tools of each."""
    if not progress.steps:
        return (line("This journey's state has no step.", "quiet"),)
    lines: list[Line] = []
    room = max(cells(step) for step in progress.steps)
    for step in progress.steps:
        tone = "strong" if step == progress.here else "text"
        names = ", ".join(tool.name for tool in offered.get(step, ()))
        lines.append(
            (
                progress.mark(step, marks),
                Span(f" {step}{' ' * (room - cells(step))}", tone),
                Span(f"  {names}", "quiet"),
            )
        )
    return lines


def history(messages: Sequence[StoredMessage], marks: Marks, *, limit: int = 10_000) -> Sequence[Line]:
    """What was said, and what was called for it."""
    lines: list[Line] = []
    for message in messages:
        text = printable(message_text(message.content))
        if message.role == "user":
            lines.append((Span(f"{marks.prompt} {_cut(text, limit)}", "accent"),))
        elif message.role == "assistant":
            lines += [line(each) for each in _cut(text, limit).splitlines()]
            lines += [_called(call, marks) for call in message.tool_calls]
        elif message.role == "tool":
            lines.append((Span(f"    {marks.arrow} "), Span(one_line(text, 200), "quiet")))
    return lines


def recap(messages: Sequence[StoredMessage], marks: Marks) -> Sequence[Line]:
    """The last words of both sides."""
    spoken = [each for each in messages if each.role in ("user", "assistant") and message_text(each.content).strip()]
    plain = [StoredMessage(each.role, message_text(each.content)) for each in spoken[-4:]]
    return history(plain, marks, limit=MESSAGE_CHARS)


def left_over(left: Claim, marks: Marks) -> Sequence[Line]:
    """What was kept of a turn in which the process died, and what nobody knows of it."""
    lines: list[Line] = [line(f"The last process died in the middle of turn {left.turn}. This was kept:", "warn")]
    for body in left.bodies:
        lines.append((Span(f"  {marks.prompt} {_cut(message_text(body.get('content')), MESSAGE_CHARS)}", "accent"),))
    lines += [each for entry in left.entries for each in _kept(entry, marks)]
    lines.append(line("It goes on from there; nothing of it is asked or run again.", "quiet"))
    return lines


def _kept(entry: Entry, marks: Marks) -> Sequence[Line]:
    name = one_line(entry.name or "", 64)
    match entry:
        case Entry(kind="model", outcome=dict() as outcome):
            called = ", ".join(one_line(call["name"], 64) for call in outcome["calls"])
            return (line(f"  {marks.done} the model's reply{f', which calls {called}' if called else ''}", "good"),)
        case Entry(kind="tool", outcome=dict() as outcome):
            done = "done" if outcome["ok"] else "refused, or failed"
            return (line(f"  {marks.done if outcome['ok'] else marks.refused} {name}: {done}", "good"),)
        case Entry(kind="tool", effect="once"):
            unknown = f"  ? {name}: cut off; whether it took effect is unknown. It is not run again,"
            return (line(unknown, "bad"), line("    and the model is told so.", "bad"))
        case Entry(kind="tool"):
            return (
                line(f"  {marks.open} {name}: cut off; it is declared harmless to run again, and runs again", "warn"),
            )
        case _:
            return ()


def tools(offered: Sequence[ToolSchema]) -> Sequence[Line]:
    """The tools that may be called now."""
    if not offered:
        return (line("No tools are offered in this step.", "quiet"),)
    lines: list[Line] = []
    for tool in offered:
        lines.append((Span(signature(tool.to_openai_format()), "accent"), Span(f"  {tool.description}", "quiet")))
    return lines


def local_servers(found: Sequence[Availability]) -> Sequence[Line]:
    """Model servers that answer on this machine, with the words that would use them; they are only offered."""
    return [
        (
            Span(f"{each.says}; to use it: ", "warn"),
            Span(f"--model {each.model}", "accent"),
            Span(" or, here, ", "warn"),
            Span(f"/model {each.model}", "accent"),
        )
        for each in found
        if each.is_ready
    ]


def signature(wire: Mapping[str, Any]) -> str:
    """A tool with its parameters: `save_name(name: string, title?: string)`."""
    function: Mapping[str, Any] = wire.get("function") or wire
    schema: Mapping[str, Any] = function.get("parameters") or {}
    required: Sequence[str] = schema.get("required") or ()
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties") or {}
    parts = [f"{name}{'' if name in required else '?'}: {type_text(each)}" for name, each in properties.items()]
    return f"{function.get('name')}({', '.join(parts)})"


def type_text(schema: Mapping[str, Any]) -> str:
    """What a parameter takes, in few words."""
    if values := schema.get("enum"):
        return " | ".join(map(str, values))
    kind: str | list[str] = schema.get("type", "any")
    return kind if isinstance(kind, str) else " | ".join(map(str, kind))


def state(data: JSONObject) -> Sequence[Line]:
    """A state as JSON."""
    text = json.dumps(data, ensure_ascii=False, indent=2, default=str)
    return [line(printable(each)) for each in text.splitlines()]


def message_text(content: object) -> str:
    """The text of a message; blocks that are no text are named."""
    if isinstance(content, str):
        return content
    blocks = cast("Sequence[object]", content) if isinstance(content, list) else ()
    return " ".join(_block(each) for each in blocks)


def _block(block: object) -> str:
    if not _is_mapping(block):
        return ""
    return str(block.get("text") or f"[{block.get('type', 'block')}]")


def _called(call: JSONObject, marks: Marks) -> Line:
    function: Mapping[str, Any] = call.get("function") or call
    try:
        arguments: object = json.loads(function.get("arguments") or "{}")
    except ValueError:
        arguments = None
    return (Span(f"  {marks.dot} {call_text(str(function.get('name')), arguments)}", "quiet"),)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)
