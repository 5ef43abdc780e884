"""The page about the promise names tests; they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FRAMEWORK = ROOT / "packages/agent_runtime_framework"
PLACES = (FRAMEWORK / "tests", FRAMEWORK / "src/agent_runtime_framework")
PAGE = (ROOT / "docs/promise.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))
CLAUSES = [part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:] if "| kept by |" in part]


def names_in(file: str) -> set[str]:
    (path,) = [place / file for place in PLACES if (place / file).is_file()]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {each.name for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(each, functions)}


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_is_named_is_there(file: str, test: str) -> None:
    assert test in names_in(file)


def test_every_clause_names_what_keeps_it_and_where_it_ends() -> None:
    # As many clauses as the promise has sentences.
    assert len(CLAUSES) == 5
    for clause in CLAUSES:
        assert "::test_" in clause, clause[:60]
        assert "Where it ends:" in clause, clause[:60]


def test_nothing_is_named_in_a_form_that_would_not_be_looked_at() -> None:
    assert set(re.findall(r"\btest_\w+(?!\w|\.py)", PAGE)) == {test for _, test in NAMED}
