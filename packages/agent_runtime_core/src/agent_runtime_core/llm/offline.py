"""A model without a model: rules that read the step's prompt and the offered tools, and answer from the person's words.

It needs no key and no network, says the same each time, and never makes up an argument: what the person did not say, it
asks for. English, German and Spanish; the words are data files in `_offline/languages`.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject, LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_core.llm._offline.constraints import Problem
from agent_runtime_core.llm._offline.decide import Bid, Decision, decide
from agent_runtime_core.llm._offline.dialogue import Dialogue, read
from agent_runtime_core.llm._offline.evidence import Context, fill
from agent_runtime_core.llm._offline.found import Reading
from agent_runtime_core.llm._offline.language import Language, consists_of, detect, load
from agent_runtime_core.llm._offline.offers import Offer, offers_of
from agent_runtime_core.llm._offline.prompt import spoken
from agent_runtime_core.llm._offline.questions import ask_for
from agent_runtime_core.llm._offline.reply import Situation, compose, explained, why_key
from agent_runtime_core.llm._offline.schema import parameter
from agent_runtime_core.llm._offline.text import readable

__all__ = ["OfflineClient", "find_value", "objection", "question", "says"]

_WAY_OUT, _REPLY = "no_answer", "reply"
_CHUNK = re.compile(r"\s*\S+\s*")


class OfflineClient(LLMClient):
    """The offline model: deterministic, rule-based, and honest about it.

    `tool_choice` is honoured: "none" calls nothing; a named function is the only one considered; "required" and a named
    function let a tool without required parameters run without having been mentioned. A required argument that the
    person has not given is asked for even then. Where a call is required and nothing fits, its words go into a tool
    that is there for words, if one is offered: `no_answer`, whose one argument is `reply`.

    Attributes:
        model: "offline".
    """

    model = "offline"

    def __init__(self, *, today: Callable[[], date] | None = None) -> None:
        """Make a client; `today` is what "tomorrow" counts from."""
        self._today = today or _local_date

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
        """Answer `messages`; the token counts in `usage` are estimates, a quarter of the characters."""
        dialogue = read(messages)
        offers = offers_of(tools)
        message = self._reply(dialogue, offers, kwargs.get("tool_choice"))
        usage = _estimated_usage(messages, tools, message)
        finish_reason = "tool_calls" if message.get("tool_calls") else "stop"
        return LLMResponse(message=message, usage=usage, model=self.model, finish_reason=finish_reason)

    async def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[LLMStreamChunk]:
        """The reply of `generate`, word by word; calls, finish reason and usage come with the last chunk."""
        response = await self.generate(messages, tools=tools, **kwargs)
        for piece in _CHUNK.findall(response.content):
            yield LLMStreamChunk(delta=piece)
        calls = cast("list[JSONObject] | None", response.message.get("tool_calls"))
        yield LLMStreamChunk(tool_calls=calls, finish_reason=response.finish_reason, usage=response.usage)

    def _reply(self, dialogue: Dialogue, offers: Sequence[Offer], tool_choice: object) -> JSONObject:
        named = _named_function(tool_choice)
        way_out = next((each for each in offers if _is_for_words(each)), None)
        offers = [each for each in offers if each is not way_out]
        considered = [each for each in offers if each.name == named] if named else list(offers)
        language = detect(dialogue.said, otherwise=dialogue.system)
        if way_out is not None:
            dialogue.take_back(way_out.name)
        must = bool(named) or (way_out is None and tool_choice in ("required", "any"))
        decision = Decision()
        if dialogue.said or must:
            decision = decide(dialogue, considered, language, self._today(), must=must)
        if decision.call and tool_choice != "none":
            return _calling(dialogue, *decision.call)
        bids = self._open_bids(dialogue, decision, considered, language)
        said = spoken(dialogue.system, [each.name for each in offers])
        situation = Situation(
            dialogue=dialogue,
            bids=bids,
            spoken=said,
            language=language,
            offers=offers,
            is_arriving=tool_choice == "none",
        )
        words = compose(situation)
        if way_out is not None and tool_choice in ("required", "any"):
            return _calling(dialogue, way_out.name, {_REPLY: words})
        return {"role": "assistant", "content": words}

    def _open_bids(
        self, dialogue: Dialogue, decision: Decision, offers: Sequence[Offer], language: Language
    ) -> list[Bid]:
        """What can be asked for; a tool that was just called starts afresh."""
        called = {call.name for call in dialogue.calls if not call.has_failed}
        fresh = decide(Dialogue(), [each for each in offers if each.name in called], language, self._today()).bids
        if decision.bids or not offers:
            return [*fresh, *(bid for bid in decision.bids if bid.offer.name not in called)]
        return decide(Dialogue(), offers, language, self._today()).bids


def find_value(
    schema: Mapping[str, Any],
    name: str,
    text: str,
    *,
    question: str | None = None,
    language: str | None = None,
    today: date | None = None,
) -> Any:
    """The value for a parameter that a person's words hold, as JSON for its schema; None if they hold none.

    Args:
        schema: The parameter's JSON Schema; its own `$defs` are followed.
        name: What the parameter is called; it helps to tell the kind of value.
        text: What the person said.
        question: What they were asked. With it, the text counts as the answer to a question for this very parameter;
            without it, only what the text shows by itself counts.
        language: "en", "de" or "es"; by default told from the text, then from the question.
        today: What "tomorrow" counts from; by default the local date.
    """
    text = readable(text)
    chosen = load(language) if language else detect([text], otherwise=question or "")
    wanted = parameter(name, schema, required=True)
    context = Context(today=today or _local_date(), asked=frozenset([name]) if question is not None else frozenset())
    return fill([wanted], Reading(text, chosen), context).values.get(name)


def question(schema: Mapping[str, Any], name: str, *, language: str = "en") -> str:
    """The question for a parameter, in words fit for a person; choices are named in it.

    Args:
        schema: The parameter's JSON Schema; a description in it is used.
        name: What the parameter is called.
        language: "en", "de" or "es".
    """
    return ask_for([parameter(name, schema, required=True)], load(language))


def objection(
    schema: Mapping[str, Any], name: str, *, limit: tuple[str, object] | None = None, language: str = "en"
) -> str:
    """Why an answer is none, in words fit for a person.

    Args:
        schema: The parameter's JSON Schema.
        name: What the parameter is called.
        limit: The JSON Schema keyword that it breaks, with its value; without one, it is no such value at all.
        language: "en", "de" or "es".
    """
    chosen = load(language)
    if limit is not None:
        return explained(Problem(*limit), chosen)
    return explained(Problem(why_key(parameter(name, schema, required=True))), chosen)


def says(text: str, *, language: str | None = None) -> bool | None:
    """True if a message is a yes and nothing else, False if it is a no; None for everything else."""
    text = readable(text)
    chosen = load(language) if language else detect([text])
    for answer, lists in ((False, ("no", "unknown")), (True, ("yes",))):
        if consists_of(text, chosen, lists[0], "thanks", *lists[1:]):
            return answer
    return None


def _is_for_words(offer: Offer) -> bool:
    return offer.name == _WAY_OUT and [each.name for each in offer.parameters] == [_REPLY]


def _local_date() -> date:
    return datetime.now().astimezone().date()


def _named_function(tool_choice: object) -> str:
    if not isinstance(tool_choice, Mapping):
        return ""
    choice = cast("Mapping[str, Any]", tool_choice)
    function = choice.get("function")
    source = cast("Mapping[str, Any]", function) if isinstance(function, Mapping) else choice
    name = source.get("name")
    return name if isinstance(name, str) else ""


def _calling(dialogue: Dialogue, name: str, arguments: JSONObject) -> JSONObject:
    number = len(dialogue.ids) + 1
    while f"call_{number}" in dialogue.ids:
        number += 1
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _estimated_usage(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None, message: JSONObject
) -> JSONObject:
    prompt = sum(4 + len(str(each)) // 4 for each in messages) + sum(len(str(each)) // 4 for each in tools or ())
    completion = 1 + len(str(message.get("content") or message.get("tool_calls"))) // 4
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
