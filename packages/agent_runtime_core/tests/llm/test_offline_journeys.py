"""Journeys that the offline model carries to their end, driven by the smallest engine that can."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from agent_runtime_core.interfaces import LLMClient
from agent_runtime_core.llm.offline import OfflineClient

TODAY = date(2026, 11, 24)  # a Tuesday
JSON = dict[str, Any]


def tool(tool_name: str, description: str = "", /, optional: Sequence[str] = (), **properties: JSON) -> JSON:
    required = [name for name in properties if name not in optional]
    schema = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": tool_name, "description": description, "parameters": schema}}


def text(description: str = "", **keywords: Any) -> JSON:
    return {"type": "string", "description": description, **keywords}


def whole(description: str = "", **keywords: Any) -> JSON:
    return {"type": "integer", "description": description, **keywords}


@dataclass(frozen=True)
class Step:
    prompt: str
    tools: Sequence[JSON] = ()


@dataclass
class Talk:
    """One conversation; `act` runs a call and may move `step`."""

    steps: Mapping[str, Step]
    act: Callable[[Talk, str, JSON], str]
    step: str
    client: LLMClient = field(default_factory=lambda: OfflineClient(today=lambda: TODAY))
    history: list[JSON] = field(default_factory=list[JSON])
    calls: list[tuple[str, JSON]] = field(default_factory=list[tuple[str, JSON]])
    memory: JSON = field(default_factory=dict[str, Any])

    async def say(self, words: str | None) -> str:
        if words is not None:
            self.history.append({"role": "user", "content": words})
        for _ in range(10):
            step = self.steps[self.step]
            messages = [{"role": "system", "content": step.prompt}, *self.history]
            response = await self.client.generate(messages, tools=list(step.tools) or None)
            self.history.append(response.message)
            if not response.tool_calls:
                return response.content
            for call in response.tool_calls:
                self._run(call.id, call.name, json.loads(call["function"]["arguments"]))
        raise AssertionError("the model does not come to an end")

    def _run(self, call_id: str, name: str, arguments: JSON) -> None:
        self.calls.append((name, arguments))
        try:
            result = self.act(self, name, arguments)
        except RuntimeError as error:
            result = f"Error executing {name}: {error}"
        self.history.append({"role": "tool", "tool_call_id": call_id, "name": name, "content": result})


def onboarding() -> Talk:
    def act(talk: Talk, name: str, arguments: JSON) -> str:
        talk.memory |= arguments
        if name == "save_name":
            talk.step = "email"
            return f"Great, {arguments['name']}! Now, what's your email?"
        talk.step = "complete"
        return f"Perfect! You're all set, {talk.memory['name']}!"

    save_name = tool("save_name", "Save the user's name", name=text("The user's name"))
    save_email = tool("save_email", "Save the user's email", email=text("The user's email"))
    steps = {
        "welcome": Step("Welcome! Ask for the user's name.", [save_name]),
        "email": Step("Collect the user's email using save_email tool.", [save_email]),
        "complete": Step("Thank the user for completing onboarding."),
    }
    return Talk(steps, act, "welcome")


@pytest.mark.asyncio
async def test_onboarding_ends_with_plain_answers() -> None:
    talk = onboarding()

    replies = [await talk.say(words) for words in ("hi", "I'm Ada Lovelace", "it's ada@example.org, thanks")]

    assert replies == [
        "Welcome! Could you tell me your name?",
        "Great, Ada Lovelace! Now, what's your email?",
        "Perfect! You're all set, Ada Lovelace! Thank you for completing onboarding.",
    ]
    assert talk.memory == {"name": "Ada Lovelace", "email": "ada@example.org"}


@pytest.mark.asyncio
async def test_one_sentence_fills_two_steps() -> None:
    talk = onboarding()

    await talk.say("I'm Ada Lovelace, ada@example.org")

    assert talk.calls == [("save_name", {"name": "Ada Lovelace"}), ("save_email", {"email": "ada@example.org"})]
    assert talk.step == "complete"
