"""A history as the offline model reads it: what is being asked, what the person said since, what was called for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject, LLMToolCall
from agent_runtime_core.llm._offline.text import readable

_PENDING = 6
_FAILED = re.compile(r"\W*error\b", re.IGNORECASE)


@dataclass(slots=True)
class Call:
    """A tool call of the history and its result; None while there is none."""

    id: str
    name: str
    arguments: JSONObject
    result: str | None = None

    @property
    def has_failed(self) -> bool:
        """True if the result tells of an error."""
        return self.result is not None and _FAILED.match(self.result) is not None


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the person said.

    Attributes:
        text: Their words.
        question: What was said to them right before; None if theirs was the first word.
        calls: The calls of an earlier turn that were made for it: only what they left over can still be used, and it
            answers no question any more.
    """

    text: str
    question: str | None
    calls: tuple[Call, ...] = ()


@dataclass(slots=True, kw_only=True)
class Dialogue:
    """The parts of a history that matter for the next reply.

    Attributes:
        system: The system prompts.
        utterances: What the person said since the last call that succeeded in an earlier turn, newest first, and
            before it the words for which that call was made.
        calls: The calls of this turn.
        failed: The latest call before this turn, if it failed.
        question: What was said to the person last, before their latest message.
        said: All texts of the person, newest first.
        ids: Every call id that is taken.
        made: The arguments of each tool's last call before this turn that succeeded.
        awaits_reply_to_tool: True if the last message is a tool's result.
    """

    system: str = ""
    utterances: list[Utterance] = field(default_factory=list[Utterance])
    calls: list[Call] = field(default_factory=list[Call])
    failed: Call | None = None
    question: str | None = None
    said: list[str] = field(default_factory=list[str])
    ids: set[str] = field(default_factory=set[str])
    made: dict[str, JSONObject] = field(default_factory=dict[str, JSONObject])
    awaits_reply_to_tool: bool = False

    @property
    def text(self) -> str:
        """The person's latest words."""
        return self.said[0] if self.said else ""

    def take_back(self, name: str) -> None:
        """Read on as if this turn had not called that tool."""
        self.calls = [each for each in self.calls if each.name != name]
        self.awaits_reply_to_tool = self.awaits_reply_to_tool and bool(self.calls)


def read(messages: Sequence[object]) -> Dialogue:
    """Read a history; messages that are none are passed over."""
    reader = _Reader()
    for message in messages:
        if isinstance(message, Mapping):
            reader.take(cast("Mapping[str, Any]", message))
    return reader.dialogue()


class _Reader:
    def __init__(self) -> None:
        self.system: list[str] = []
        self.calls: dict[str, Call] = {}
        self.turn: list[Call] = []
        self.previous: list[Call] = []
        self.made: dict[str, JSONObject] = {}
        self.utterances: list[Utterance] = []
        self.said: list[str] = []
        self.assistant: str | None = None
        self.role = ""

    def take(self, message: Mapping[str, Any]) -> None:
        role, text = str(message.get("role") or ""), readable(message.get("content"))
        match role:
            case "system" | "developer":
                self.system.append(text)
                return
            case "user":
                self._user(text)
            case "assistant":
                self._assistant(message, text)
            case "tool" | "function":
                self._result(message, text)
            case _:
                return
        self.role = role

    def _user(self, text: str) -> None:
        if self.role == "user" and self.utterances:
            last = self.utterances.pop()
            self.utterances.append(Utterance(f"{last.text}\n{text}", last.question))
            self.said[-1] = self.utterances[-1].text
            return
        if any(not call.has_failed for call in self.turn):
            self.utterances = [Utterance(self.utterances[-1].text, None, tuple(self.turn))] if self.utterances else []
        self.made |= {
            call.name: call.arguments for call in self.turn if call.result is not None and not call.has_failed
        }
        if self.turn:
            self.previous = self.turn
        self.turn = []
        self.utterances.append(Utterance(text, self.assistant))
        self.said.append(text)

    def _assistant(self, message: Mapping[str, Any], text: str) -> None:
        for raw in _mappings(message.get("tool_calls")):
            call = LLMToolCall(raw)
            each = Call(call.id, call.name, call.arguments)
            self.calls[each.id] = each
            self.turn.append(each)
        if text.strip():
            self.assistant = text

    def _result(self, message: Mapping[str, Any], text: str) -> None:
        call = self.calls.get(str(message.get("tool_call_id") or ""))
        if call is None:
            open_calls = [each for each in self.turn if each.result is None]
            call = open_calls[0] if open_calls else Call("", str(message.get("name") or ""), {})
            if not open_calls:
                self.turn.append(call)
        call.result = text

    def dialogue(self) -> Dialogue:
        utterances = self.utterances[::-1][:_PENDING]
        if any(not call.has_failed for call in self.turn):
            utterances = utterances[:1]
        last = self.previous[-1] if self.previous else None
        return Dialogue(
            system="\n".join(self.system),
            utterances=utterances,
            calls=self.turn if self.said else [],
            failed=last if last is not None and last.has_failed else None,
            question=utterances[0].question if utterances else self.assistant,
            said=self.said[::-1],
            ids=set(self.calls),
            made=self.made,
            awaits_reply_to_tool=self.role in ("tool", "function"),
        )


def _mappings(value: object) -> list[Mapping[str, Any]]:
    listed = cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()
    return [cast("Mapping[str, Any]", each) for each in listed if isinstance(each, Mapping)]
