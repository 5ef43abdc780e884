"""A conversation that was held, as a scenario."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from journeys import Quote
from onboarding import OnboardingAgent

from agent_runtime_framework import MemoryManager
from agent_runtime_framework.agents.making import Agent, agent_of
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.testing import ScriptedLLM, Talk, call, say
from agent_runtime_framework.testing.scenarios.reading import read_scenarios
from agent_runtime_framework.testing.scenarios.recording import save_scenario
from agent_runtime_framework.testing.scenarios.running import run_scenario

JOURNEYS = Path(__file__).parents[1] / "journeys.py"
TARGET = f"{JOURNEYS}:Quote"


class Lottery(Journey):
    number: int = 0
    name: str = ""
    city: str = ""
    ask = step("Ask for the name.")
    done = step(say="$number", final=True)

    @ask.tool(to=done)
    def draw(self, name: str) -> None:
        """Draw a number."""
        self.number, self.name = random.randint(1, 10**9), name


def save(path: Path, talk: Talk[object], target: str = TARGET, load: Callable[[], Agent] | None = None) -> bool:
    return save_scenario(path, target, load or (lambda: agent_of(Quote)), talk.messages, talk.visible)


def test_what_the_offline_model_can_hold_needs_no_script(tmp_path: Path) -> None:
    path = tmp_path / "tests" / "a_car.scenario.yaml"
    with Talk(Quote) as talk:
        talk("car", "W-123, 40000 km, I'm 30", "yes please")
        assert save(path, talk)
    (scenario,) = read_scenarios(path).scenarios
    assert (scenario.name, [turn.model for turn in scenario.turns]) == ("a car", [(), (), ()])
    assert scenario.expect.path == ("choose", "car", "offer", "done")
    assert run_scenario(scenario).state.plate == "W-123"


def test_what_another_model_held_comes_with_its_answers(tmp_path: Path) -> None:
    llm = ScriptedLLM(
        [say("Right away."), call("pick", kind="home")],
        call("accept"),
        say("Which city?"),
        call("save_home", city="Bath"),
        say("60 it is."),
        call("accept"),
    )
    path = tmp_path / "x.scenario.yaml"
    with Talk(Quote, llm) as talk:
        talk("the usual", "where the Romans bathed", "go on")
        assert talk.is_over
        assert not save(path, talk)
    (scenario,) = read_scenarios(path).scenarios
    assert [len(turn.model) for turn in scenario.turns] == [3, 2, 1]
    assert scenario.turns[0].expect.refused == ("accept",)
    assert run_scenario(scenario).reply == "You are insured."


def test_a_long_form_agent_is_saved_too(tmp_path: Path) -> None:
    path = tmp_path / "x.scenario.yaml"
    target = str(Path(__file__).parents[5] / "examples" / "onboarding.py")
    with Talk(OnboardingAgent) as talk:
        talk("hi", "Ada")
        assert save(path, talk, target, OnboardingAgent)
    assert run_scenario(read_scenarios(path).scenarios[0]).state.name == "Ada"


def test_values_that_differ_each_time_are_not_expected(tmp_path: Path) -> None:
    path = tmp_path / "x.scenario.yaml"
    with Talk(Lottery) as talk:
        talk("hi", "Ada")
        save(path, talk, f"{__file__}:Lottery", lambda: agent_of(Lottery))
    (scenario,) = read_scenarios(path).scenarios
    assert scenario.expect.state == {"name": "Ada", "city": ""}


@pytest.mark.asyncio
async def test_the_agents_own_store_is_left_alone(tmp_path: Path) -> None:
    agent = Quote.agent(memory=MemoryManager())
    talk: Talk[Quote] = Talk(Quote)
    await talk.say("car")
    await asyncio.to_thread(save, tmp_path / "x.scenario.yaml", talk, TARGET, lambda: agent)
    assert agent.memory is not None
    assert await agent.memory.store.conversations() == []


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.scenario.yaml"
    path.write_text("mine")
    with Talk(Quote) as talk, pytest.raises(ConfigurationError, match="exists already"):
        save(path, talk)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "nothing was said yet"),
        ([{"role": "user", "content": "my PIN is •••"}], "not stored in clear"),
        ([{"role": "user", "content": "car"}], "went another way"),
    ],
)
def test_what_cannot_be_saved_is_explained_and_leaves_no_file(
    tmp_path: Path, messages: list[object], said: str
) -> None:
    path = tmp_path / "x.scenario.yaml"
    with pytest.raises(ConfigurationError, match=said):
        save_scenario(path, TARGET, lambda: agent_of(Quote), messages, {"kind": "home"})  # type: ignore[arg-type]  of any kind
    assert not path.exists()
