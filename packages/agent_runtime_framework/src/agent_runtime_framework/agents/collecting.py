"""A collect step in one turn: what the model is told and offered, what it saved, and what code says next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.form_tools import (
    CONFIRM,
    FORM_TOOLS,
    NO_ANSWER,
    SAVE,
    FormToolSchema,
    confirm_tool,
    no_answer_tool,
    report,
    save_tool,
    skip_tool,
)
from agent_runtime_framework.agents.submitted import Answers, answers_in, in_words, without_answers
from agent_runtime_framework.journey.ask import FormField
from agent_runtime_framework.journey.form import Form, Outcome, Progress, Question
from agent_runtime_framework.journey.grounding import Speech, is_grounded
from agent_runtime_framework.journey.sensitive import hide_in_message, withhold
from agent_runtime_framework.journey.wording import ask, plain_question, summary, told, word
from agent_runtime_framework.toolcalls import ToolCall

NOT_SUMMED_UP = "the person has not seen all answers yet; they are read out once every question is answered"

_QUESTION_MARKS = ("?", "\uff1f", "\u061f", "\u037e")


class Collecting:
    """A form that is being filled, in one turn.

    Args:
        form: The form.
        progress: Gives how far it is, to be changed in place; after a tool that failed it is another object.
        turn: Names the turn.
    """

    def __init__(self, form: Form[Any], progress: Callable[[], Progress], turn: str) -> None:
        self.form = form
        self._progress = progress
        self.has_progressed = False
        self._turn = turn
        self._said: list[str] = []
        self._text = ""
        self._last_words = ""
        self._reply: str | None = None
        self._is_plain = False

    @property
    def progress(self) -> Progress:
        """How far the form is."""
        return self._progress()

    def hear(self, earlier: Sequence[JSONObject], incoming: Sequence[JSONObject]) -> list[JSONObject]:
        """Listen to the person; returns their messages as they may be sent and stored."""
        messages = list(incoming)
        last = next((i for i, each in reversed(list(enumerate(messages))) if each.get("role") == "user"), None)
        filled_in = None if last is None else answers_in(messages[last])
        if last is not None and filled_in is not None:
            messages[last] = {**messages[last], "content": in_words(filled_in, self.form)}
            self._take(filled_in)
        elif last is not None and isinstance(messages[last].get("content"), str):
            messages[last] = {**messages[last], "content": self._withhold(messages[last]["content"])}
            self._text = messages[last]["content"]
        messages = without_answers(messages)
        secrets = list(self.form.secrets(self.progress).values())
        if secrets:
            messages = [hide_in_message(each, secrets) for each in messages]
        self._said = words_of_person(earlier, messages)
        spoken = (text for each in (*earlier, *messages) if each.get("role") == "assistant" for text in _texts(each))
        self._last_words = next(iter(deque(spoken, maxlen=1)), "")
        return messages

    def _take(self, filled_in: Answers) -> None:
        """Take in what was filled in: it is the person's, and it needs no model to be understood."""
        for name, value in filled_in.values.items():
            if value is None and self.form.decline(self.progress, name) is None:
                self.has_progressed = True
        outcome = self._apply(dict(filled_in.values), from_person=True)
        if filled_in.confirm and not outcome.rejected and self.form.is_filled(self.progress):
            self.form.agree(self.progress)
            self.has_progressed = True
        self._is_plain = True

    def overhear(self, earlier: Sequence[JSONObject], heard: Sequence[JSONObject]) -> None:
        """Know what the person said before the journey came to this form, in this very turn."""
        self._said = words_of_person(earlier, heard)
        spoken = (text for each in heard if each.get("role") == "user" for text in _texts(each))
        self._text = next(iter(deque(spoken, maxlen=1)), "")

    def begin(self) -> None:
        """Take a plain yes or no to the question that was asked, without asking the model what it means."""
        answer = self._yes_or_no()
        question = self._asked()
        if answer is None or not self._was_put(question):
            return
        if question is None:
            if self.form.is_filled(self.progress) and self._was_summed_up():
                self._confirm_or_change(is_right=answer)
        elif question.kind != "open":
            self._agree_or_drop(question, is_agreed=answer)
            self._is_plain = True
        elif question.field.is_flag:
            self._is_plain = bool(self._apply({question.field.name: answer}, from_person=True).accepted)
        elif not answer and not question.field.is_required:
            self.form.decline(self.progress, question.field.name)
            self._is_plain = self.has_progressed = True
        self.has_progressed = self.has_progressed or self._is_plain

    def end(self) -> None:
        """The turn is over: what is next was asked in it."""
        question = self.form.next_question(self.progress)
        if question is not None:
            self.form.asked(self.progress, question.field.name)

    def notes(self) -> JSONObject:
        """What this turn knows beside the progress, for whoever continues it."""
        outcome = self._outcome
        return {
            "has_progressed": self.has_progressed,
            "has_heard": bool(self._said),
            "text": self._text,
            "reply": self._reply,
            "is_plain": self._is_plain,
            "has_run": self._has_run,
            "has_corrected": self._has_corrected,
            "has_pointed_out": self._has_pointed_out,
            "has_to_talk": self._has_to_talk,
            "probably_answers": self._probably_answers,
            "outcome": None if outcome is None else asdict(outcome),
        }

    def recall(self, notes: JSONObject, earlier: Sequence[JSONObject], heard: Sequence[JSONObject]) -> None:
        """Know again what `notes` gave, in a turn that is continued."""
        self.has_progressed = notes["has_progressed"]
        self._text, self._reply, self._is_plain = notes["text"], notes["reply"], notes["is_plain"]
        self._has_corrected, self._has_run = notes["has_corrected"], notes["has_run"]
        self._has_pointed_out = notes.get("has_pointed_out", False)
        self._has_to_talk = notes.get("has_to_talk", False)
        self._probably_answers = notes.get("probably_answers", False)
        self._outcome = None if notes["outcome"] is None else Outcome(**notes["outcome"])
        if notes["has_heard"]:
            self._said = words_of_person(earlier, heard)

    def schemas(self) -> list[FormToolSchema]:
        """The tools, from the form as it is now."""
        fields = [each for each in self.form.applicable(self.progress) if not each.is_sensitive]
        tools = [save_tool(fields)] if fields else []
        skippable = [each.name for each in self.form.open_fields(self.progress) if not each.is_required]
        if skippable:
            tools.append(skip_tool(skippable))
        if self.form.confirm and self.form.is_filled(self.progress) and self._was_summed_up():
            tools.append(confirm_tool())
        if self.requires_call:
            tools.append(no_answer_tool())
        return tools

    @property
    def requires_call(self) -> bool:
        """True if the person has probably answered something that nobody has recorded yet.

        A model that answers such a message in words alone would forget what they said.
        """
        return not (self._has_run or self._is_plain or self._reply is not None) and self._probably_answers

    @cached_property
    def _probably_answers(self) -> bool:
        if not self._text:
            return False
        return (self._was_asked and not _asks(self._text)) or self._holds_a_value

    @property
    def _was_asked(self) -> bool:
        """True if the message follows a question of the form; a yes or no that follows another one answers that."""
        question = self._asked()
        if question is None and not (self.form.is_filled(self.progress) and self._was_summed_up()):
            return False
        return self._was_put(question) or self._yes_or_no() is None

    @cached_property
    def _holds_a_value(self) -> bool:
        """True if the message holds an answer that shows by itself, asked for or not."""
        return self._says_a_value(self._text)

    @property
    def withheld(self) -> dict[str, str]:
        """What is not offered now, with the reasons."""
        is_early = self.form.confirm and self.form.is_filled(self.progress) and not self._was_summed_up()
        return {CONFIRM: NOT_SUMMED_UP} if is_early else {}

    def run(self, call: ToolCall) -> str:
        """Run one of the form's tools; what the model is told."""
        self._has_run = True
        match call.name:
            case "save_answers":
                return report(self._apply(call.arguments))
            case "skip_question":
                return self._skip(call.arguments.get("field"))
            case "no_answer":
                return self._answer_nothing(call.arguments.get("reply"))
            case _:
                self.form.agree(self.progress)
                self.has_progressed = True
                return "Confirmed."

    def owns(self, name: str) -> bool:
        """True if a tool is the form's."""
        return name in FORM_TOOLS

    @property
    def is_complete(self) -> bool:
        """True if the form is done with."""
        return self.form.is_complete(self.progress)

    def say(self) -> str | None:
        """What code says in the model's place, and the turn is over; None leaves the word to the model."""
        if self._reply is not None:
            return self._reply
        has_read = self._is_plain or self._has_run
        return self._next_words() if has_read and not self._needs_the_model() else None

    def reminder(self, text: str) -> str:
        """Words for a person who says nothing, with what they were asked last; so that an answer still answers that."""
        question = self._asked()
        if self.form.wording == "model":
            asked = ""
        elif question is not None:
            is_open = question.kind == "open"
            asked = plain_question(self.form, question.field) if is_open else ask(self.form, question)
        else:
            asked = word(self.form.language, "confirm") if self.progress.get("summed_up_in") is not None else ""
        return text if asked in text else f"{text} {asked}"

    def prompt(self) -> str:
        """The instruction for the model."""
        form, language = self.form, self.form.language
        lines = [
            f"Only record what was really said, with {SAVE}; several answers at once, and corrections, are welcome."
        ]
        known = form.shown(self.progress)
        if known:
            lines.append(
                "The current answers: " + "; ".join(f"{f.name}={told(f, v, language)}" for f, v in known) + "."
            )
        if self.requires_call:
            lines.append(f"Call {NO_ANSWER} only if their last message answers none of it.")
        question = form.next_question(self.progress)
        if question is None:
            lines.append(f"Call {CONFIRM} once they agree to all of it.")
            lines.append(
                f'Ask "{word(language, "confirm")}"' if self._was_summed_up() else summary(form, self.progress)
            )
            self._sum_up()
            return "\n".join(lines)
        later = [each.name for each in form.open_fields(self.progress) if each.name != question.field.name]
        if later:
            lines.append(f"Only later come: {', '.join(later)}.")
        lines.append(f'Ask "{ask(form, question)}"')
        return "\n".join(lines)

    def _withhold(self, text: str) -> str:
        question = self._asked()
        withheld = withhold(self.form, self.progress, text, question.field.name if question else None)
        if withheld.found:
            self._apply(withheld.found, from_person=True)
        if withheld.reasons:
            self.progress["reasons"] = {**self.progress.get("reasons", {}), **withheld.reasons}
        if (withheld.found or withheld.reasons) and not self._says_more(withheld.text):
            self._is_plain = True
        return withheld.text

    def _says_more(self, text: str) -> bool:
        """True if a message without its sensitive answers still holds others, or a question."""
        return _asks(text) or self._says_a_value(text)

    def _says_a_value(self, text: str) -> bool:
        from agent_runtime_core.llm.offline import find_value

        rest = [each for each in self.form.applicable(self.progress) if not each.is_sensitive]
        return any(find_value(each.schema, each.name, text) is not None for each in rest)

    def _apply(self, values: JSONObject, *, from_person: bool = False) -> Outcome:
        allowed = {
            name: value
            for name, value in values.items()
            if from_person or name not in self.form.by_name or not self.form.by_name[name].is_sensitive
        }
        heard = None if from_person else self._heard
        outcome = self.form.apply(self.progress, allowed, heard=heard, turn=self._turn)
        self._outcome = outcome
        if outcome.accepted:
            self.has_progressed = True
            self._has_corrected = bool(outcome.changed)
            self.progress.pop("summed_up_in", None)
        return outcome

    _speech: Speech | None = None
    _outcome: Outcome | None = None
    _has_corrected = False
    _has_run = False
    _has_pointed_out = False
    _has_to_talk = False

    def _heard(self, field: FormField, value: Any) -> bool:
        if self._speech is None:
            self._speech = Speech(self._said)
        return is_grounded(value, self._speech, schema=field.schema)

    def _skip(self, name: object) -> str:
        question = self.form.next_question(self.progress)
        wanted = name if isinstance(name, str) and name else (question.field.name if question else "")
        reason = self.form.decline(self.progress, wanted)
        if reason is not None:
            return f"Error: {reason}."
        self.has_progressed = True
        return f"Skipped: {wanted}."

    def _answer_nothing(self, reply: object) -> str:
        """Take the model's words in place of an answer; what shows by itself is pointed out to it once."""
        if self._holds_a_value and not self._has_pointed_out and not _asks(self._text):
            self._has_pointed_out, self._has_run = True, False
            return f"Not yet: the message seems to hold an answer. Save it with {SAVE}, or call {NO_ANSWER} once more."
        if not isinstance(reply, str) or not reply.strip():
            self._has_to_talk = True
            return "Nothing was recorded. Answer the person now, in words."
        question = self.form.next_question(self.progress)
        words = word(self.form.language, "confirm") if question is None else ask(self.form, question)
        goes_on = self.form.wording == "model" or "?" in reply or words in reply
        self._reply = reply.strip() if goes_on else f"{reply.strip()} {words}"
        return "Said."

    def _confirm_or_change(self, *, is_right: bool) -> None:
        self._is_plain = True
        if is_right:
            self.form.agree(self.progress)
            return
        self.progress.pop("summed_up_in", None)
        self._reply = word(self.form.language, "change")

    def _agree_or_drop(self, question: Question, *, is_agreed: bool) -> None:
        name = question.field.name
        if is_agreed:
            self.form.agree(self.progress)
            return
        self.progress.get("doubtful", {}).pop(name, None)
        self.progress["stale"] = [each for each in self.progress.get("stale", ()) if each != name]
        self.progress.get("answers", {}).pop(name, None)

    def _asked(self) -> Question | None:
        """The question that was put to the person before this message."""
        question = self.form.next_question(self.progress)
        return question if question is not None and question.attempt > 0 else None

    def _was_put(self, question: Question | None) -> bool:
        """True if a yes can be meant for the question: it was put in the form's words, as far as is known."""
        if not self._last_words or self.form.wording == "model":
            return True
        if question is None:
            words = word(self.form.language, "confirm")
        else:
            is_open = question.kind == "open"
            words = plain_question(self.form, question.field) if is_open else ask(self.form, question)
        return words in self._last_words

    def _yes_or_no(self) -> bool | None:
        from agent_runtime_core.llm.offline import says

        return says(self._text) if self._text else None

    def _was_summed_up(self) -> bool:
        return self.progress.get("summed_up_in", self._turn) != self._turn

    def _sum_up(self) -> None:
        if self.progress.get("summed_up_in") is None:
            self.progress["summed_up_in"] = self._turn

    def _needs_the_model(self) -> bool:
        return self._has_to_talk or self.form.wording == "model" or _asks(self._text)

    def _next_words(self) -> str | None:
        form = self.form
        lead = word(form.language, "corrected") if self._has_corrected else ""
        question = form.next_question(self.progress)
        if question is not None:
            return " ".join(filter(None, [lead, ask(form, question)]))
        if form.is_complete(self.progress):
            return None
        self._sum_up()
        return "\n".join(filter(None, [lead, summary(form, self.progress)]))


def _texts(message: JSONObject) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    blocks = cast("list[object]", content) if isinstance(content, list) else []
    known = [cast("JSONObject", each) for each in blocks if isinstance(each, dict)]
    return [each["text"] for each in known if isinstance(each.get("text"), str)]


def words_of_person(earlier: Sequence[JSONObject], heard: Sequence[JSONObject]) -> list[str]:
    """What the person said; what they answered with a plain yes counts as theirs."""
    from agent_runtime_core.llm.offline import says

    words: list[str] = []
    before: list[str] = []
    for each in (*earlier, *heard):
        if each.get("role") == "user":
            texts = _texts(each)
            words += texts
            if before and texts and says(texts[-1]):
                words += before
            before = []
        elif each.get("role") == "assistant":
            before = _texts(each) or before
    return words


def _asks(text: str) -> bool:
    return any(mark in text for mark in _QUESTION_MARKS)
