"""From a scenario file to scenarios; everything that is wrong with it is said at once, with the lines."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from agent_runtime_framework.testing.scenarios.document import Node, read_document
from agent_runtime_framework.testing.scenarios.errors import Place, ScenarioError
from agent_runtime_framework.testing.scenarios.scenario import (
    Expectation,
    ExpectedCall,
    ExpectedReply,
    ModelReply,
    PersonOfScenario,
    Scenario,
    ScenarioFile,
    TurnOfScenario,
)
from agent_runtime_framework.testing.scripted import Call, Say

T = TypeVar("T")

SUFFIXES = (".scenario.yaml", ".scenario.yml")

_SCENARIO = (
    "name",
    "agent",
    "turns",
    "person",
    "habits",
    "seed",
    "language",
    "limit",
    "state",
    "step",
    "expect",
    "skip",
)
_EXPECT = ("step", "path", "state", "called", "not_called", "refused", "reply", "final", "requests")


def is_scenario_file(path: Path) -> bool:
    """True if a file's name says that it holds scenarios."""
    return path.name.endswith(SUFFIXES)


def read_scenarios(path: Path) -> ScenarioFile:
    """The scenarios of a file.

    Raises:
        ScenarioError: Something in it cannot be meant.
    """
    return _Reader().file(path)


