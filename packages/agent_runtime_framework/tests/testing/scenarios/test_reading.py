"""Scenario files and their form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent_runtime_framework.testing.scenarios.document import read_document
from agent_runtime_framework.testing.scenarios.errors import ScenarioError
from agent_runtime_framework.testing.scenarios.reading import read_scenarios
from agent_runtime_framework.testing.scenarios.scenario import ExpectedCall
from agent_runtime_framework.testing.scenarios.writing import SCHEMA, scenarios_text, target_from
from agent_runtime_framework.testing.scripted import Call, Say

FULL = """
agent: quote.py:Quote
scenarios:
  - name: written
    state: {kind: car}
    step: offer
    turns:
      - user: yes
        model: [{call: accept}, {say: Done}, [{say: and}, {call: pick, with: {kind: car}}], plain]
        expect:
          step: done
          path: [offer, done]
          state: {price: 580, born: 2026-03-01, ok: true, note: null}
          called: [accept, {pick: {kind: car}}]
          not_called: start_over
          refused: [nothing]
          reply: {equals: a, contains: [b, c], lacks: d, matches: e+}
          final: true
          requests: 3
      - user: [one, 2]
    expect: {refused: false}
  - name: simulated
    agent: other.module:Agent
    person: {name: Ada, age: 36}
    habits: {slips: 0.5}
    seed: 7
    language: de
    limit: 9
    skip: not yet
"""


def read(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "x.scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return read_scenarios(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read(tmp_path, text)
    return [f"{place.line}: {said}" for place, said in caught.value.problems]


def test_everything_a_file_may_say_is_read(tmp_path: Path) -> None:
    written, simulated = read(tmp_path, FULL).scenarios
    turn, second = written.turns
    assert (written.agent, written.step, written.state) == ("quote.py:Quote", "offer", {"kind": "car"})
    assert turn.model == (
        [Call("accept", {})],
        [Say("Done")],
        [Say("and"), Call("pick", {"kind": "car"})],
        [Say("plain")],
    )
    assert turn.expect.called == (ExpectedCall(name="accept"), ExpectedCall(name="pick", arguments={"kind": "car"}))
    assert turn.expect.state == {"price": 580, "born": "2026-03-01", "ok": True, "note": None}
    assert turn.expect.reply.contains == ("b", "c")
    assert (turn.expect.refused, written.expect.refused) == (("nothing",), False)
    assert second.user == ("one", "2")
    assert simulated.agent == "other.module:Agent"
    assert simulated.person.options == {"habits": {"slips": 0.5}, "seed": 7, "language": "de"}
    assert (simulated.person.limit, simulated.skip) == (9, "not yet")


@pytest.mark.parametrize("word", ["yes", "no", "on", "007", "1e3", "2026-03-01", "12:30", "null", "~", "true", "3.50"])
def test_what_somebody_says_is_never_anything_but_text(tmp_path: Path, word: str) -> None:
    (scenario,) = read(tmp_path, f"agent: a.py\nturns:\n  - user: {word}\n").scenarios
    assert scenario.turns[0].user == (word,)


def test_a_file_may_be_one_scenario(tmp_path: Path) -> None:
    (scenario,) = read(tmp_path, "agent: a.py\nturns:\n  - user: hi\n").scenarios
    assert (scenario.name, scenario.place.line) == ("x", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the file is empty; expected agent: and scenarios:"),
        ("a: [", "1: this is no YAML: expected the node content, but found '<stream end>'"),
        ("agent: a\nagent: b", "2: 'agent' stands here twice"),
        ("- a", "1: expected a scenario file, a mapping; found a list"),
        ("turns: [{user: a}]", "1: nobody is talked to; expected agent: path.py:Name or package.module:Name"),
        ("agent: a", "1: expected either turns:, what is said, or person:, who answers by themselves"),
        ("agent: a\nturns:\n- user: a\n  expect:\n    stpe: b", "5: expect: has no 'stpe'; did you mean 'step'?"),
        ("agent: a\nturns:\n- user: a\n  expect: {final: 1}", "4: expected true or false; found 1"),
        ("agent: a\nturns:\n- user: a\n  expect: {requests: x}", "4: expected a whole number; found 'x'"),
        ("agent: a\nturns:\n- user: a\n  expect: {state: x}", "4: expected a mapping; found 'x'"),
        ("agent: a\nturns:\n- user: {a: b}", "3: expected a text; found a mapping"),
        ("agent: a\nturns: hi", "2: expected a list; found 'hi'"),
        ("agent: a\nturns:\n- expect: {}", "3: a turn without user:, what the person says"),
        (
            "agent: a\nturns:\n- user: a\n  model: [{say: a, call: b}]",
            "4: expected either say:, words, or call:, a tool",
        ),
        ("agent: a\nturns: [{user: a}]\nseed: 3", "3: 'seed' belongs to a person:, and there is none"),
        ("agent: a\nscenarios: []\nname: x", "3: 'name' stands beside scenarios:; move it into one of them"),
        (
            "agent: a\nscenarios:\n- {name: x, turns: []}\n- {name: x, turns: []}",
            "3: two scenarios are called 'x'; rename one",
        ),
    ],
)
def test_what_cannot_be_meant_is_said_with_the_line(tmp_path: Path, text: str, expected: str) -> None:
    assert problems(tmp_path, text)[0] == expected


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "agent: a\nturns:\n- usr: a\n  expct: {}\n- user: b\n  expect: {final: x}")) == 4


def test_a_pattern_that_is_none_is_a_problem(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "agent: a\nturns:\n- user: a\n  expect:\n    reply: {matches: '('}")
    assert said.startswith("5: '(' is no regular expression")


def test_the_published_schema_takes_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.scenario.yaml"
    path.write_text(FULL, encoding="utf-8")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(read_document(path).plain(), schema)


@pytest.mark.parametrize(
    "text",
    [
        "agent: a",
        "agent: a\nturns:\n- usr: a",
        "agent: a\nturns:\n- user: a\n  expect: {stpe: b}",
        "agent: a\nturns:\n- user: a\n  expect: {final: 1}",
        "agent: a\nturns:\n- user: a\n  model: [{say: a, call: b}]",
        "agent: a\nturns: [{user: a}]\nseed: 3",
    ],
)
def test_the_published_schema_refuses_what_is_not(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.scenario.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read_document(path).plain(), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    turns = [{"user": word, "expect": {"step": "a"}} for word in ("yes", "no", "12", "ä: b", "two\nlines")]
    text = scenarios_text("a.py:B", [{"name": "x", "turns": turns}], "One.\nTwo.")
    assert text.startswith("# One.\n# Two.\nagent: a.py:B\n")
    (scenario,) = read(tmp_path, text).scenarios
    assert [turn.user[0] for turn in scenario.turns] == ["yes", "no", "12", "ä: b", "two\nlines"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("{}/quote.py:Quote", "../quote.py:Quote"),
        ("{}/quote.py", "../quote.py"),
        ("shop.quotes:Quote", "shop.quotes:Quote"),
    ],
)
def test_a_target_is_named_as_seen_from_the_file(tmp_path: Path, target: str, expected: str) -> None:
    assert target_from(target.format(tmp_path), tmp_path / "tests") == expected
