"""A person as the model: sees what a model is sent, and answers with a text or with any call.

A call may name a tool that is not offered, and arguments that do not fit: it is the engine that decides, and the
conversation shows what it lets through and what it refuses.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject, LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_framework.cli import views
from agent_runtime_framework.cli.progress import tools_by_step
from agent_runtime_framework.cli.screen import Question, Screen
from agent_runtime_framework.cli.spans import Line, Span, line, one_line, printable
from agent_runtime_framework.cli.targets import Agent

_HELP = (
    "A text is your reply. A number or a tool's name calls it; you are then asked for its arguments.",
    'All at once: save_name {"name": "Ada"}. Anything in braces is sent as it is, wrong or right.',
    "/call NAME {...} calls a tool that does not exist at all.",
)


class PersonClient(LLMClient):
    """Asks the person at the screen for every reply.

    Args:
        screen: Where they sit.
        agent: Whose tools can be picked: those of every step, also where they are not offered.
    """

    model = "me"

    def __init__(self, screen: Screen, agent: Agent) -> None:
        self._screen = screen
        self._agent = agent
        self._requests = 0
        self._calls = 0

    async def generate(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        stream: bool = False,
        tools: Sequence[Mapping[str, Any]] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        **kwargs: Any,
    ) -> LLMResponse:
        """What the person decides."""
        offered = {str(each["function"]["name"]): each for each in tools or ()}
        self._requests += 1
        known = self._show(messages, offered)
        try:
            message = await self._decide(known)
        except (KeyboardInterrupt, EOFError) as error:
            # Whoever plays the model and leaves cancels the turn; the conversation stays as it was.
            raise asyncio.CancelledError("the person who played the model left") from error
        return LLMResponse(message=message, model=self.model, finish_reason="stop")

    async def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[LLMStreamChunk]:
        """The same, in one piece."""
        response = await self.generate(messages, tools=tools, **kwargs)
        calls = cast("list[JSONObject] | None", response.message.get("tool_calls"))
        yield LLMStreamChunk(delta=response.content, tool_calls=calls, finish_reason="stop")

    def _show(
        self, messages: Sequence[Mapping[str, Any]], offered: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Mapping[str, Any]]:
        """Print the request; returns every tool that can be picked, the offered ones first."""
        rule = self._screen.marks.rule * 3
        last: Mapping[str, Any] = messages[-1] if messages else {}
        lines: list[Line] = [line(f"{rule} you are the model: request {self._requests} {rule}", "accent")]
        for message in messages:
            if message.get("role") == "system":
                lines += _labelled("prompt", views.message_text(message.get("content")))
        lines += _labelled(_speaker(last), views.message_text(last.get("content")))
        known = dict(offered)
        names = list(offered)
        lines += [_choice(index, each) for index, each in enumerate(offered.values(), 1)]
        if not offered:
            lines.append(line("offered   no tools in this step", "quiet"))
        for step, schemas in tools_by_step(self._agent, self._agent.get_initial_state()).items():
            for wire in (each.to_openai_format() for each in schemas):
                name = str(wire["function"]["name"])
                if name not in known:
                    known[name] = wire
                    names.append(name)
                    lines.append(_choice(len(names), wire, step))
        self._screen.show(*lines, hanging=10)
        return known

    async def _decide(self, known: Mapping[str, Mapping[str, Any]]) -> JSONObject:
        calls: list[JSONObject] = []
        while True:
            answer = (await self._ask("model", _prompt(calls), [*known, "/help", "/call "])).strip()
            if answer == "/help":
                self._screen.show(*(line(each, "quiet") for each in _HELP))
                continue
            if not answer and not calls:
                self._screen.show(line("An empty reply is sent; /help says what else there is.", "quiet"))
            called = _read_call(answer, list(known))
            if called is None:
                return {
                    "role": "assistant",
                    "content": answer or ("" if not calls else None),
                    "tool_calls": calls or None,
                }
            name, raw = called
            calls.append(self._call(name, raw or await self._arguments(known.get(name))))

    async def _arguments(self, wire: Mapping[str, Any] | None) -> str:
        """The arguments as JSON text, asked for one by one; text in braces is taken for all of them."""
        if wire is None:
            return await self._ask("json", "  arguments (JSON): ") or "{}"
        schema: Mapping[str, Any] = wire["function"].get("parameters") or {}
        properties: Mapping[str, Mapping[str, Any]] = schema.get("properties") or {}
        required: Sequence[str] = schema.get("required") or ()
        given: JSONObject = {}
        for name, each in properties.items():
            needed = "" if name in required else ", optional"
            answer = await self._ask("argument", f"  {name} ({views.type_text(each)}{needed}): ")
            if answer.lstrip().startswith("{") and each.get("type") != "object":
                return answer
            if answer:
                given[name] = _value(answer, each)
        return json.dumps(given, ensure_ascii=False)

    async def _ask(self, name: str, prompt: str, words: Sequence[str] = ()) -> str:
        return await self._screen.ask_within(Question(prompt=prompt, name=name, words=words))

    def _call(self, name: str, arguments: str) -> JSONObject:
        self._calls += 1
        function = {"name": name, "arguments": arguments}
        return {"id": f"call_me_{self._requests}_{self._calls}", "type": "function", "function": function}


def _prompt(calls: Sequence[JSONObject]) -> str:
    return "another call, or Enter to send: " if calls else "reply as the model: "


def _read_call(answer: str, names: Sequence[str]) -> tuple[str, str] | None:
    """A tool's name and, if they were typed along, its arguments; None if the answer is a text."""
    text = answer.removeprefix("/call").lstrip() if answer.startswith("/call ") else answer
    head, _, rest = text.partition("{")
    head = head.strip()
    raw = "{" + rest if rest or text.endswith("{") else ""
    if head.isdigit() and 0 < int(head) <= len(names):
        return names[int(head) - 1], raw
    if head in names or (text is not answer and head):
        return head, raw
    return None


def _value(answer: str, schema: Mapping[str, Any]) -> Any:
    """A typed answer as JSON; what cannot be read is sent as text, for the engine to refuse."""
    if schema.get("type", "string") == "string":
        return answer
    try:
        return json.loads(answer)
    except ValueError:
        return {"true": True, "yes": True, "false": False, "no": False}.get(answer.lower(), answer)


def _labelled(label: str, text: str) -> list[Line]:
    rows = printable(text).splitlines() or [""]
    return [(Span(f"{label if index == 0 else '':<10}", "quiet"), Span(row)) for index, row in enumerate(rows)]


def _speaker(message: Mapping[str, Any]) -> str:
    return {"user": "person", "tool": "result"}.get(str(message.get("role")), "last")


def _choice(number: int, wire: Mapping[str, Any], step: str = "") -> Line:
    description = one_line(str(wire["function"].get("description") or ""), 80)
    label = f"{number:>3}  " if step else f"offered {number:>1} " if number == 1 else f"{number:>9} "
    if step:
        return (
            Span(f"{number:>9} ", "quiet"),
            Span(views.signature(wire), "quiet"),
            Span(f"  not offered: of step {step}", "warn"),
        )
    return (Span(label, "quiet"), Span(views.signature(wire), "accent"), Span(f"  {description}", "quiet"))
