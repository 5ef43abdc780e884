"""Which offered tool the person's words call for, with which arguments.

Rules:

1. A tool with required parameters is called when there is evidence for every one of them.
2. A tool without is called when its name or action was said, or a yes answers the question that names it.
3. Of several, the one that was named; then the one with the better evidence; of equals none.
4. A correction keeps the other arguments of that tool's last call.
5. No call is made twice in a turn, and a call that failed is repeated only if the person asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.llm._offline.answers import yes_or_no
from agent_runtime_core.llm._offline.consumption import unused
from agent_runtime_core.llm._offline.dialogue import Call, Dialogue, Utterance
from agent_runtime_core.llm._offline.evidence import Context, Filling, fill
from agent_runtime_core.llm._offline.found import Reading
from agent_runtime_core.llm._offline.language import (
    CODES,
    Language,
    all_languages,
    consists_of,
    kind_words,
    load,
    mentions,
)
from agent_runtime_core.llm._offline.offers import Mention, Offer, mention, wants_the_opposite
from agent_runtime_core.llm._offline.schema import Kind, Parameter
from agent_runtime_core.llm._offline.text import stem, stems_of

_MOST_CALLS = 8
_MOST_CUTS = 12
_LONGEST_LIST = 400
_ARTICLES = frozenset(stems_of("der die das el la los las de en in"))
_NEED_A_QUESTION = (Kind.TEXT, Kind.CODE, Kind.BOOLEAN, Kind.LIST)


@dataclass(slots=True, kw_only=True)
class Bid:
    """A tool and what speaks for calling it now."""

    offer: Offer
    filling: Filling = field(default_factory=Filling)
    mention: Mention = field(default_factory=Mention)
    agreed: bool = False
    unwanted: bool = False
    fresh: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()

    @property
    def missing(self) -> list[Parameter]:
        """Required parameters without evidence."""
        return self.filling.missing(self.offer.parameters)

    @property
    def is_complete(self) -> bool:
        """True if it can be called."""
        if self.missing:
            return False
        if self.offer.required:
            return bool(self.fresh)
        return (
            self.agreed
            or self.mention.score > 0
            or self.is_answered
            or (bool(self.fresh) and self.filling.strength > 1)
        )

    @property
    def is_answered(self) -> bool:
        """True if the question was for one of its parameters, and the person gave it."""
        return bool(self.fresh & self.asked)

    @property
    def rank(self) -> tuple[Any, ...]:
        """What decides among complete bids, best last."""
        return (self.agreed or self.mention.names_it, self.filling.strength, len(self.fresh), self.mention.score)


@dataclass(slots=True, kw_only=True)
class Decision:
    """The call to make, if any, and all bids, best first."""

    call: tuple[str, JSONObject] | None = None
    bids: list[Bid] = field(default_factory=list[Bid])


def decide(
    dialogue: Dialogue, offers: Sequence[Offer], language: Language, today: date, *, must: bool = False
) -> Decision:
    """Choose a call; `must` lets the only tool there is go ahead if nothing but a mention is missing."""
    again = _wanted_again(dialogue, offers, language)
    if again is not None:
        return Decision(call=(again.name, again.arguments))
    bids = [_bid(dialogue, each, offers, language, today) for each in offers]
    bids.sort(key=lambda bid: (bid.is_complete, bid.rank), reverse=True)
    complete = [bid for bid in bids if bid.is_complete and _may_call(dialogue, bid, bids)]
    if must and not complete and len(bids) == 1 and not bids[0].missing and not bids[0].offer.required:
        complete = bids
    if not complete or (len(complete) > 1 and complete[0].rank == complete[1].rank):
        return Decision(bids=bids)
    return Decision(call=(complete[0].offer.name, complete[0].filling.values), bids=bids)


def _may_call(dialogue: Dialogue, bid: Bid, bids: Sequence[Bid]) -> bool:
    made = [*dialogue.calls, *([dialogue.failed] if dialogue.failed else [])]
    if len(dialogue.calls) >= _MOST_CALLS or sum(call.has_failed for call in dialogue.calls) > 1:
        return False
    if any(call.name == bid.offer.name and call.arguments == bid.filling.values for call in made):
        return bool(not bid.offer.parameters and dialogue.failed and not dialogue.calls)
    if bid.offer.required or bid.agreed or bid.is_answered or bid.mention.names_it or bid.filling.strength > 1:
        return True
    others_wait = any(other.missing for other in bids)
    return not others_wait and bid.mention.score > max((b.mention.score for b in bids if b is not bid), default=0)


def _wanted_again(dialogue: Dialogue, offers: Sequence[Offer], language: Language) -> Call | None:
    failed = dialogue.failed
    if failed is None or dialogue.calls or failed.name not in {each.name for each in offers}:
        return None
    reading = Reading(dialogue.text, language)
    asked = language.say("retry") in (dialogue.question or "")
    answer = yes_or_no(reading) if asked and len(reading.words) <= 6 else None
    says_again = consists_of(dialogue.text, language, "retry", "yes") and mentions(dialogue.text, language, "retry")
    return failed if says_again or (answer is not None and answer.value is True) else None


def _bid(dialogue: Dialogue, offer: Offer, offers: Sequence[Offer], language: Language, today: date) -> Bid:
    """Read the person's words for one tool, the newest first; what is newer stands."""
    bid = Bid(offer=offer)
    for index, utterance in enumerate(dialogue.utterances):
        text = unused(utterance.text, utterance.calls if index else dialogue.calls, language)
        reading = Reading(text, language)
        said = mention(offer, reading)
        if not said.spans and wants_the_opposite(offer, reading):
            bid.unwanted |= index == 0
            continue
        is_answer = not dialogue.calls and not utterance.calls
        asked = asked_for(utterance, offer, offers, language) if is_answer else frozenset[str]()
        if index == 0:
            bid.mention = said
            bid.agreed = not dialogue.calls and _agrees(utterance, offer, offers, reading)
            bid.asked = asked
            asked |= _goes_on(dialogue, offer, reading)
        wanted = [each for each in offer.parameters if each.name not in bid.filling.values]
        context = (
            Context(today=today, asked=asked)
            if utterance.calls
            else Context(
                today=today, asked=asked, actions=said.spans, elsewhere=_elsewhere(offer, offers, reading, said)
            )
        )
        found = _best_reading(wanted, reading, context)
        _merge(bid, found, is_newest=index == 0)
    _complete_correction(bid, dialogue, language)
    return bid


