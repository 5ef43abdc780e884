"""The form of a journey's current step as fields, and answers to several of them at once."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.responses import JSONResponse, Response

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.submitted import Answers
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.form import Form, Progress
from agent_runtime_framework.server import schemas
from agent_runtime_framework.server.conversations import agent_asked_for
from agent_runtime_framework.server.messages import KEY, REPLIES, answered_with, awaited, message_id_of, shown_reply
from agent_runtime_framework.server.operations import Answer, Call, Operation
from agent_runtime_framework.server.problems import Problem
from agent_runtime_framework.server.showing import answers_of


class OpenForm(NamedTuple):
    """A form that is being filled.

    Attributes:
        step: The step that it is.
        form: The form.
        progress: How far it is.
    """

    step: str
    form: Form[Any]
    progress: Progress


async def open_form(call: Call) -> OpenForm | None:
    """The form of the current step; None if that is none."""
    runtime = call.service.runtime
    agent = await agent_asked_for(call)
    state = await runtime.state(call.conversation_id, agent.key)
    if not isinstance(state, Journey):
        return None
    name = state.step.name
    form = type(state).definition.steps[name].collect
    return None if form is None else OpenForm(name, form, state.progress_of(name))


def shown_form(found: OpenForm) -> JSONObject:
    """A form as a page needs it."""
    form, progress = found.form, found.progress
    question = form.next_question(progress)
    return {
        "step": found.step,
        "schema": form.json_schema(),
        "values": answers_of(form, progress),
        "open": None if question is None else question.field.name,
        "missing": [each.name for each in form.open_fields(progress)],
        "reasons": dict(progress.get("reasons", {})),
        "needs_confirmation": question is None and not form.is_complete(progress),
    }


async def read_form(call: Call) -> Response:
    """The form of the current step."""
    found = await open_form(call)
    if found is None:
        return Response(status_code=204)
    return JSONResponse(shown_form(found))


async def fill_in(call: Call) -> Response:
    """Answer several questions at once."""
    wanted: schemas.FormAnswers = call.body
    runtime = call.service.runtime
    message_id = message_id_of(call)
    known = await runtime.store.outcome(call.conversation_id, message_id)
    if known is None:
        _require_fields(wanted, await open_form(call))
    content = Answers(wanted.values, wanted.confirm).content()
    reply = await runtime.accept(call.conversation_id, content, message_id=message_id)
    if wanted.wait:
        reply = await awaited(call, reply, call.service.limits.wait)
    now = await open_form(call)
    return answered_with(reply, {"reply": shown_reply(reply), "form": None if now is None else shown_form(now)})


def _require_fields(wanted: schemas.FormAnswers, found: OpenForm | None) -> None:
    if found is None:
        raise _no_form()
    unknown = [name for name in wanted.values if name not in found.form.by_name]
    if unknown:
        errors = [{"pointer": f"/values/{name}", "detail": "there is no such field"} for name in unknown[:20]]
        raise Problem(422, "does-not-fit", f"the form has no field {unknown[0][:80]!r}", errors=errors)


def _no_form() -> Problem:
    return Problem(409, "no-form", "the journey is in no step that is a form; send a message instead")


OPERATIONS = (
    Operation(
        method="GET",
        path="/conversations/{id}/form",
        name="read_form",
        summary="The form of the current step, as JSON Schema, with the answers so far",
        endpoint=read_form,
        answers={
            200: Answer(summary="The form.", model=schemas.FormState),
            204: Answer(summary="There is none now.", media_type=""),
        },
        tag="forms",
    ),
    Operation(
        method="POST",
        path="/conversations/{id}/form",
        name="fill_in_form",
        summary="Answer several questions of the form at once",
        endpoint=fill_in,
        body=schemas.FormAnswers,
        parameters=(KEY,),
        answers={
            200: Answer(summary="What came of it; refused answers have their reason.", model=schemas.FormReply),
            202: Answer(summary="It cannot be lost any more.", model=schemas.FormReply, headers=REPLIES[202].headers),
            409: Answer(summary="There is no form, or the conversation is busy."),
        },
        tag="forms",
    ),
)
