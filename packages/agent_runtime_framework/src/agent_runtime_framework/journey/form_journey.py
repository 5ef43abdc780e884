"""`FormJourney`: any Pydantic model as a conversation."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey.declare import CollectStep, Step, StepOptions
from agent_runtime_framework.journey.definition import Source
from agent_runtime_framework.journey.form import Form, ModelT
from agent_runtime_framework.journey.idle import Idle
from agent_runtime_framework.journey.journey import BOOKKEEPING, Journey
from agent_runtime_framework.journey.wording import word
from agent_runtime_framework.state.versions import Migration, mark_of, migrate

if TYPE_CHECKING:
    from agent_runtime_framework.agents.form_agent import FormAgent
    from agent_runtime_framework.agents.journey import JourneyConfig
    from agent_runtime_framework.approvals import Approve
    from agent_runtime_framework.events import Sink
    from agent_runtime_framework.executor.asking import LLMClient
    from agent_runtime_framework.executor.hooks import ExecutorHooks
    from agent_runtime_framework.memory import MemoryManager


class FormConversation(Journey, Generic[ModelT], abstract=True):
    """The journey that fills one form; `FormJourney` makes it.

    Attributes:
        form: The form, of the class.
        answers: The step that collects the answers.
        done: The last step.
    """

    form: ClassVar[Form[Any]]
    answers: ClassVar[CollectStep[Any]]
    done: ClassVar[Step]

    @property
    def result(self) -> ModelT | None:
        """The validated model; None until the form is complete."""
        return self.collected(type(self).answers)

    @classmethod
    def agent(  # pyright: ignore[reportIncompatibleMethodOverride]  its agent is one of this class, and knows more
        cls,
        llm_client: LLMClient | None = None,
        *,
        memory: MemoryManager | None = None,
        provide: Mapping[Any, object] | Sequence[object] = (),
        hooks: ExecutorHooks | None = None,
        sinks: Sequence[Sink] = (),
        config: JourneyConfig | None = None,
        approve: Approve | None = None,
    ) -> FormAgent[ModelT]:
        from agent_runtime_framework.agents.form_agent import FormAgent

        return FormAgent(
            cls,
            llm_client,
            memory=memory,
            provide=provide,
            hooks=hooks,
            sinks=sinks,
            config=config,
            approve=approve,
        )


def FormJourney(
    model: type[ModelT] | Form[ModelT],
    *,
    persona: str = "",
    done: str = "",
    key: str = "",
    language: str = "en",
    grounded: bool = True,
    confirm: bool = True,
    wording: Literal["exact", "model"] = "exact",
    on_idle: Idle = (),
    version: int = 1,
    migrations: Sequence[Migration] = (),
) -> type[FormConversation[ModelT]]:
    """The journey that asks for everything a Pydantic model needs, and ends with an instance of it.

    Args:
        model: The model, or a form of one; the further arguments on forms are for a model.
        persona: Who asks; by default the model's docstring.
        done: The last words, exactly; `$name` stands for an answer.
        key: The name under which states are kept; by default the model's name in kebab case.
        language: The language of the questions the form words itself: "en", "de" or "es".
        grounded: Whether values the person never said are questioned.
        confirm: Whether the person confirms all answers at the end.
        wording: "exact" asks in the form's own words, without a model request; "model" lets the model word it.
        on_idle: What is done when the person falls silent: `remind(...)` and `expire(...)`.
        version: Of the model's fields.
        migrations: Functions made by `@migrate(1, 2)`, which take the answers of an earlier version, by field and as
            JSON, and return those of a later one.
    """
    form = (
        model
        if isinstance(model, Form)
        else Form(model, language=language, grounded=grounded, confirm=confirm, wording=wording)
    )
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  as cheap as it gets, and documented
    source = Source(frame.f_code.co_filename, frame.f_lineno)
    members: dict[str, Any] = {
        "__doc__": persona or own_docstring(form.model) or _NO_PERSONA,
        "__module__": form.model.__module__,
        "form": form,
        "on_idle": on_idle,
        "answers": CollectStep(StepOptions(collect=form, to="done"), source, form),
        "done": Step(StepOptions(say=done or word(form.language, "done"), final=True), source),
    }
    if version != 1 or migrations:
        members |= {"version": version, **{f"_migration_{no}": of_answers(each) for no, each in enumerate(migrations)}}
    if key:
        members["key"] = key
    return type(form.model.__name__, (FormConversation,), members)


_NO_PERSONA = " "
"""A docstring that says nothing; without any, the class would get its signature for one."""


def of_answers(migration: Migration) -> Migration:
    """A migration of answers as one of the state they are in."""
    mark = mark_of(migration)

    @wraps(mark.function)
    def migrated(state: JSONObject) -> JSONObject:
        forms: JSONObject = state.get(BOOKKEEPING, {}).get("forms", {})
        progress: JSONObject | None = forms.get("answers")
        if progress is not None and progress.get("answers"):
            progress["answers"] = mark.apply(progress["answers"])
        return state

    return migrate(mark.source, mark.target)(migrated)


def own_docstring(model: type[Any]) -> str:
    """What was written below a model's class line; Pydantic's own docstrings do not count."""
    return str(vars(model).get("__doc__") or "")
