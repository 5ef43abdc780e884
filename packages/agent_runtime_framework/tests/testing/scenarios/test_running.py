"""Scenarios, held."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from journeys import Quote

from agent_runtime_framework.cli.targets import load_agent
from agent_runtime_framework.testing import Talk
from agent_runtime_framework.testing.conversation.visible import visible_state
from agent_runtime_framework.testing.scenarios.errors import ExpectationFailed, ScenarioError
from agent_runtime_framework.testing.scenarios.reading import read_scenarios
from agent_runtime_framework.testing.scenarios.running import run_scenario

JOURNEYS = Path(__file__).parents[1] / "journeys.py"
START = "turns:\n- user: car\n  expect: "


def run(tmp_path: Path, text: str, agent: str = f"{JOURNEYS}:Quote") -> Talk[Quote]:
    path = tmp_path / "x.scenario.yaml"
    path.write_text(f"agent: {agent}\n{text}", encoding="utf-8")
    (scenario,) = read_scenarios(path).scenarios
    return run_scenario(scenario)


def failed(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ExpectationFailed) as caught:
        run(tmp_path, text)
    return [f"{place.line}: {said}" for place, said in caught.value.failures]


@pytest.mark.parametrize(
    "expectation",
    [
        "{step: car, path: [choose, car], final: false, refused: false, requests: 2}",
        "{state: {kind: car, plate: ''}}",
        "{called: pick}",
        "{called: [{pick: {kind: car}}], not_called: [accept]}",
        "{reply: plate}",
        "{reply: {contains: [PLATE, kilometres], lacks: insured}}",
        "{reply: {matches: 'plate.*age'}}",
    ],
)
def test_what_holds_passes(tmp_path: Path, expectation: str) -> None:
    run(tmp_path, START + expectation)


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ("{step: home}", "4: the step is 'car', expected 'home'"),
        ("{path: [car]}", "4: the path was choose -> car, expected car"),
        ("{state: {kind: home}}", "4: kind is 'car', expected 'home'"),
        ("{state: {knd: x}}", "4: there is no 'knd'; the state has: kind, plate, yearly_km, age, city, price"),
        (
            "{called: pik}",
            "4: pik was not called here and in this order; called were: pick(kind='car'); did you mean 'pick'?",
        ),
        (
            "{called: {pick: {kind: home}}}",
            "4: pick(kind='home') was not called here and in this order; called were: pick(kind='car')",
        ),
        ("{called: [pick, pick]}", "4: pick was not called here and in this order; called were: pick(kind='car')"),
        ("{not_called: pick}", "4: pick was called, expected that it is not"),
        ("{refused: true}", "4: refused calls: none; expected at least one"),
        ("{refused: pick}", "4: no call of pick was refused; refused calls: none"),
        ("{final: true}", "4: the journey is not over, in step 'car'"),
        ("{requests: 1}", "4: it took 2 model requests, expected at most 1"),
    ],
)
def test_what_does_not_is_said_with_the_line(tmp_path: Path, expectation: str, said: str) -> None:
    assert failed(tmp_path, START + expectation) == [said]


@pytest.mark.parametrize("reply", ["nope", "{equals: x}", "{lacks: plate}", "{matches: '^x'}"])
def test_a_reply_that_is_otherwise_is_quoted(tmp_path: Path, reply: str) -> None:
    (said,) = failed(tmp_path, f"{START}{{reply: {reply}}}")
    assert said.startswith("4: the reply ")
    assert "'All right. Could you tell me the plate" in said


def test_a_scripted_model_may_misbehave(tmp_path: Path) -> None:
    talk = run(
        tmp_path,
        "turns:\n- user: just do it\n  model: [{call: accept}, {say: 'Car or home?'}]\n"
        "  expect: {step: choose, refused: [accept], reply: home}\n",
    )
    assert talk.called == []


def test_a_refused_call_says_why_it_was_not_called(tmp_path: Path) -> None:
    text = "turns:\n- user: x\n  model: [{call: accept}, {say: no}]\n  expect: {called: accept}\n"
    assert "it was refused: Error: Unknown tool 'accept'" in failed(tmp_path, text)[0]


def test_replies_that_nobody_asked_for_are_a_failure(tmp_path: Path) -> None:
    (said,) = failed(tmp_path, "turns:\n- user: hi\n  model: [{say: a}, {say: b}]\n")
    assert said == "3: the model was asked for fewer replies than model: holds; 1 are left"


def test_a_script_that_is_too_short_is_a_failure_of_its_turn(tmp_path: Path) -> None:
    (said,) = failed(tmp_path, "turns:\n- user: hi\n- user: car\n  model: [{call: pick, with: {kind: car}}]\n")
    assert said.startswith("4: ScriptError: the script holds 1 replies")


def test_it_may_begin_in_the_middle(tmp_path: Path) -> None:
    talk = run(tmp_path, "state: {kind: car, age: 30, price: '5'}\nstep: offer\nturns:\n- user: [hello, yes please]\n")
    assert talk.step is type(talk.state).done


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("step: ofer\nturns: [{user: a}]", "there is no step 'ofer'; there are: "),
        ("state: {plat: a}\nturns: [{user: a}]", "the state has no 'plat'; it has: step, kind, plate"),
        ("state: {age: old}\nturns: [{user: a}]", "age is 'old'"),
    ],
)
def test_a_beginning_that_does_not_fit_is_explained(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        run(tmp_path, text)


def test_an_agent_that_is_not_there_is_said_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"x\.scenario\.yaml:1: agent 'nowhere\.py': there is no file"):
        run(tmp_path, "turns: [{user: a}]", agent="nowhere.py")


def test_a_path_is_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "own_journey_here.py").write_text(JOURNEYS.read_text(encoding="utf-8"), encoding="utf-8")
    run(tmp_path, "turns: [{user: car, expect: {step: car}}]", agent="own_journey_here.py:Quote")


def test_a_scenario_leaves_nothing_in_an_agents_own_store(tmp_path: Path) -> None:
    own = "\n\nfrom agent_runtime_framework import MemoryManager\nagent = Quote.agent(memory=MemoryManager())\n"
    path = tmp_path / "own_agent_here.py"
    path.write_text(JOURNEYS.read_text(encoding="utf-8") + own, encoding="utf-8")
    run(tmp_path, "turns: [{user: car}]", agent="own_agent_here.py")
    kept = load_agent(str(path)).memory
    assert kept is not None
    assert asyncio.run(kept.store.conversations()) == []


def test_a_pydantic_model_may_be_talked_to(tmp_path: Path) -> None:
    talk = run(
        tmp_path,
        "person: {name: Ada, age: 36, newsletter: true}\nexpect: {final: true, state: {name: Ada, newsletter: true}}",
        agent=f"{JOURNEYS}:Person",
    )
    assert visible_state(talk.state)["age"] == 36
