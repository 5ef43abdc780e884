"""The base classes of an author's state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.state.serializer import StateSerializer

__all__ = ["BaseJourneyState", "BaseState", "StateSerializer"]

StepT = TypeVar("StepT")


@dataclass
class BaseState(ABC):
    """Something that is kept between turns, as JSON."""

    @abstractmethod
    def to_dict(self) -> JSONObject:
        """The state as a JSON object; the caller may keep it."""

    @classmethod
    @abstractmethod
    def from_dict(cls, data: JSONObject) -> Self:
        """The state that `to_dict` wrote."""

    def copy(self) -> Self:
        """An equal state that shares no list or dict with this one."""
        return type(self).from_dict(cast("JSONObject", _detached(self.to_dict())))


@dataclass
class BaseJourneyState(BaseState, Generic[StepT]):
    """The state of a journey; a subclass declares a field `step` of its step type, and `is_complete`."""

    def get_step(self) -> StepT:
        """Where the journey is.

        Raises:
            AttributeError: The class declares no field `step`.
        """
        try:
            return self.step
        except AttributeError:
            name = type(self).__name__
            message = f"{name} has no field 'step'; declare one in the class, such as `step: MyStep = MyStep.START`"
            raise AttributeError(message, name="step", obj=self) from None

    def set_step(self, step: StepT) -> None:
        """Move the journey."""
        self.step = step

    @abstractmethod
    def is_complete(self) -> bool:
        """True once the journey has got where it should."""

    def is_terminal(self) -> bool:
        """True if nothing is left to do, whether the journey got there or ended early."""
        return self.is_complete()


def _detached(value: Any) -> Any:
    match value:
        case dict():
            return {key: _detached(item) for key, item in cast("dict[Any, Any]", value).items()}
        case list():
            return [_detached(item) for item in cast("list[Any]", value)]
        case _:
            return value
