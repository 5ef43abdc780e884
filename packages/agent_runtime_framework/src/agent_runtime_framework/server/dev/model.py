"""The model of `agent-runtime dev`: the real one, watched; or the person in front of the page, who plays it."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

from agent_runtime_core.interfaces import JSONObject, LLMResponse, LLMStreamChunk
from agent_runtime_core.logs import log_ids
from agent_runtime_framework.executor.asking import LLMClient
from agent_runtime_framework.server.dev.recorder import Recorder, RequestTrace
from agent_runtime_framework.toolcalls import call_entries


@dataclass(slots=True)
class Waiting:
    """A request that waits for somebody to play the model.

    Attributes:
        conversation_id: Whose.
        step: Where the journey is.
        tools: What may be called.
        requires_call: True if text alone is not what is wanted.
        reply: What was written.
    """

    conversation_id: str
    step: str
    tools: list[JSONObject]
    requires_call: bool
    reply: asyncio.Future[LLMResponse] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Stage:
    """Who plays the model, and with which prompts.

    Attributes:
        is_played: True if a person does.
        waiting: What is asked of that person, by id.
        prompts: The prompts that are tried instead of the journey's own, by conversation and step.
    """

    def __init__(self) -> None:
        self.is_played = False
        self.waiting: dict[str, Waiting] = {}
        self.prompts: dict[tuple[str, str], str] = {}

    def play(self, is_played: bool) -> None:
        """Let a person play from now on, or no longer; what waits then is said to be unanswered."""
        self.is_played = is_played
        if not is_played:
            for waiting in self.waiting.values():
                if not waiting.reply.done():
                    waiting.reply.set_result(_reply("(nobody plays the model any more)", []))

    def answer(self, ask_id: str, text: str, calls: list[JSONObject]) -> bool:
        """Give the model's reply; False if nothing of that id waits."""
        waiting = self.waiting.get(ask_id)
        if waiting is None or waiting.reply.done():
            return False
        waiting.reply.set_result(_reply(text, calls))
        return True

    async def reply(self, tools: list[JSONObject], options: Mapping[str, Any]) -> LLMResponse:
        """What the person answers."""
        ids, ask_id = log_ids(), uuid4().hex
        required = options.get("tool_choice") == "required"
        waiting = Waiting(ids.get("conversation_id", ""), ids.get("step", ""), tools, required)
        self.waiting[ask_id] = waiting
        try:
            return await waiting.reply
        finally:
            del self.waiting[ask_id]


class WatchedModel:
    """A client that tells a recorder of every request.

    It has a `stream`, and whatever else the watched client can do, exactly if that one has it.
    """

    def __init__(self, client: LLMClient, recorder: Recorder, stage: Stage) -> None:
        self._client = client
        self._recorder = recorder
        self._stage = stage

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._stream(found) if name == "stream" and callable(found) else found

    async def generate(
        self, messages: list[JSONObject], *, tools: list[JSONObject] | None = None, **options: Any
    ) -> Any:
        """The reply of the client, or of whoever plays it."""
        asked = _Asked(self._recorder, self._stage, messages, tools)
        if self._stage.is_played:
            return asked.answered(await self._stage.reply(asked.trace.tools, options))
        return asked.answered(await self._client.generate(asked.messages, tools=tools, **options))

    def _stream(self, stream: Callable[..., Any]) -> Callable[..., AsyncIterator[Any]]:
        async def watched(
            messages: list[JSONObject], *, tools: list[JSONObject] | None = None, **options: Any
        ) -> AsyncIterator[Any]:
            asked = _Asked(self._recorder, self._stage, messages, tools)
            if self._stage.is_played:
                reply = asked.answered(await self._stage.reply(asked.trace.tools, options))
                yield LLMStreamChunk(delta=reply.content, message=reply.message, usage={}, finish_reason="stop")
                return
            opened = stream(asked.messages, tools=tools, **options)
            if inspect.isawaitable(opened):
                opened = await opened
            text, calls, usage = "", list[Any](), None
            async for chunk in cast("AsyncIterator[Any]", opened):
                if getattr(chunk, "reset", False):
                    text, calls = "", []
                text += chunk.delta or ""
                calls += call_entries(chunk.tool_calls)
                usage = chunk.usage or usage
                yield chunk
            asked.settle(text, calls, usage)

        return watched


class _Asked:
    """A request that is under way."""

    def __init__(
        self, recorder: Recorder, stage: Stage, messages: list[JSONObject], tools: list[JSONObject] | None
    ) -> None:
        ids = log_ids()
        step = ids.get("step", "")
        prompt = stage.prompts.get((ids.get("conversation_id", ""), step))
        self.messages = messages if prompt is None else _with_prompt(messages, prompt)
        self.trace = RequestTrace(
            step=step,
            prompt=_prompt_of(self.messages),
            messages=self.messages,
            tools=[each["function"] for each in tools or ()],
        )
        self._began = time.perf_counter()
        recorder.asked(ids.get("run_id", ""), self.trace)

    def answered(self, response: Any) -> Any:
        """Note a whole reply."""
        message: Mapping[str, Any] = getattr(response, "message", None) or {}
        usage = getattr(response, "usage", None)
        self.settle(message.get("content") or "", call_entries(message.get("tool_calls")), usage)
        return response

    def settle(self, text: Any, calls: list[Any], usage: Any) -> None:
        """Note what came back."""
        self.trace.ms = round((time.perf_counter() - self._began) * 1000)
        self.trace.usage = dict(usage) if isinstance(usage, Mapping) else {}  # pyright: ignore[reportUnknownArgumentType]
        self.trace.reply = {"text": text if isinstance(text, str) else "", "calls": [_call(each) for each in calls]}


def _call(entry: Mapping[str, Any]) -> JSONObject:
    function = entry.get("function") or entry
    return {"name": function.get("name"), "arguments": function.get("arguments")}


def _prompt_of(messages: list[JSONObject]) -> str:
    content = messages[0].get("content") if messages and messages[0].get("role") == "system" else ""
    if isinstance(content, str):
        return content
    return "\n\n".join(block.get("text", "") for block in cast("list[JSONObject]", content or []))


def _with_prompt(messages: list[JSONObject], prompt: str) -> list[JSONObject]:
    rest = messages[1:] if messages and messages[0].get("role") == "system" else messages
    return [{"role": "system", "content": prompt}, *rest]


def _reply(text: str, calls: list[JSONObject]) -> LLMResponse:
    message: JSONObject = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = [
            {
                "id": f"played_{uuid4().hex[:12]}",
                "type": "function",
                "function": {"name": call["name"], "arguments": _text(call.get("arguments", {}))},
            }
            for call in calls
        ]
    return LLMResponse(message=message)


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)
