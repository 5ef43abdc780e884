"""What to say when nothing is called: an answer to the person's words, then the open question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent_runtime_core.llm._offline.constraints import Problem
from agent_runtime_core.llm._offline.decide import Bid, asking_part, asks
from agent_runtime_core.llm._offline.dialogue import Call, Dialogue
from agent_runtime_core.llm._offline.language import Language, consists_of, is_question, mentions
from agent_runtime_core.llm._offline.offers import Offer
from agent_runtime_core.llm._offline.prompt import Spoken
from agent_runtime_core.llm._offline.questions import ask_for, ask_which, choice_labels, listed, question_for
from agent_runtime_core.llm._offline.schema import Kind, Parameter
from agent_runtime_core.llm._offline.text import stems_of, words_of

_NOTHING_TOLD = "Done."
_FAILURE = re.compile(r"^\W*error(?: executing [^:]{1,80})?\W*:?\s*", re.IGNORECASE)
_FOR_MODELS = re.compile(
    r"^(?:unknown tool|no tool)|\b(?:argument|parameter|schema|json|keyword|traceback)s?\b", re.IGNORECASE
)
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+[\"”')]*|\n|$)")


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All a reply depends on; `is_arriving` if the step is to be presented, whatever the person said before."""

    dialogue: Dialogue
    bids: Sequence[Bid]
    spoken: Spoken
    language: Language
    offers: Sequence[Offer]
    is_arriving: bool = False


def compose(situation: Situation) -> str:
    """The reply as text; never empty."""
    dialogue = situation.dialogue
    if dialogue.awaits_reply_to_tool and dialogue.calls:
        last = dialogue.calls[-1]
        text = _after_failure(situation, last) if last.has_failed else _after_success(situation)
    elif not dialogue.said:
        text = _joined(*_opening(situation), open_question(situation))
    else:
        text = _answer(situation)
    return text or situation.language.say("nothing")


def _opening(situation: Situation) -> list[str]:
    """The statements of the step that the person has not just heard."""
    heard = situation.dialogue.question or ""
    introduction = [situation.language.say("identity")] if situation.spoken.introduces else []
    statements = [_in_their_language(each, situation) for each in situation.spoken.statements]
    return [each for each in [*introduction, *statements] if each not in heard]


def _in_their_language(statement: str, situation: Situation) -> str:
    """A stock phrase of the prompt's language in the person's; the author's own words stay as they are."""
    ours, theirs = situation.spoken.language, situation.language
    keys = ("welcome", "hello", "bye", "thank_you")
    return next((theirs.say(key) for key in keys if ours.say(key) == statement), statement)


def open_question(situation: Situation) -> str:
    """What the step wants to know: in its own words if they suit the person's language, else from the tools."""
    spoken, language = situation.spoken, situation.language
    if spoken.exact:
        return spoken.exact
    suits = spoken.language is language
    begun = _begun(situation.bids)
    if begun is not None:
        return ask_for(begun.missing, language)
    if spoken.question and (suits or not situation.bids):
        return _joined(spoken.question, _choices_hint(situation, spoken.question))
    return question_for(situation.bids, language)


def _begun(bids: Sequence[Bid]) -> Bid | None:
    """The tool the person is in the middle of: the one they named, else the one they gave something for."""
    waiting = [bid for bid in bids if bid.missing]
    named = [bid for bid in waiting if bid.mention.names_it]
    return next(iter(named), None) or next((bid for bid in waiting if bid.filling.values), None)


def _choices_hint(situation: Situation, question: str) -> str:
    """The choices, where the question has not named them."""
    choosing = [p for bid in situation.bids for p in bid.missing if p.kind in (Kind.CHOICE, Kind.CHOICES)]
    if len(choosing) != 1 or len(situation.bids) != 1 or len(situation.bids[0].missing) != 1:
        return ""
    labels = choice_labels(choosing[0], situation.language)
    if not labels or all(set(stems_of(label)) & set(stems_of(question)) for label in labels):
        return ""
    return situation.language.say("choices_hint", "ask", choices=listed(labels, situation.language, "or"))


