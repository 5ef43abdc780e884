"""From anything that can be talked to, to its agent."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from agent_runtime_framework import BaseJourneyState, JourneyAgent
from agent_runtime_framework.agents.form_agent import FormAgent
from agent_runtime_framework.agents.making import agent_of, is_talkable
from agent_runtime_framework.agents.short_form import ClassAgent
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Form, FormJourney, Journey, step


class Hello(Journey):
    greet = step("Greet them.")


class Person(BaseModel):
    name: str


class Half(JourneyAgent[BaseJourneyState[Any], Any, Any]):
    pass


class NeedsMore(ClassAgent[Hello]):
    def __init__(self, more: int) -> None:
        super().__init__(Hello)


def test_everything_that_can_be_talked_to_has_an_agent() -> None:
    made = Hello.agent()
    assert agent_of(made) is made
    assert isinstance(agent_of(Hello), ClassAgent)
    for each in (Person, Form(Person), FormJourney(Person), FormJourney(Person).agent()):
        assert isinstance(agent_of(each), FormAgent)
        assert is_talkable(each)


def test_a_function_makes_one() -> None:
    assert isinstance(agent_of(lambda: Hello), ClassAgent)
    assert agent_of(lambda: Hello.agent()).key == "hello"


def test_options_reach_what_is_made() -> None:
    memory = object()
    assert agent_of(Hello, memory=memory).memory is memory


@pytest.mark.parametrize(
    ("subject", "options", "said"),
    [
        (3, {}, "nobody can talk to 3"),
        (Journey, {}, "nobody can talk to"),
        (lambda: 3, {}, "made 3"),
        (lambda x: x, {}, "cannot be made without arguments"),
        (NeedsMore, {}, "NeedsMore cannot be made without arguments"),
        (Half, {}, "Half is not complete; it still has to implement"),
        (Hello.agent(), {"provide": [1]}, "made without provide"),
    ],
)
def test_what_cannot_is_refused_with_what_could(subject: object, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        agent_of(subject, **options)
