"""The tools of a form: what the model may do while one is being filled, and what it is told of it."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.tools import ToolSchema
from agent_runtime_framework.journey.ask import FormField
from agent_runtime_framework.journey.form import Outcome, object_schema

SAVE, SKIP, CONFIRM, NO_ANSWER = "save_answers", "skip_question", "confirm_answers", "no_answer"
FORM_TOOLS = frozenset({SAVE, SKIP, CONFIRM, NO_ANSWER})


class FormToolSchema(ToolSchema):
    """A tool of a form. What does not fit is judged answer by answer when it runs, so nothing is refused before."""

    def __init__(self, name: str, description: str, parameters: JSONObject) -> None:
        super().__init__(name, description)
        self.json_schema = parameters

    def to_openai_format(self) -> JSONObject:
        function = {"name": self.name, "description": self.description, "parameters": self.json_schema}
        return {"type": "function", "function": function}

    def problems(self, arguments: JSONObject) -> list[str]:
        """Nothing."""
        return []


def save_tool(fields: Sequence[FormField]) -> FormToolSchema:
    """Saves answers to these fields."""
    about = "Record what the person said for any of these fields; also to change what they said before."
    return FormToolSchema(SAVE, about, object_schema(fields))


def skip_tool(skippable: Sequence[str]) -> FormToolSchema:
    """Leaves out one of these fields."""
    choice: JSONObject = {"type": "string", "enum": list(skippable)}
    about = "The person does not want to answer an optional question."
    return FormToolSchema(SKIP, about, {"type": "object", "properties": {"field": choice}})


def confirm_tool() -> FormToolSchema:
    """Ends the form."""
    nothing: JSONObject = {"type": "object", "properties": {}}
    return FormToolSchema(CONFIRM, "The person says that all answers are right.", nothing)


def no_answer_tool() -> FormToolSchema:
    """The way out where a call is required: what the person said is no answer, and is replied to in words."""
    reply: JSONObject = {"type": "string", "description": "What you say to them."}
    about = "The message answers nothing and corrects nothing: a question back, small talk, a refusal."
    return FormToolSchema(NO_ANSWER, about, {"type": "object", "properties": {"reply": reply}, "required": ["reply"]})


def report(outcome: Outcome) -> str:
    """What a save came to, for the model."""
    parts: list[str] = []
    if outcome.accepted:
        parts.append(f"Saved: {', '.join(outcome.accepted)}.")
    parts += [f"Not saved: {name}. {reason}" for name, reason in outcome.rejected.items()]
    parts += [f"Not saved: {name}, because the person did not say it. Ask them." for name in outcome.questioned]
    if outcome.cleared:
        parts.append(f"To be asked again: {', '.join(outcome.cleared)}.")
    return " ".join(parts) or "Nothing was new in that."