def _answer(situation: Situation) -> str:
    """The reply to words that no tool could be called for."""
    dialogue, language = situation.dialogue, situation.language
    intent = _intent(dialogue.text, language)
    if intent == "farewell":
        return language.say("bye")
    partly = _begun(situation.bids)
    if partly is not None and partly.fresh:
        return _joined(_why(partly, partly.missing, language), ask_for(partly.missing, language))
    if intent:
        return _joined(*_to_intent(situation, intent))
    if situation.is_arriving:
        return _joined(*_opening(situation), open_question(situation))
    return _to_anything_else(situation)


def _intent(text: str, language: Language) -> str:
    for name in ("identity", "help", "unknown"):
        if mentions(text, language, name):
            return name
    for name in ("greeting", "farewell", "thanks"):
        if consists_of(text, language, name, "greeting", "thanks") and not mentions(text, language, "no"):
            return name
    return ""


def _to_intent(situation: Situation, intent: str) -> list[str]:
    language, question = situation.language, open_question(situation)
    match intent:
        case "greeting":
            opening = _opening(situation)
            return [*([] if opening else [language.say("hello")]), *opening, question]
        case "identity":
            return [language.say("identity"), question]
        case "help":
            return [language.say("help"), question, _what_there_is(situation, question)]
        case "thanks":
            return [language.say("thanks"), *_opening(situation), question]
        case _:
            return [language.say(intent), question]


def _what_there_is(situation: Situation, question: str) -> str:
    free = [bid.offer for bid in situation.bids if not bid.offer.required]
    return ask_which(free, situation.language) if free and ask_which(free, situation.language) != question else ""


def _to_anything_else(situation: Situation) -> str:
    dialogue, language, bids = situation.dialogue, situation.language, situation.bids
    if not bids:
        lead = "" if dialogue.question is None else _without_tools(situation)
        return _joined(lead, *_opening(situation), open_question(situation))
    tied = [bid.offer for bid in bids if bid.is_complete]
    if len(tied) > 1:
        return ask_which(tied, language)
    waiting = [bid for bid in bids if bid.missing]
    troubled = next((bid for bid in waiting if bid.filling.problems), None)
    if troubled is not None:
        wrong = [each for each in troubled.missing if each.name in troubled.filling.problems]
        return _joined(_why(troubled, wrong, language), ask_for(wrong or troubled.missing, language))
    asked = [(bid, each) for bid in bids for each in bid.offer.parameters if each.name in bid.asked]
    if len(asked) == 1 and situation.spoken.exact and not is_question(dialogue.text, language):
        bid, parameter = asked[0]
        why = _why(bid, [parameter], language) or language.say(why_key(parameter), "why")
        return _joined(why, *_opening(situation), open_question(situation))
    if is_question(dialogue.text, language):
        return _joined(language.say("cannot_answer"), *_opening(situation), open_question(situation))
    return _once_more(situation, waiting)


def _once_more(situation: Situation, waiting: Sequence[Bid]) -> str:
    """Ask again, saying why what was answered is none; or ask for the first time."""
    dialogue, language, question = situation.dialogue, situation.language, open_question(situation)
    was_asked = asks(asking_part(dialogue.question, language), language) if dialogue.question else False
    if not was_asked:
        return _joined(*_opening(situation), question)
    if any(bid.unwanted for bid in situation.bids):
        return _joined(language.say("nothing_to_do"), question)
    if len(waiting) == 1 and len(waiting[0].missing) == 1:
        parameter = waiting[0].missing[0]
        return _joined(language.say(why_key(parameter), "why"), _again(question, parameter, situation))
    return _joined(language.say("not_understood"), question)


def _again(question: str, parameter: Parameter, situation: Situation) -> str:
    if question and question in (situation.dialogue.question or "") and situation.spoken.question:
        return ask_for([parameter], situation.language)
    return question or ask_for([parameter], situation.language)


def why_key(parameter: Parameter) -> str:
    """The key of the sentence that says why an answer is none for this parameter."""
    return "pattern" if parameter.kind is Kind.CODE and parameter.schema.get("pattern") else parameter.kind.value


