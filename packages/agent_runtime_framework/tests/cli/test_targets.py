from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_runtime_framework.cli.failures import UsageError, UserCodeError
from agent_runtime_framework.cli.targets import Target, load_agent, parse_target

AGENT = """
from dataclasses import dataclass
from agent_runtime_framework import BaseJourneyState, JourneyAgent

@dataclass
class State(BaseJourneyState[str]):
    step: str = "only"
    def is_complete(self): return False
    def to_dict(self): return {"step": self.step}
    @classmethod
    def from_dict(cls, data): return cls(**data)

class Base(JourneyAgent):
    def get_initial_state(self): return State()
    def get_system_prompt(self, state): return "Talk."
    def get_tool_schemas(self, state): return []
    def create_tools(self, state, ctx): return None
    async def execute_tool(self, tools, name, arguments): return ""
"""
ONE = f"{AGENT}\nclass One(Base):\n    key = 'one'\n"
TWO = f"{ONE}\nclass Two(Base):\n    key = 'two'\n"

Write = Callable[[str], str]
_numbers = itertools.count()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module under a name no other test uses; returns its path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)

    def written(text: str) -> str:
        path = tmp_path / f"cli_target_{next(_numbers)}.py"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("examples/quote.py", Target("examples/quote.py")),
        ("examples/quote.py:QuoteAgent", Target("examples/quote.py", "QuoteAgent")),
        ("C:\\work\\quote.py", Target("C:\\work\\quote.py")),
        ("C:\\work\\quote.py:agent", Target("C:\\work\\quote.py", "agent")),
        ("shop.agents", Target("shop.agents")),
        ("shop.agents:Quote.inner", Target("shop.agents", "Quote.inner")),
    ],
)
def test_a_target_is_a_path_or_a_module_and_perhaps_a_name(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["examples/", "a b", "shop-agents:X", ""])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="neither a Python file nor a module"):
        parse_target(text)


def test_the_only_agent_of_a_file_is_found(write: Write) -> None:
    # Base has no key yet, so it is no agent but a base class.
    assert load_agent(write(ONE)).key == "one"


@pytest.mark.parametrize("line", ["made = One()", "def made(): return One()", "made = One", "class made(One): pass"])
def test_a_name_may_be_an_instance_a_factory_or_a_class(write: Write, line: str) -> None:
    assert load_agent(f"{write(f'{ONE}{chr(10)}{line}')}:made").key == "one"


def test_an_instance_goes_before_classes(write: Write) -> None:
    assert load_agent(write(f"{TWO}\nready = Two()\n")).key == "two"


def test_of_several_the_one_called_agent_is_taken(write: Write) -> None:
    assert load_agent(write(f"{TWO}\ndef agent(): return Two()\n")).key == "two"


def test_of_several_others_one_has_to_be_named(write: Write) -> None:
    path = write(TWO)
    with pytest.raises(UsageError, match=r"2 agents; say which one:\n.*:One\n.*:Two"):
        load_agent(path)


def test_a_module_is_found_in_the_working_directory(write: Write) -> None:
    assert load_agent(f"{Path(write(ONE)).stem}:One").key == "one"


JOURNEY = """
from pydantic import BaseModel
from agent_runtime_framework.journey import FormJourney, Journey, step

class Part(Journey, abstract=True):
    name: str = ""

class Hello(Part):
    greet = step("Greet them.")

class Person(BaseModel):
    name: str
"""


@pytest.mark.parametrize(
    ("name", "key"), [("", "hello"), (":Hello", "hello"), (":Person", "person"), (":make", "person")]
)
def test_journeys_and_models_are_found_like_agents(write: Write, name: str, key: str) -> None:
    path = write(f"{JOURNEY}\ndef make(): return FormJourney(Person)\n")
    assert load_agent(f"{path}{name}").key == key


def test_a_path_may_be_relative_to_another_directory(write: Write, tmp_path: Path) -> None:
    path = Path(write(ONE))
    elsewhere = tmp_path / "tests"
    assert load_agent(f"../{path.name}", base=elsewhere).key == "one"


def test_a_file_of_a_package_may_import_its_siblings(write: Write, tmp_path: Path) -> None:
    package = tmp_path / "cli_target_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "base.py").write_text(ONE, encoding="utf-8")
    (package / "shop.py").write_text("from .base import One\nagent = One()\n", encoding="utf-8")
    assert load_agent(str(package / "shop.py")).key == "one"


def test_a_file_may_be_called_like_a_module_in_use(write: Write, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text(ONE, encoding="utf-8")
    assert load_agent(str(tmp_path / "json.py")).key == "one"


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (AGENT, "", "has no agent"),
        (ONE, "Onee", "did you mean 'One'"),
        (ONE, "zzz", "its agents are: One"),
        (f"{ONE}\nnumber = 3\n", "number", r":number: nobody can talk to 3 \(int\); expected a Journey class"),
        (f"{ONE}\ndef make(): return 3\n", "make", r":make: make\(\) made 3 \(int\); expected a Journey class"),
        (f"{ONE}\ndef make(x): return One()\n", "make", "cannot be made without arguments"),
        (AGENT, "Base", "not complete; it still has to implement: key"),
    ],
)
def test_what_is_no_agent_is_explained(write: Write, text: str, name: str, message: str) -> None:
    path = write(text)
    with pytest.raises(UsageError, match=message):
        load_agent(f"{path}:{name}" if name else path)


def test_a_missing_file_names_a_similar_one(write: Write) -> None:
    path = Path(write(ONE))
    with pytest.raises(UsageError, match=f"did you mean .*{path.name}"):
        load_agent(str(path.with_name(path.name.replace("target", "targte"))))


def test_a_missing_module_is_told_from_a_missing_import(write: Write) -> None:
    path = write("import not_there_at_all\n")
    with pytest.raises(UsageError, match="there is no module 'nowhere'"):
        load_agent("nowhere.agents:One")
    with pytest.raises(UserCodeError, match="No module named 'not_there_at_all'"):
        load_agent(Path(path).stem)


@pytest.mark.parametrize(
    "text", ["import not_there_at_all\n", "def f(:\n", "raise ValueError('mine')\n", "import sys; sys.exit(3)\n"]
)
def test_an_import_that_fails_shows_the_authors_lines_only(write: Write, text: str) -> None:
    path = write(text)
    with pytest.raises(UserCodeError) as caught:
        load_agent(path)
    assert "targets.py" not in str(caught.value)
    assert Path(path).stem not in sys.modules
