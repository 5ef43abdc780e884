from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from agent_runtime_framework.state import BaseJourneyState, BaseState


class Step(StrEnum):
    ASK = "ask"
    DONE = "done"


@dataclass
class Order(BaseJourneyState[Step]):
    step: Step = Step.ASK
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def is_complete(self) -> bool:
        return self.step == Step.DONE

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step.value, "items": self.items}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Order":
        return cls(step=Step(data["step"]), items=data["items"])


def test_step_is_the_field_of_the_subclass():
    order = Order()

    order.set_step(Step.DONE)

    assert order.get_step() is order.step is Step.DONE


def test_a_complete_journey_is_terminal_unless_the_author_says_otherwise():
    order = Order()
    assert (order.is_complete(), order.is_terminal()) == (False, False)

    order.set_step(Step.DONE)

    assert (order.is_complete(), order.is_terminal()) == (True, True)


def test_copy_shares_no_container():
    order = Order(items=[{"sku": "a", "tags": []}])

    copy = order.copy()
    copy.items[0]["tags"].append("new")
    copy.items.append({})

    assert order == Order(items=[{"sku": "a", "tags": []}])
    assert type(copy) is Order


@pytest.mark.parametrize("base", [BaseState, BaseJourneyState])
def test_incomplete_classes_cannot_be_created(base: type[Any]):
    with pytest.raises(TypeError, match="abstract"):
        base()


def test_a_class_without_step_is_told_to_declare_one():
    class Stepless(BaseJourneyState[Step]):
        def is_complete(self) -> bool:
            return False

        def to_dict(self) -> dict[str, Any]:
            return {}

        @classmethod
        def from_dict(cls, data: dict[str, Any]) -> "Stepless":
            return cls()

    with pytest.raises(AttributeError, match="Stepless has no field 'step'; declare one in the class"):
        Stepless().get_step()