def _why(bid: Bid, parameters: Sequence[Parameter], language: Language) -> str:
    problems = [bid.filling.problems[each.name] for each in parameters if each.name in bid.filling.problems]
    if problems:
        return explained(problems[0], language)
    return language.say("noted") if bid.fresh else ""


def explained(problem: Problem, language: Language) -> str:
    """Why a value was not taken, as a sentence."""
    return language.say(problem.key, "why", limit=problem.limit)


def _without_tools(situation: Situation) -> str:
    """In a step without tools nothing that is said can be kept, so do not pretend."""
    if is_question(situation.dialogue.text, situation.language):
        return situation.language.say("cannot_answer")
    return situation.language.say("nothing_to_do") if open_question(situation) else situation.language.say("okay")


def _after_success(situation: Situation) -> str:
    """The tool's text if it is fit for a person, and the next question unless that text asks one."""
    language = situation.language
    told = [each for call in situation.dialogue.calls if not call.has_failed for each in _news(call, situation)]
    last = situation.dialogue.calls[-1].result or ""
    text = _joined(*dict.fromkeys(told)) or ("" if situation.spoken.statements else language.say("noted"))
    if asks(last, language) and is_fit(last, situation.offers):
        return text
    statements = [each for each in situation.spoken.statements if not _repeats(each, text)]
    return _joined(text, *statements, open_question(situation))


def _news(call: Call, situation: Situation) -> list[str]:
    """What a result says; of an earlier one only the statements, because its question has been answered."""
    text = (call.result or "").strip()
    if text == _NOTHING_TOLD:
        return [situation.language.say("okay")]
    if not is_fit(text, situation.offers):
        return []
    if call is situation.dialogue.calls[-1]:
        return [text]
    later = situation.dialogue.calls[-1].result or ""
    sentences = [match[0].strip() for match in _SENTENCE.finditer(text) if not _repeats(match[0], later)]
    return [each for each in sentences if each.endswith(".") and len(words_of(each)) > 1]


def is_fit(text: str, offers: Sequence[Offer]) -> bool:
    """True if a tool's result can be read out: sentences, not data, and no name of a tool."""
    text = text.strip()
    if len(text) < 3 or len(text) > 2000 or text[0] in "{[<(" or re.search(r"\b[a-z]+_[a-z_]+\b|[{}\[\]]|</", text):
        return False
    if any(offer.name in text.split() for offer in offers):
        return False
    is_sentence = text[-1] in '.!?…:)"\u201d' or len(words_of(text)) > 2
    return text[0] in "¿¡" or (text[0].isupper() and is_sentence)


def _repeats(statement: str, text: str) -> bool:
    said, new = set(stems_of(text)), set(stems_of(statement))
    return bool(new) and len(new & said) >= 0.8 * len(new)


def _after_failure(situation: Situation, call: Call) -> str:
    """What went wrong, and either an offer to try again or the question whose answer may help."""
    language = situation.language
    reason = _FAILURE.sub("", (call.result or "").strip())
    told = _told_reason(reason, situation)
    if asks(told, language) and not mentions(reason, language, "transient"):
        return told
    if mentions(reason, language, "transient") or mentions(reason, situation.spoken.language, "transient"):
        return _joined(told, language.say("retry"))
    offer = next((each for each in situation.offers if each.name == call.name), None)
    if offer is None or not offer.required:
        return _joined(told, open_question(situation))
    return _joined(told, ask_for([_blamed(reason, offer)], language))


def _told_reason(reason: str, situation: Situation) -> str:
    sentence = reason[:1].upper() + reason[1:]
    if not sentence or _FOR_MODELS.search(reason) or not is_fit(f"{sentence}.", situation.offers):
        return situation.language.say("failed_plain")
    return situation.language.say("failed", reason=reason if reason[-1] in ".!?" else f"{reason}.")


def _blamed(reason: str, offer: Offer) -> Parameter:
    """The parameter that the reason speaks of, else the first."""
    said = set(stems_of(reason))
    return max(offer.required, key=lambda each: len(said & (each.stems | each.hints)))


def _joined(*parts: str) -> str:
    return " ".join(part.strip() for part in parts if part.strip())
