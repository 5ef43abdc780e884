"""The tools of a request, and how far the person's words speak for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from agent_runtime_core.llm._offline.found import MOST_FOUND, Reading
from agent_runtime_core.llm._offline.language import CODES, Language, load
from agent_runtime_core.llm._offline.schema import Parameter, as_object, parameters_of
from agent_runtime_core.llm._offline.text import find_phrases, readable, stem, stems_of

_NAMED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A tool the model may call.

    Attributes:
        name: Its name.
        description: What its author says of it.
        parameters: Its parameters, understood.
        stems: Stems of the words of its name, in order.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    stems: tuple[str, ...]

    @property
    def required(self) -> tuple[Parameter, ...]:
        """The parameters that a call needs."""
        return tuple(each for each in self.parameters if each.required)

    def groups(self) -> tuple[str, ...]:
        """The groups of actions that the name belongs to; they are the same in every language."""
        fallback = load(CODES[0])
        return tuple(name for name in fallback.action_names if self._belongs_to(name, fallback))

    def _belongs_to(self, group: str, language: Language) -> bool:
        phrases = [(group,), *language.phrases(group, "actions")]
        own = "".join(self.stems)
        return any((len(p) == 1 and stem(p[0]) in self.stems) or "".join(map(stem, p)) == own for p in phrases)


@dataclass(frozen=True, slots=True)
class Mention:
    """Where words speak for a tool's action, or against it, and how strongly; 2 and more name it."""

    score: int = 0
    spans: tuple[tuple[int, int], ...] = ()
    negated: tuple[tuple[int, int], ...] = ()

    @property
    def names_it(self) -> bool:
        """True if the name or the action was said, not just a word of the description."""
        return self.score >= _NAMED


def offers_of(tools: object) -> tuple[Offer, ...]:
    """The tools in chat-completions shape; what has no name is passed over."""
    listed = cast("Sequence[object]", tools) if isinstance(tools, list | tuple) else ()
    return tuple(_offers(map(as_object, listed)))


def _offers(tools: Iterable[Mapping[str, Any]]) -> Iterator[Offer]:
    for tool in tools:
        function = as_object(tool.get("function")) or tool
        name = function.get("name")
        if isinstance(name, str) and name:
            schema: Any = function.get("parameters") or function.get("input_schema")
            parameters = parameters_of(schema)
            description = readable(function.get("description"))
            yield Offer(name=name, description=description, parameters=parameters, stems=stems_of(name))


def mention(offer: Offer, reading: Reading) -> Mention:
    """How far a text speaks for a tool by its name, the action it stands for, and its description."""
    generic = load(CODES[0]).generic_stems
    named = [*_name_spans(offer, reading, generic), *_action_spans(offer, reading)]
    named = named[:MOST_FOUND]
    negated = [span for span in dict.fromkeys(named) if _is_negated(reading, span)]
    named = [span for span in dict.fromkeys(named) if span not in negated]
    hints = set(stems_of(offer.description)) - generic - set(offer.stems)
    described = {stem(word.folded) for word in reading.words} & hints
    return Mention(_NAMED * len(named) + len(described), tuple(named), tuple(negated))


def wants_the_opposite(offer: Offer, reading: Reading) -> bool:
    """True if a text asks for what undoes a tool's action: "remove the apples" is nothing for `add_item`."""
    opposites = load(CODES[0]).table("opposites")
    undoing = {other for group in offer.groups() for other in opposites.get(group, ())}
    return any(True for _ in _spans_of(sorted(undoing), reading))


def _name_spans(offer: Offer, reading: Reading, generic: frozenset[str]) -> Iterator[tuple[int, int]]:
    own = set(offer.stems) - generic
    if not offer.required and len(own) > 1:
        # Of `empty_cart`, "cart" alone tells nothing of what is to be done with it.
        own = {each for each in offer.stems if each in own and each == next(s for s in offer.stems if s in own)}
    whole = "".join(offer.stems)
    words = reading.words
    for index, word in enumerate(words):
        if stem(word.folded) in own:
            yield word.start, word.end
        elif "".join(stem(each.folded) for each in words[index : index + 2]) == whole:
            yield word.start, words[min(index + 1, len(words) - 1)].end


def _action_spans(offer: Offer, reading: Reading) -> Iterator[tuple[int, int]]:
    return _spans_of(offer.groups(), reading)


def _spans_of(groups: Iterable[str], reading: Reading) -> Iterator[tuple[int, int]]:
    for group in groups:
        for language in dict.fromkeys((reading.language, load(CODES[0]))):
            phrases = [p for p in language.phrases(group, "actions") if not language.has("yes", p[0]) or len(p) > 1]
            phrases = [p for p in phrases if not language.has("no", p[0]) or len(p) > 1]
            for start, end in find_phrases(reading.words, phrases):
                yield reading.words[start].start, reading.words[end - 1].end


def _is_negated(reading: Reading, span: tuple[int, int]) -> bool:
    said = Reading(reading.text[slice(*span)], reading.language)
    if any(reading.language.has("negation", word.folded) for word in said.words):
        return False
    return any(reading.language.has("negation", word.folded) for word in reading.before(span[0], 3))
