"""Asking for what is missing, in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent_runtime_core.llm._offline.decide import Bid
from agent_runtime_core.llm._offline.language import (
    CODES,
    Language,
    all_languages,
    compiled,
    detect,
    kind_words,
    load,
)
from agent_runtime_core.llm._offline.offers import Offer
from agent_runtime_core.llm._offline.prompt import addressed, filled
from agent_runtime_core.llm._offline.schema import Kind, Parameter
from agent_runtime_core.llm._offline.text import fold, readable

_PLAIN = (Kind.EMAIL, Kind.PHONE, Kind.NAME)
_MOST_CHOICES = 12
_IDENTIFIER = re.compile(r"\b[a-z]+_[a-z_]+\b")
_ACTS = {"checkout", "accept", "decline", "cancel", "book", "change"}
_SIDE_DOORS = {"decline", "cancel", "back", "help", "restart", "skip"}


def ask_for(parameters: Sequence[Parameter], language: Language) -> str:
    """One question for one or several parameters."""
    if len(parameters) == 1:
        return _ask_one(parameters[0], language)
    plain = [each for each in parameters if each.kind not in (Kind.BOOLEAN, Kind.CHOICES)]
    if len(plain) < len(parameters) or len(parameters) > 4:
        return _ask_one(parameters[0], language)
    labels = [label_of(each, language) for each in parameters]
    return language.say("described", "ask", label=listed(labels, language, "and"))


def _ask_one(parameter: Parameter, language: Language) -> str:
    kind, label = parameter.kind, label_of(parameter, language)
    choices = listed(choice_labels(parameter, language), language, "or")
    if kind is Kind.CHOICES and choices:
        return language.say("choice_many", "ask", choices=choices)
    if kind is Kind.CHOICE and choices:
        bare = compiled(language.table("prompt").get("article", "^$")).sub("", label)
        if compiled(language.table("prompt").get("lead", "^$")).match(bare):
            return language.say("choices_hint", "ask", choices=choices)
        return language.say("choice", "ask", label=bare, choices=choices)
    if kind is Kind.BOOLEAN:
        return _ask_whether(parameter, language, label)
    if kind is Kind.NUMBER and _is_their_age(parameter):
        return language.say("age", "ask")
    key = parameter.part or kind.value
    if kind in _PLAIN and len(parameter.stems) <= 2:
        return language.say(key, "ask")
    described = _described(parameter, language)
    if described.endswith("?"):
        return described
    return language.say("described", "ask", label=label)


def _is_their_age(parameter: Parameter) -> bool:
    generic = {each for language in all_languages() for each in language.generic_stems}
    return bool(parameter.stems) and parameter.hints - generic <= kind_words("age")


def _ask_whether(parameter: Parameter, language: Language, label: str) -> str:
    described = _described(parameter, language)
    if described.endswith("?"):
        return described
    whether = compiled(language.table("prompt").get("whether", "^(?:whether|if) "))
    if whether.match(described):
        return language.say("boolean", "ask", label=whether.sub("", described))
    return language.say("flag", "ask", label=label[:1].upper() + label[1:])


def label_of(parameter: Parameter, language: Language) -> str:
    """What a parameter is called in a sentence: "your email", "the yearly mileage"."""
    described = _described(parameter, language)
    known = language.table("labels").get(parameter.name.lower())
    if isinstance(known, str) and not described:
        return known
    if not described or described.endswith("?") or len(described) > 80:
        described = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", readable(parameter.name)).replace("_", " ").strip().lower()
    if compiled(language.table("prompt").get("lead", "^$")).match(described):
        return described
    return f"{language.say('determiner', 'prompt')} {described}".strip()


def _described(parameter: Parameter, language: Language) -> str:
    """The description as part of a sentence to the person; empty if it is written in another language."""
    text = parameter.description.strip()
    is_known = parameter.name.lower() in language.table("labels")
    own = detect([text], fallback=None if is_known else language)
    if not text or (language.code != CODES[0] and own is not language):
        return ""
    text = re.split(r"(?<=[.;])\s", addressed(text, own))[0]
    text = compiled(own.table("prompt").get("format_note", "$^")).sub("", text).strip(" .;:,")
    if parameter.description.strip().endswith("?"):
        return text if text.endswith("?") else f"{text}?"
    if text[1:2].isupper() or language.table("prompt").get("keeps_capitals"):
        return text
    return text[:1].lower() + text[1:]


def choice_labels(parameter: Parameter, language: Language) -> list[str]:
    """The choices in words, common ones in the person's language; none if there are too many to read out."""
    labels = [each.labels[0] for each in parameter.choices if each.labels]
    if language is not load(CODES[0]):
        words = language.table("synonyms")
        labels = [words.get(fold(label), [label])[0] for label in labels]
    return labels if len(labels) <= _MOST_CHOICES else []


def listed(items: Sequence[str], language: Language, joined_by: str) -> str:
    """The items as one enumeration: "a, b or c"."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} {language.say(joined_by, 'ask')} {items[-1]}"


def ask_which(offers: Sequence[Offer], language: Language) -> str:
    """A question for what to do next, from the tools' descriptions."""
    front = [each for each in offers if not _SIDE_DOORS.intersection(each.groups())] or list(offers)
    accept = language.say("accept", "ask")
    if len(front) == 1 and accept and "accept" in front[0].groups():
        return accept
    phrases = list(dict.fromkeys(action_phrase(each, language) for each in front))
    if not all(phrases) or len(phrases) > _MOST_CHOICES:
        return language.say("next", "ask")
    return language.say("tools", "ask", tools=listed(phrases, language, "or"))


def action_phrase(offer: Offer, language: Language) -> str:
    """What a tool does, as it follows "would you like to": from its description, else the action in its name.

    Empty where neither gives words that would be sound in that language.
    """
    own = detect([offer.description])
    text = re.split(r"(?<=[.;!?])\s|\n", offer.description.strip())[0].strip(" .;:,")
    if own is language and text and len(text) <= 90 and not _IDENTIFIER.search(text):
        text = addressed(_infinitive(text, language), language)
        if text:
            return text if text[1:2].isupper() else text[:1].lower() + text[1:]
    return next((str(language.table("actions")[each][0]) for each in offer.groups() if each in _ACTS), "")


def _infinitive(text: str, language: Language) -> str:
    """A description as an infinitive; one that no rule knows is one already."""
    for source, template in language.table("prompt").get("infinitive", ()):
        match = compiled(source).match(text)
        if match is not None:
            return filled(template, match)
    return text


def question_for(bids: Sequence[Bid], language: Language) -> str:
    """What to ask so that a tool can be called; empty if there is nothing to ask."""
    waiting = [bid for bid in bids if bid.missing]
    without = [bid.offer for bid in bids if not bid.offer.required]
    if waiting and (len(waiting) == 1 or waiting[0].filling.values or waiting[0].mention.names_it):
        return ask_for(waiting[0].missing, language)
    offers = [bid.offer for bid in bids]
    return ask_which(offers if waiting else without, language) if offers else ""
