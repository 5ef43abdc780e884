"""Every planted mistake is found, where it is, and nothing else is complained of."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agent_runtime_framework import JourneyAgent
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.check import Finding, Severity, check, finding_of

MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*/*.py"))
EXAMPLES = sorted((Path(__file__).parents[5] / "examples").rglob("*.py"))


def load(path: Path) -> ModuleType:
    name = f"checked_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def journeys_of(module: ModuleType) -> list[Any]:
    found: list[Any] = []
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__ and not inspect.isabstract(value):
            if issubclass(value, JourneyAgent):
                found.append(value())
            elif issubclass(value, Journey):
                found.append(value)
    return found


def findings(path: Path) -> list[Finding]:
    try:
        return [finding for journey in journeys_of(load(path)) for finding in check(journey)]
    except ConfigurationError as error:
        return [finding_of(error)]


def planted(path: Path) -> Counter[tuple[int, str]]:
    found: Counter[tuple[int, str]] = Counter()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        _, marker, codes = line.partition("# expect: ")
        if marker:
            found.update((number, code.strip()) for code in codes.split(","))
    return found


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_planted_mistake_is_found_where_it_is(path: Path):
    expected = planted(path)

    found = findings(path)

    serious = Counter((each.line, each.code) for each in found if each.severity is not Severity.HINT)
    hints = Counter((each.line, each.code) for each in found if each.severity is Severity.HINT)
    assert {each.file for each in found} == {str(path)}
    assert serious + (hints & expected) == expected, "\n".join(map(str, found))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_nothing_is_wrong_with_the_examples(path: Path):
    serious = [each for each in findings(path) if each.severity is not Severity.HINT]

    assert serious == []


def test_many_different_mistakes_are_planted():
    codes = {code for path in MISTAKES for _, code in planted(path)}

    assert len(MISTAKES) >= 60
    assert len(codes) >= 40


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_finding_says_what_to_do(path: Path):
    for each in findings(path):
        assert each.hint or each.code == "declaration"
        assert not each.message.endswith(".")


def test_every_code_is_explained_in_the_documentation():
    page = (Path(__file__).parents[5] / "docs" / "how-to" / "check.md").read_text(encoding="utf-8")
    codes = {code for path in MISTAKES for _, code in planted(path)}

    assert sorted(code for code in codes if f"`{code}`" not in page) == []
