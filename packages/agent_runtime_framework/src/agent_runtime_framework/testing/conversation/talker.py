"""What the `talk` fixture gives: begins conversations, and ends them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.executor.asking import LLMClient
from agent_runtime_framework.journey import Form, Journey
from agent_runtime_framework.journey.form_journey import FormConversation
from agent_runtime_framework.state.base import BaseJourneyState
from agent_runtime_framework.testing.conversation.talk import Observer, Talk

if TYPE_CHECKING:
    from pydantic import BaseModel

    ModelT = TypeVar("ModelT", bound=BaseModel)
else:
    ModelT = TypeVar("ModelT")

JourneyT = TypeVar("JourneyT", bound=Journey)
StateT = TypeVar("StateT", bound=BaseJourneyState[Any])

Provided = Mapping[Any, object] | Sequence[object]


class Talker:
    """Begins conversations.

    Attributes:
        talks: Those it began.
    """

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self.talks: list[Talk[Any]] = []
        self._observers = observers

    @overload
    def __call__(
        self,
        subject: type[JourneyT],
        model: LLMClient | None = None,
        *,
        state: JourneyT | None = None,
        step: Any = None,
        provide: Provided = (),
    ) -> Talk[JourneyT]: ...
    @overload
    def __call__(
        self,
        subject: type[JourneyAgent[StateT, Any, Any]] | JourneyAgent[StateT, Any, Any],
        model: LLMClient | None = None,
        *,
        state: StateT | None = None,
        step: Any = None,
    ) -> Talk[StateT]: ...
    @overload
    def __call__(
        self,
        subject: type[ModelT] | Form[ModelT],
        model: LLMClient | None = None,
        *,
        state: FormConversation[ModelT] | None = None,
        provide: Provided = (),
    ) -> Talk[FormConversation[ModelT]]: ...
    @overload
    def __call__(
        self, subject: object, model: LLMClient | None = None, *, state: Any = None, step: Any = None
    ) -> Talk[Any]: ...
    def __call__(
        self,
        subject: object,
        model: LLMClient | None = None,
        *,
        state: Any = None,
        step: Any = None,
        provide: Provided = (),
    ) -> Talk[Any]:
        """A new conversation.

        Args:
            subject: Whom to talk to: a Journey class, an agent or its class, a Pydantic model, or a function that
                makes one of these.
            model: Who answers; by default the agent's own model if it has one, else the offline model.
            state: The state to begin with.
            step: The step to begin in.
            provide: What `Injected` parameters get.
        """
        options: JSONObject = {"provide": provide} if provide else {}
        talk: Talk[Any] = Talk(subject, model, state=state, step=step, options=options, observers=self._observers)
        self.talks.append(talk)
        return talk

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        for talk in self.talks:
            talk.close()