class _Reader:
    def __init__(self) -> None:
        self.problems: list[tuple[Place, str]] = []

    def file(self, path: Path) -> ScenarioFile:
        root = read_document(path)
        members = self._members(root, (*_SCENARIO, "scenarios"), "a scenario file")
        many = members.pop("scenarios", None)
        if many is None:
            found = [self._scenario(Node(root.place, "", members), "", path)]
        else:
            agent = self._text(members.pop("agent", None))
            for name, node in members.items():
                self._wrong(node.place, f"{name!r} stands beside scenarios:; move it into one of them")
            found = [self._scenario(each, agent, path) for each in self._list(many)]
        names = [each.name for each in found]
        for each in found:
            if names.count(each.name) > 1:
                self._wrong(each.place, f"two scenarios are called {each.name!r}; rename one")
        if self.problems:
            raise ScenarioError(sorted(self.problems, key=lambda problem: problem[0].line))
        return ScenarioFile(path=path, scenarios=tuple(found))

    def _scenario(self, node: Node, agent: str, path: Path) -> Scenario:
        given = self._members(node, _SCENARIO, "a scenario")
        agent = self._text(given.get("agent")) or agent
        if not agent:
            self._wrong(node.place, "nobody is talked to; expected agent: path.py:Name or package.module:Name")
        if ("turns" in given) == ("person" in given):
            self._wrong(node.place, "expected either turns:, what is said, or person:, who answers by themselves")
        return Scenario(
            name=self._text(given.get("name")) or path.name.partition(".")[0],
            place=node.place,
            agent=agent,
            turns=tuple(self._turn(each) for each in self._list(given.get("turns"))),
            person=self._person(given),
            state=self._mapping(given.get("state")),
            step=self._text(given.get("step")) or None,
            expect=self._expectation(given.get("expect")),
            skip=self._text(given.get("skip")),
        )

    def _person(self, given: Mapping[str, Node]) -> PersonOfScenario | None:
        node = given.get("person")
        if node is None:
            for name in ("habits", "seed", "language", "limit"):
                if name in given:
                    self._wrong(given[name].place, f"{name!r} belongs to a person:, and there is none")
            return None
        options: dict[str, Any] = {}
        if "habits" in given:
            options["habits"] = self._mapping(given["habits"])
        if "seed" in given:
            options["seed"] = self._number(given["seed"])
        if "language" in given:
            options["language"] = self._text(given["language"])
        limit = self._number(given["limit"]) if "limit" in given else 30
        return PersonOfScenario(record=self._mapping(node), place=node.place, options=options, limit=limit)

    def _turn(self, node: Node) -> TurnOfScenario:
        given = self._members(node, ("user", "model", "expect"), "a turn")
        if "user" not in given:
            self._wrong(node.place, "a turn without user:, what the person says")
        return TurnOfScenario(
            user=self._texts(given.get("user")),
            place=node.place,
            model=tuple(self._reply(each) for each in self._list(given.get("model"))),
            expect=self._expectation(given.get("expect")),
        )

    def _reply(self, node: Node) -> ModelReply:
        parts = node.value if isinstance(node.value, list) else [node]
        return [part for each in parts if (part := self._part(each)) is not None]

    def _part(self, node: Node) -> Say | Call | None:
        if not isinstance(node.value, dict):
            return Say(self._text(node))
        given = self._members(node, ("say", "call", "with"), "a reply of the model")
        if ("say" in given) == ("call" in given):
            self._wrong(node.place, "expected either say:, words, or call:, a tool")
            return None
        if "say" in given:
            return Say(self._text(given["say"]))
        return Call(self._text(given["call"]), self._mapping(given.get("with")))

    def _expectation(self, node: Node | None) -> Expectation:
        if node is None:
            return Expectation()
        given = self._members(node, _EXPECT, "expect:")
        readers: dict[str, Callable[[Node], Any]] = {
            "step": self._text,
            "path": self._texts,
            "state": self._mapping,
            "called": self._calls,
            "not_called": self._texts,
            "refused": self._refused,
            "reply": self._expected_reply,
            "final": self._switch,
            "requests": self._number,
        }
        read = {name: readers[name](each) for name, each in given.items()}
        return Expectation(**read, places={name: each.place for name, each in given.items()})

    def _calls(self, node: Node) -> tuple[ExpectedCall, ...]:
        return tuple(call for each in self._one_or_many(node) for call in self._call(each))

    def _call(self, node: Node) -> Iterable[ExpectedCall]:
        if isinstance(node.value, dict):
            return [ExpectedCall(name=name, arguments=self._mapping(each)) for name, each in node.value.items()]
        return [ExpectedCall(name=self._text(node))]

    def _refused(self, node: Node) -> bool | tuple[str, ...]:
        return node.value if isinstance(node.value, bool) else self._texts(node)

    def _expected_reply(self, node: Node) -> ExpectedReply:
        if not isinstance(node.value, dict):
            return ExpectedReply(contains=self._texts(node))
        given = self._members(node, ("equals", "contains", "lacks", "matches"), "reply:")
        patterns = self._texts(given.get("matches"))
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                self._wrong(given["matches"].place, f"{pattern!r} is no regular expression: {error}")
        return ExpectedReply(
            equals=self._text(given["equals"]) if "equals" in given else None,
            contains=self._texts(given.get("contains")),
            lacks=self._texts(given.get("lacks")),
            matches=patterns,
        )

    def _members(self, node: Node, known: tuple[str, ...], what: str) -> dict[str, Node]:
        if not isinstance(node.value, dict):
            self._wrong(node.place, f"expected {what}, a mapping; found {node.kind}")
            return {}
        for name, each in node.value.items():
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; it has: {', '.join(known)}"
                self._wrong(each.place, f"{what} has no {name!r}{hint}")
        return {name: each for name, each in node.value.items() if name in known}

    def _mapping(self, node: Node | None) -> dict[str, Any]:
        if node is None:
            return {}
        if node.value is None or isinstance(node.value, dict):
            return node.plain() or {}
        self._wrong(node.place, f"expected a mapping; found {node.kind}")
        return {}

    def _list(self, node: Node | None) -> list[Node]:
        if node is None:
            return []
        if isinstance(node.value, list):
            return node.value
        self._wrong(node.place, f"expected a list; found {node.kind}")
        return []

    def _one_or_many(self, node: Node) -> list[Node]:
        return node.value if isinstance(node.value, list) else [node]

    def _texts(self, node: Node | None) -> tuple[str, ...]:
        return () if node is None else tuple(self._text(each) for each in self._one_or_many(node))

    def _text(self, node: Node | None) -> str:
        if node is None:
            return ""
        if isinstance(node.value, (dict, list)):
            self._wrong(node.place, f"expected a text; found {node.kind}")
        return node.text

    def _switch(self, node: Node) -> bool | None:
        return self._typed(node, bool, "true or false")

    def _number(self, node: Node) -> int:
        return self._typed(node, int, "a whole number") or 0

    def _typed(self, node: Node, kind: type[T], what: str) -> T | None:
        if type(node.value) is kind:
            return node.value
        self._wrong(node.place, f"expected {what}; found {node.kind}")
        return None

    def _wrong(self, place: Place, text: str) -> None:
        self.problems.append((place, text))
