"""From a conversation that was held to a scenario that holds it again.

The scenario does without a script where the offline model brings the same calls and the same state. Otherwise it holds
what the model answered, so that it passes whoever the model was.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject, LLMResponse
from agent_runtime_framework.agents.making import Agent
from agent_runtime_framework.errors import AgentRuntimeError, ConfigurationError
from agent_runtime_framework.executor.asking import LLMClient
from agent_runtime_framework.messages import text_of
from agent_runtime_framework.testing.conversation.record import Exchange
from agent_runtime_framework.testing.conversation.talk import Talk
from agent_runtime_framework.testing.conversation.visible import MASK, is_same
from agent_runtime_framework.testing.scenarios.reading import read_scenarios
from agent_runtime_framework.testing.scenarios.running import run_scenario
from agent_runtime_framework.testing.scenarios.writing import scenarios_text, target_from
from agent_runtime_framework.testing.scripted import ScriptError


@dataclass(slots=True)
class Said:
    """One turn of a stored conversation.

    Attributes:
        text: What the person said.
        answers: The assistant's messages, in order.
    """

    text: str
    answers: list[JSONObject] = field(default_factory=list[JSONObject])

    @property
    def calls(self) -> list[tuple[str, JSONObject]]:
        """What was called, with the arguments."""
        return [_call(each) for answer in self.answers for each in answer.get("tool_calls") or ()]


def save_scenario(
    path: Path, target: str, load: Callable[[], Agent], messages: Sequence[Mapping[str, Any]], state: JSONObject
) -> bool:
    """Write a conversation as a scenario file that passes.

    Args:
        path: Where to; an existing file is not touched.
        target: The agent, as the command line names it.
        load: Makes that agent.
        messages: The stored conversation, in wire form.
        state: What it came to, as `visible_state` gives it.

    Returns:
        True if the offline model can hold it; False if what the model said is part of the file.

    Raises:
        ConfigurationError: The file exists, nothing was said, or the conversation cannot be held again; the text says
            why.
    """
    if path.exists():
        raise ConfigurationError(f"{path} exists already; name another file")
    turns = _turns_of(messages)
    if not turns:
        raise ConfigurationError("nothing was said yet, so there is nothing to save")
    if any(MASK in turn.text for turn in turns):
        raise ConfigurationError(
            "what the person said holds answers that are not stored in clear; write the test by hand"
        )
    scenario = _held_again(turns, load, None, state)
    is_offline = scenario is not None
    if scenario is None:
        replay = _Replay(turns)
        scenario = _held_again(turns, load, replay, state)
    if scenario is None:
        raise ConfigurationError(
            "held again, the conversation went another way: its tools, or its beginning, are not the same"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    text = scenarios_text(
        target_from(target, path.parent), [{"name": _name(path), **scenario}], "A conversation, as it was held."
    )
    path.write_text(text, encoding="utf-8")
    try:
        run_scenario(read_scenarios(path).scenarios[0])
    except (AgentRuntimeError, AssertionError) as error:
        path.unlink()
        raise ConfigurationError(f"the test does not pass, so it was not kept: {error}") from error
    return is_offline


def _turns_of(messages: Sequence[Mapping[str, Any]]) -> list[Said]:
    turns: list[Said] = []
    for message in messages:
        if message.get("role") == "user":
            turns.append(Said(text_of(message.get("content"))))
        elif message.get("role") == "assistant" and turns:
            turns[-1].answers.append(dict(message))
    return turns


def _held_again(
    turns: Sequence[Said], load: Callable[[], Agent], replay: _Replay | None, state: JSONObject
) -> JSONObject | None:
    """The scenario, if the conversation went the same way again."""
    with _talk(load(), replay) as talk:
        written: list[JSONObject] = []
        for number, turn in enumerate(turns):
            if replay is not None:
                replay.begin(number)
            try:
                talk(turn.text)
            except (AgentRuntimeError, ScriptError):
                return None
            if not _went_the_same_way(turn, talk.last):
                return None
            written.append(_written(turn, talk, replay))
        same = {name: value for name, value in state.items() if _has(talk.visible, name, value)}
        # A value that differs comes from outside: a clock, a number that was drawn, somebody else's service.
        if len(same) * 2 < len(state):
            return None
        expect: JSONObject = {"path": talk.path, "state": same, "final": talk.is_over}
        return {"turns": written, "expect": expect}


def _talk(agent: Agent, replay: _Replay | None) -> Talk[Any]:
    from agent_runtime_core.llm.offline import OfflineClient

    agent = copy.copy(agent)
    agent.memory = None  # the conversation's own store is left alone
    return Talk(agent, cast("LLMClient", replay or OfflineClient()))


def _went_the_same_way(turn: Said, exchange: Exchange) -> bool:
    """True if the same was called in the same order, whether it ran or was refused."""
    made = [(each.name, each.arguments) for each in exchange.calls]
    refused = [(each.name, each.arguments) for each in exchange.refused]
    return sorted(map(repr, made + refused)) == sorted(map(repr, turn.calls))


def _written(turn: Said, talk: Talk[Any], replay: _Replay | None) -> JSONObject:
    exchange = talk.last
    expect: JSONObject = {"step": talk.step_name}
    if called := [{each.name: dict(each.arguments)} for each in exchange.calls if each.ok]:
        expect["called"] = called
    if refused := [each.name for each in exchange.refused]:
        expect["refused"] = refused
    written: JSONObject = {"user": turn.text}
    if replay is not None and replay.used:
        written["model"] = [_lines(each) for each in replay.used]
    return {**written, "expect": expect}


def _has(found: JSONObject, name: str, value: Any) -> bool:
    return name in found and (found[name] == value or is_same(value, found[name]))


def _lines(message: JSONObject) -> JSONObject | list[JSONObject]:
    parts: list[JSONObject] = [{"say": text}] if (text := text_of(message.get("content"))) else []
    parts += [{"call": name, "with": arguments} for name, arguments in map(_call, message.get("tool_calls") or ())]
    return parts[0] if len(parts) == 1 else parts


def _call(wire: Mapping[str, Any]) -> tuple[str, JSONObject]:
    return wire["function"]["name"], json.loads(wire["function"]["arguments"])


def _name(path: Path) -> str:
    return path.name.partition(".")[0].replace("_", " ").replace("-", " ")


class _Replay:
    """A model that answers as it is stored, and notes what of it was the model's: code says things, too.

    Attributes:
        used: Its answers in the present turn.
    """

    def __init__(self, turns: Sequence[Said]) -> None:
        self._turns = turns
        self._turn = turns[0]
        self.used: list[JSONObject] = []

    def begin(self, number: int) -> None:
        """A turn begins."""
        self._turn = self._turns[number]
        self.used = []

    async def generate(
        self, messages: Sequence[Mapping[str, Any]], *, tools: Sequence[Mapping[str, Any]] | None = None, **kwargs: Any
    ) -> LLMResponse:
        """The stored answer to this very request."""
        asked = [i for i, each in enumerate(messages) if each.get("role") == "user"]
        said = [i for i in asked if text_of(messages[i].get("content")) == self._turn.text]
        since = (said or asked or [0])[-1]
        number = sum(each.get("role") == "assistant" for each in messages[since:])
        if number >= len(self._turn.answers):
            raise ScriptError(
                f"the conversation holds {number} answers to {self._turn.text!r}, and one more was needed"
            )
        answer = self._turn.answers[number]
        self.used.append(answer)
        message: JSONObject = {
            "role": "assistant",
            "content": answer.get("content"),
            "tool_calls": answer.get("tool_calls") or None,
        }
        return LLMResponse(message=message, usage={}, model="stored", finish_reason="stop")
