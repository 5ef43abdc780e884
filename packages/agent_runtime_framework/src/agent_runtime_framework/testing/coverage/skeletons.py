"""Scenarios for what no conversation reached, to be completed by a person.

A skeleton begins in the step itself and lets a scripted model call the tool with sample arguments. One that passes as
it is stays a test; one that needs a state, or words, that only its author knows is skipped until it is completed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.making import Agent
from agent_runtime_framework.testing.conversation.placing import placed
from agent_runtime_framework.testing.coverage.reach import Reach, off_topic, refused_in
from agent_runtime_framework.testing.scenarios.errors import ExpectationFailed, ScenarioError
from agent_runtime_framework.testing.scenarios.reading import read_scenarios
from agent_runtime_framework.testing.scenarios.running import run_scenario
from agent_runtime_framework.testing.scenarios.writing import scenarios_text, target_from
from agent_runtime_framework.tools.compiled import offered

TO_COMPLETE = "to be completed"
DIGRESSION = "Is it raining where you are?"
MOST_TRIALS = 12
"""How many sample arguments are tried for one move."""

_REMARK = """\
Skeletons of scenarios for what no conversation reached.
Put real words, states and expectations in; delete `skip` where there is one, and what is not worth a test."""


def write_skeletons(reach: Reach, directory: Path) -> Path | None:
    """Write the skeletons of one journey; returns the file, or None if nothing is missing or can be written.

    An existing file is never touched.
    """
    path = _free(directory, reach.name)
    if not reach.target or not any(reach.missing(kind) for kind in ("moves", "guards", "mishaps")):
        return None
    from agent_runtime_framework.cli.targets import load_agent

    agent = load_agent(reach.target)
    directory.mkdir(parents=True, exist_ok=True)
    target = target_from(reach.target, directory)
    scenarios = [_settled(candidates, target, path) for candidates in _skeletons(reach, agent)]
    path.write_text(scenarios_text(target, scenarios, _REMARK), encoding="utf-8")
    return path


def _free(directory: Path, name: str) -> Path:
    for number in itertools.count(1):
        path = directory / f"{name.lower()}_missing{'' if number == 1 else number}.scenario.yaml"
        if not path.exists():
            return path
    raise AssertionError  # numbers do not end


def _skeletons(reach: Reach, agent: Agent) -> Iterator[list[JSONObject]]:
    """For everything that is missing, the scenarios that may do, the likeliest first."""
    for move in reach.missing("moves"):
        way, _, tool = move.partition(" by ")
        source, _, target = way.partition(" -> ")
        yield _of_move(agent, move, source, target, tool)
    for guard in reach.missing("guards"):
        yield [{"name": guard, "skip": TO_COMPLETE, "state": {}, "turns": [{"user": "…"}]}]
    mishaps = reach.missing("mishaps")
    for step in reach.there["steps"]:
        if off_topic(step) in mishaps:
            expect: JSONObject = {"step": step}
            yield [{"name": off_topic(step), "step": step, "turns": [{"user": DIGRESSION, "expect": expect}]}]
    for step in reach.there["steps"]:
        if refused_in(step) in mishaps:
            yield _of_refusal(agent, step, reach.there["steps"])
    known = {text(step) for text in (off_topic, refused_in) for step in reach.there["steps"]}
    for mishap in mishaps:
        if mishap not in known:
            yield [{"name": mishap, "skip": TO_COMPLETE, "turns": [{"user": "…"}]}]


def _of_refusal(agent: Agent, step: str, steps: list[str]) -> list[JSONObject]:
    """A model that calls what belongs to other steps."""
    own = _tools_of(agent, step)
    others = [tool for each in steps for tool in _tools_of(agent, each) if tool not in own]
    name: JSONObject = {"name": refused_in(step), "step": step}
    return [
        {
            **name,
            "turns": [
                {
                    "user": f"(what makes the model call {tool} too early)",
                    "model": [{"call": tool}, {"say": "…"}],
                    "expect": {"step": step, "refused": [tool]},
                }
            ],
        }
        for tool in others[:1]
    ] or [{**name, "skip": TO_COMPLETE, "turns": [{"user": "…"}]}]


def _of_move(agent: Agent, name: str, source: str, target: str, tool: str) -> list[JSONObject]:
    expect: JSONObject = {"step": target}
    if not tool:
        return [{"name": name, "skip": TO_COMPLETE, "step": source, "turns": [{"user": "…", "expect": expect}]}]
    expect = {"path": [source, target], "called": [tool]}
    return [
        {
            "name": name,
            "step": source,
            "turns": [
                {
                    "user": f"(what makes the model call {tool})",
                    "model": [{"call": tool, "with": arguments}, {"say": "…"}],
                    "expect": expect,
                }
            ],
        }
        for arguments in _samples(agent, source, tool)
    ]


def _settled(candidates: list[JSONObject], target: str, path: Path) -> JSONObject:
    """The first scenario that passes; else the first of all, to be completed."""
    for scenario in candidates:
        if "skip" in scenario or _passes(scenario, target, path):
            return scenario
        # A step that waits for the person is answered only once it was presented.
        later = {**scenario, "turns": [{"user": "hello", "model": [{"say": "…"}]}, *scenario["turns"]]}
        if _passes(later, target, path):
            return later
    first = candidates[0]
    return {"name": first["name"], "skip": TO_COMPLETE, **first}


def _passes(scenario: JSONObject, target: str, path: Path) -> bool:
    trial = path.with_name(f".{path.name}")
    trial.write_text(scenarios_text(target, [scenario]), encoding="utf-8")
    try:
        (read,) = read_scenarios(trial).scenarios
        run_scenario(read)
    except (ExpectationFailed, ScenarioError):
        return False
    except Exception:  # noqa: BLE001  the author's code, in a state that may never occur
        return False
    finally:
        trial.unlink()
    return True


def _samples(agent: Agent, step: str, tool: str) -> list[JSONObject]:
    """Arguments that fit a tool's schema, with every choice it offers."""
    schema = _schema_of(agent, step, tool)
    properties = cast("dict[str, JSONObject]", schema.get("properties", {}))
    definitions = cast("JSONObject", schema.get("$defs", {}))
    required = schema.get("required", list(properties))
    choices = [_values(properties[name], definitions) for name in required if name in properties]
    names = [name for name in required if name in properties]
    combinations = itertools.islice(itertools.product(*choices), MOST_TRIALS)
    return [dict(zip(names, values, strict=True)) for values in combinations] or [{}]