def _complete_correction(bid: Bid, dialogue: Dialogue, language: Language) -> None:
    """In a correction ("no, for five people") the rest is what they said before, for this tool's last call."""
    earlier = dialogue.made.get(bid.offer.name)
    if earlier and bid.fresh and not dialogue.calls and mentions(dialogue.text, language, "correction"):
        kept = {each.name: earlier[each.name] for each in bid.missing if each.name in earlier}
        bid.filling.values.update(kept)


def _merge(bid: Bid, found: Filling, is_newest: bool) -> None:
    bid.filling.values.update(found.values)
    bid.filling.strength += found.strength
    if is_newest:
        bid.filling.problems = found.problems
        bid.fresh = frozenset(found.values)


def _best_reading(parameters: Sequence[Parameter], reading: Reading, context: Context) -> Filling:
    """The whole text, or its first part alone where "a coffee and three pears" would mix two calls."""
    whole = fill(parameters, reading, context)
    kinds = {each.kind for each in parameters}
    counts_things = Kind.NUMBER in kinds and bool(kinds & {Kind.TEXT, Kind.CHOICE})
    needs_nothing = not any(each.required for each in parameters)
    if needs_nothing or len(reading.text) > _LONGEST_LIST or (not whole.missing(parameters) and not counts_things):
        return whole
    cuts = [word.start for word in reading.words if reading.language.has("join", word.folded)]
    cuts += [index for index, char in enumerate(reading.text) if char in ",;\n"]
    for cut in sorted(cuts)[:_MOST_CUTS]:
        part = fill(parameters, Reading(reading.text[:cut], reading.language), context)
        if not part.missing(parameters):
            return part
    return whole


def _elsewhere(offer: Offer, offers: Sequence[Offer], reading: Reading, said: Mention) -> tuple[tuple[int, int], ...]:
    """Where other tools are named, unless the same words name this one."""
    others = [mention(each, reading) for each in offers if each is not offer]
    spans = [span for each in others for span in (*each.spans, *each.negated)]
    return tuple(dict.fromkeys(span for span in spans if span not in said.spans))


def _goes_on(dialogue: Dialogue, offer: Offer, reading: Reading) -> frozenset[str]:
    """In "add two apples and three pears" the rest speaks for the tool that was just called."""
    if not dialogue.calls or dialogue.calls[-1].name != offer.name or dialogue.calls[-1].has_failed:
        return frozenset()
    kinds = {each.kind for each in offer.parameters}
    is_joined = "," in reading.text or any(reading.language.has("join", word.folded) for word in reading.words)
    if Kind.NUMBER not in kinds or not {Kind.TEXT, Kind.CHOICE} & kinds or not is_joined:
        return frozenset()
    return frozenset(each.name for each in offer.required)


