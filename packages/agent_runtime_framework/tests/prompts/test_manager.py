from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

import pytest

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.prompts import PromptManager, PromptTemplate, StepPromptMapping
from agent_runtime_framework.prompts.manager import preference_enricher


class Step(StrEnum):
    WELCOME = "welcome"
    COLLECT = "collect"
    DONE = "done"


@dataclass
class State:
    step: Step = Step.WELCOME
    name: str = "Ada"


class Asked:
    """A state that says its step by a method."""

    def get_step(self) -> Step:
        return Step.COLLECT


def mapping() -> StepPromptMapping[Step]:
    return StepPromptMapping[Step](
        prompts={Step.WELCOME: PromptTemplate("Hello $name!", {"name": "there"}), Step.COLLECT: "Pay $5, ${name}"},
        default="I'm here.",
    )


def test_templates_are_rendered_and_plain_text_is_not():
    assert mapping().get(Step.WELCOME, name="Ada") == "Hello Ada!"
    assert mapping().get(Step.COLLECT, name="Ada") == "Pay $5, ${name}"


def test_unknown_step_gets_the_default():
    assert mapping().get(Step.DONE) == "I'm here."
    assert StepPromptMapping[Step]().get(Step.DONE) == ""
    assert StepPromptMapping[Step](default=PromptTemplate("$a")).get(Step.DONE, a=1) == "1"


@pytest.mark.parametrize("name", ["step", "self", "prompts"])
def test_variables_of_a_mapping_may_be_called_anything(name: str):
    prompts = StepPromptMapping[Step]().add(Step.WELCOME, PromptTemplate(f"at ${name}"))

    assert prompts.get(Step.WELCOME, **{name: "x"}) == "at x"


def test_adding_chains_and_leaves_the_authors_table_alone():
    table: dict[Step, str | PromptTemplate] = {Step.WELCOME: "a"}
    prompts = StepPromptMapping(table)

    assert prompts.add(Step.WELCOME, "b").add(Step.DONE, "c") is prompts
    assert (prompts.get(Step.WELCOME), prompts.get(Step.DONE)) == ("b", "c")
    assert table == {Step.WELCOME: "a"}


def test_prompt_of_a_state_knows_what_the_enricher_says():
    manager = PromptManager[Step](mapping=mapping(), context_enricher=lambda state: {"name": state.name})

    assert manager.get_prompt(State()) == "Hello Ada!"
    assert manager.get_prompt(State(), name="Grace") == "Hello Grace!"


def test_prompt_of_a_state_without_enricher():
    assert PromptManager[Step](mapping=mapping()).get_prompt(State()) == "Hello there!"
    assert PromptManager[Step](mapping=mapping()).get_prompt(Asked()) == "Pay $5, ${name}"


def test_prompt_of_a_step_takes_its_variables_from_the_call():
    manager = PromptManager(step_prompts=mapping(), context_enricher=lambda state: {"name": "never asked"})

    assert manager.get_prompt(Step.WELCOME, name="Ada") == "Hello Ada!"
    assert manager.get_prompt(Step.WELCOME) == "Hello there!"


@pytest.mark.parametrize("step", [Step.WELCOME, "welcome", 1, ("a", 1), None])
def test_anything_hashable_can_be_a_step(step: Any):
    assert PromptManager({step: "found"}).get_prompt(step) == "found"


def test_a_member_with_a_field_step_is_still_a_step():
    class Stage(Enum):
        ONE = 1

        @property
        def step(self) -> str:
            return "something else"

    assert PromptManager({Stage.ONE: "found"}).get_prompt(Stage.ONE) == "found"


def test_enrichers_run_in_order_with_the_context():
    seen: list[dict[str, Any]] = []

    def shout(prompt: str, context: dict[str, Any]) -> str:
        seen.append(context)
        return prompt.upper()

    manager = (
        PromptManager(mapping()).add_enricher(shout).add_enricher(lambda prompt, context: f"{prompt} ({len(context)})")
    )

    assert manager.get_prompt(Step.DONE, {"a": 1}) == "I'M HERE. (1)"
    assert manager.get_prompt(Step.DONE) == "I'M HERE. (0)"
    assert seen == [{"a": 1}, {}]


def test_enrichers_are_told_what_is_known_of_the_state():
    manager = PromptManager[Step](mapping=mapping(), context_enricher=lambda state: {"tone": "dry", "lang": "en"})
    manager.add_enricher(preference_enricher("tone", " Be {value}.")).add_enricher(
        preference_enricher("lang", " In {value}.")
    )

    assert manager.get_prompt(State(), {"lang": "de"}) == "Hello there! Be dry. In de."


def test_prompts_can_be_set_later():
    manager = PromptManager[Step]()

    assert manager.set_prompt(Step.DONE, "Bye.").set_default("Hm?") is manager
    assert (manager.get_prompt(Step.DONE), manager.get_prompt(Step.WELCOME)) == ("Bye.", "Hm?")


def test_step_prompts_are_the_mapping_that_was_given():
    prompts = mapping()

    assert PromptManager(prompts).step_prompts is prompts
    assert PromptManager(mapping=prompts).step_prompts is prompts


def test_prompts_given_twice_are_refused():
    with pytest.raises(ConfigurationError, match="pass mapping or step_prompts, not both"):
        PromptManager(mapping(), mapping=mapping())


def test_preference_is_added_as_documented():
    assert preference_enricher("tone")("Hi.", {"tone": "short answers"}) == "Hi.\n\nNote: User prefers short answers."


@pytest.mark.parametrize("context", [{}, {"tone": ""}, {"tone": None}, {"other": 1}])
def test_no_preference_adds_nothing(context: dict[str, Any]):
    assert preference_enricher("tone")("Hi.", context) == "Hi."


def test_preference_is_never_a_template():
    enrich = preference_enricher("tone", ' {"tone": "{value}"}')

    assert enrich("Hi.", {"tone": "{value} {0.__class__}"}) == 'Hi. {"tone": "{value} {0.__class__}"}'