def _schema_of(agent: Agent, step: str, tool: str) -> JSONObject:
    return _tools_of(agent, step).get(tool, {})


def _tools_of(agent: Agent, step: str) -> dict[str, JSONObject]:
    """The tools of a step, with the schemas of their arguments."""
    try:
        there = placed(agent, step)
        schemas = [offered(each) for each in agent.get_tool_schemas(there) or ()]
    except Exception:  # noqa: BLE001  the author's code, asked about a state that may never occur
        return {}
    return {each.name: cast("JSONObject", each.wire["function"].get("parameters", {})) for each in schemas}


def _values(schema: JSONObject, definitions: JSONObject) -> list[Any]:
    if "$ref" in schema:
        return _values(definitions.get(str(schema["$ref"]).rsplit("/", 1)[-1], {}), definitions)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _values(schema[several][0], definitions)
    if "enum" in schema:
        return list(schema["enum"])
    if "const" in schema:
        return [schema["const"]]
    match schema.get("type"):
        case "boolean":
            return [True, False]
        case "integer" | "number":
            return [schema.get("minimum", 1)]
        case "array":
            return [[]]
        case "object":
            return [{}]
        case _:
            formats = {"date": "2030-01-01", "date-time": "2030-01-01T12:00:00", "email": "ada@example.org"}
            return [formats.get(str(schema.get("format")), "Ada")]
