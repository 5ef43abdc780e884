"""Holds the conversation of a scenario."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.making import Agent
from agent_runtime_framework.errors import AgentRuntimeError
from agent_runtime_framework.executor.asking import LLMClient
from agent_runtime_framework.testing.conversation.placing import placed
from agent_runtime_framework.testing.conversation.talk import Observer, Talk
from agent_runtime_framework.testing.person import Habits, Person
from agent_runtime_framework.testing.scenarios.errors import ExpectationFailed, Place, ScenarioError
from agent_runtime_framework.testing.scenarios.expecting import Failure, Found, failures
from agent_runtime_framework.testing.scenarios.scenario import Scenario, TurnOfScenario
from agent_runtime_framework.testing.scripted import ScriptedLLM


def run_scenario(scenario: Scenario, observers: Sequence[Observer] = ()) -> Talk[Any]:
    """Hold a scenario's conversation; returns it.

    Raises:
        ExpectationFailed: It did not go as expected.
        ScenarioError: The scenario does not fit the agent.
    """
    agent = _agent(scenario)
    model = _Cast(agent.llm_client)
    talk: Talk[Any] = Talk(agent, model, state=_beginning(scenario, agent), observers=observers)
    with talk:
        try:
            found = _held(scenario, talk, model)
        except (AgentRuntimeError, AssertionError) as error:
            place = _where(scenario, talk)
            raise ExpectationFailed([(place, f"{type(error).__name__}: {error}")], talk.explain()) from error
        found += failures(scenario.expect, _whole(talk))
        if found:
            raise ExpectationFailed(found, talk.explain())
        return talk


class _Cast:
    """Who answers: the script as long as there is one for the turn, else the agent's own model or the offline one."""

    def __init__(self, own: LLMClient | None) -> None:
        self._own = own
        self.script: ScriptedLLM | None = None

    async def generate(
        self, messages: list[JSONObject], *, tools: list[JSONObject] | None = None, **kwargs: Any
    ) -> Any:
        if self.script is not None:
            return await self.script.generate(messages, tools=tools, **kwargs)
        if self._own is None:
            from agent_runtime_core.llm.offline import OfflineClient

            self._own = OfflineClient()
        return await self._own.generate(messages, tools=tools, **kwargs)


def _agent(scenario: Scenario) -> Agent:
    from agent_runtime_framework.cli.targets import load_agent

    try:
        agent = copy.copy(load_agent(scenario.agent, base=scenario.place.file.parent))
    except AgentRuntimeError as error:
        raise ScenarioError([(scenario.place, f"agent {scenario.agent!r}: {error}")]) from error
    agent.memory = None  # a scenario leaves nothing behind
    return agent


def _beginning(scenario: Scenario, agent: Agent) -> Any:
    if not scenario.state and scenario.step is None:
        return None
    try:
        return placed(agent, scenario.step, scenario.state)
    except AgentRuntimeError as error:
        raise ScenarioError([(scenario.place, str(error))]) from error


def _held(scenario: Scenario, talk: Talk[Any], model: _Cast) -> list[Failure]:
    if scenario.person is not None:
        given = dict(scenario.person.options)
        habits = Habits(**given.pop("habits", {}))
        person = Person(record=scenario.person.record, habits=habits, **given)
        talk.meet(person, scenario.person.limit)
        return []
    return [failure for turn in scenario.turns for failure in _turn(turn, talk, model)]


def _turn(turn: TurnOfScenario, talk: Talk[Any], model: _Cast) -> list[Failure]:
    model.script = ScriptedLLM(*turn.model) if turn.model else None
    before = len(talk.exchanges)
    talk(*turn.user)
    left = model.script.remaining if model.script is not None else 0
    unused = [(turn.place, f"the model was asked for fewer replies than model: holds; {left} are left")] if left else []
    return [*unused, *failures(turn.expect, _part(talk, before))]


def _part(talk: Talk[Any], since: int) -> Found:
    exchanges = talk.exchanges[since:]
    moves = [move for each in exchanges for move in each.moves]
    return Found(
        step=talk.step_name,
        path=[exchanges[0].before, *(move.target for move in moves)] if exchanges else [talk.step_name],
        state=talk.visible,
        calls=[call for each in exchanges for call in each.calls],
        refused=[refusal for each in exchanges for refusal in each.refused],
        reply=talk.reply,
        is_over=talk.is_over,
        requests=sum(each.requests for each in exchanges),
    )


def _whole(talk: Talk[Any]) -> Found:
    return _part(talk, 0)


def _where(scenario: Scenario, talk: Talk[Any]) -> Place:
    """The turn that broke."""
    spoken = 0
    for turn in scenario.turns:
        spoken += len(turn.user)
        if spoken >= len(talk.exchanges):
            return turn.place
    return scenario.place