def asked_for(utterance: Utterance, offer: Offer, offers: Sequence[Offer], language: Language) -> frozenset[str]:
    """The parameters of a tool that an utterance answers a question for.

    Where the question names no parameter of any tool, it is for whatever the only tool with parameters needs. The first
    words of a conversation may answer the step's prompt before it was said, but not with just any text.
    """
    if utterance.question is None:
        return frozenset(each.name for each in offer.required if each.kind not in _NEED_A_QUESTION)
    question = asking_part(utterance.question, language)
    named = {each.name: _asked_literally(question, each, language) for each in offers}
    if not any(named.values()):
        named = {each.name: _named_in(question, each) for each in offers}
    if any(named.values()):
        return named[offer.name]
    with_parameters = [each for each in offers if each.required]
    if len(with_parameters) > 1:
        asked_by_name = [each for each in with_parameters if set(stems_of(question)) & set(each.stems[:1])]
        with_parameters = asked_by_name if len(asked_by_name) == 1 else []
    return frozenset(each.name for each in offer.required) if with_parameters == [offer] else frozenset()


def _asked_literally(question: str, offer: Offer, language: Language) -> frozenset[str]:
    """The parameters whose own question, as this model words it, was put."""
    from agent_runtime_core.llm._offline.questions import ask_for  # it reads bids itself

    return frozenset(each.name for each in offer.parameters if ask_for([each], language) in question)


def _named_in(question: str, offer: Offer) -> frozenset[str]:
    """The parameters that a question has words of; not one whose words all belong to another that has more of them."""
    stems = set(stems_of(question))
    named = {each.name: stems & question_words(each) for each in offer.parameters}
    return frozenset(
        name for name, words in named.items() if words and not any(words < each for each in named.values())
    )


def question_words(parameter: Parameter) -> frozenset[str]:
    """Stems by which a question shows that it is for this parameter."""
    generic = frozenset(stem(word) for phrase in load(CODES[0]).phrases("asking") for word in phrase)
    words = (parameter.stems | parameter.hints) - generic
    if parameter.kind in (Kind.EMAIL, Kind.PHONE, Kind.NAME, Kind.DATE, Kind.URL):
        words |= kind_words(parameter.kind) if not parameter.part else kind_words(parameter.part)
    if parameter.kind is Kind.NUMBER:
        words |= kind_words("how_many")
    spoken = (each.table("labels").get(parameter.name.lower(), "") for each in all_languages())
    words |= frozenset(each for label in spoken for each in stems_of(label)) - _ARTICLES
    labels = [stems_of(choice.labels[0])[:1] for choice in parameter.choices[:20] if choice.labels]
    return words | frozenset(each[0] for each in labels if each)


def asking_part(text: str | None, language: Language) -> str:
    """The sentences of a text that ask; all of it if none does."""
    if not text:
        return ""
    sentences = [each for each in _sentences(text) if asks(each, language)]
    return " ".join(sentences) if sentences else text


def asks(text: str, language: Language) -> bool:
    """True if the text asks the person for something."""
    return "?" in text or mentions(text, language, "request")


def _sentences(text: str) -> list[str]:
    marked = text.replace("? ", "?\n").replace(". ", ".\n").replace("! ", "!\n")
    return [each for each in marked.splitlines() if each.strip()]


def _agrees(utterance: Utterance, offer: Offer, offers: Sequence[Offer], reading: Reading) -> bool:
    """True if a yes answers the question that names this tool, or a yes or no is what it stands for."""
    if offer.required or not utterance.question:
        return False
    answer = yes_or_no(reading)
    if answer is None:
        return False
    group = ("accept",) if answer.value else ("decline", "cancel")
    polar = [each for each in offers if not each.required and set(each.groups()) & set(group)]
    if answer.value:
        named = _named_by_question(utterance.question, offers, reading.language)
        if named:
            return named == [offer]
    return polar == [offer]


def _named_by_question(question: str, offers: Sequence[Offer], language: Language) -> list[Offer]:
    asked = Reading(asking_part(question, language), language)
    scores: Mapping[str, int] = {each.name: mention(each, asked).score for each in offers if not each.required}
    best = max(scores.values(), default=0)
    return [each for each in offers if best and scores.get(each.name) == best]
