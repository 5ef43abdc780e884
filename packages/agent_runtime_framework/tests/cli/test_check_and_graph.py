"""`agent-runtime check` and `agent-runtime graph`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from agent_runtime_framework.cli.main import main
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.memory import MemoryManager
from agent_runtime_framework.testing import ScriptedLLM, call, say

EXAMPLES = Path(__file__).parents[4] / "examples"
MISTAKES = Path(__file__).parent.parent / "journey" / "check" / "mistakes"
DEAD_END = str(MISTAKES / "long" / "nothing_offered.py")
QUOTE = str(EXAMPLES / "quote.py")


def test_check_is_content_with_an_example(capsys: pytest.CaptureFixture[str]):
    code = main(["check", QUOTE, str(EXAMPLES / "cart.py")])

    assert code == 0
    assert capsys.readouterr().out == "nothing to complain of in 2 journeys\n"


def test_check_fails_with_place_and_way_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(MISTAKES)

    code = main(["check", "long/nothing_offered.py"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert lines[0].startswith("long/nothing_offered.py:")
    assert lines[0].endswith("error: nothing leaves `ask`: no tool is offered there and nothing moves on [dead-end]")
    assert lines[1].startswith("    offer a tool in `ask`, such as confirm")
    assert lines[-1] == "1 error, 2 warnings in 1 journey"


@pytest.mark.parametrize(
    ("mistake", "options", "code"),
    [
        ("short/unreachable.py", [], 0),
        ("short/unreachable.py", ["--strict"], 1),
        ("short/blocking_call.py", ["--strict"], 0),
        ("short/move_to_nowhere.py", [], 1),
    ],
)
def test_check_counts_errors_and_warnings_only_if_strict(mistake: str, options: list[str], code: int):
    assert main(["check", str(MISTAKES / mistake), *options]) == code


def test_check_leaves_out_hints_on_demand(capsys: pytest.CaptureFixture[str]):
    main(["check", str(MISTAKES / "short" / "blocking_call.py"), "--no-hints"])

    assert capsys.readouterr().out == "nothing to complain of in 1 journey\n"


def test_check_gives_json_for_programs(capsys: pytest.CaptureFixture[str]):
    main(["check", DEAD_END, "--format", "json"])

    found = json.loads(capsys.readouterr().out)
    first = found["journeys"][0]["findings"][0]
    assert found["errors"] == 1
    assert (first["code"], first["severity"], first["step"]) == ("dead-end", "error", "ask")
    assert first["file"] == DEAD_END
    assert first["line"] > 0


def test_check_needs_a_journey(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    path = tmp_path / "nothing_here.py"
    path.write_text("answer = 42\n", encoding="utf-8")

    assert main(["check", str(path)]) == 2
    assert "has no journey" in capsys.readouterr().err


def test_check_takes_a_pydantic_model(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    path = tmp_path / "a_model.py"
    path.write_text("from pydantic import BaseModel\n\n\nclass Person(BaseModel):\n    name: str\n", encoding="utf-8")

    assert main(["check", f"{path}:Person"]) == 0
    assert "1 journey" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("written", "name", "said"),
    [
        ("journey = FormJourney(Person)", "journey", "1 journey"),
        ("form = Form(Person, confirm=False)", "form", "1 journey"),
        ("def make(): return Person", "make", "1 journey"),
        ("def make(): return FormJourney(Person).agent()", "make", "1 journey"),
        ("make = 3", "make", ":make: nobody can talk to 3"),
        ("def make(x): return Person", "make", ":make: make cannot be made without arguments"),
    ],
)
def test_check_takes_whatever_chat_takes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, written: str, name: str, said: str
):
    path = tmp_path / f"subject_{abs(hash(written))}.py"
    path.write_text(
        "from pydantic import BaseModel\n\nfrom agent_runtime_framework.journey import Form, FormJourney\n\n\n"
        f"class Person(BaseModel):\n    name: str\n\n\n{written}\n",
        encoding="utf-8",
    )

    main(["check", f"{path}:{name}"])

    shown = capsys.readouterr()
    assert said in shown.out + shown.err


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ([], " "),
        (["--format", "mermaid"], "stateDiagram-v2"),
        (["--format", "svg"], "<svg "),
        (["--format", "html"], "<!doctype html>"),
        (["--format", "json"], "{"),
    ],
)
def test_graph_is_drawn_in_every_format(capsys: pytest.CaptureFixture[str], options: list[str], begins: str):
    assert main(["graph", QUOTE, *options]) == 0
    assert capsys.readouterr().out.startswith(begins)


def test_graph_is_written_as_the_ending_says(tmp_path: Path):
    path = tmp_path / "quote.svg"

    assert main(["graph", QUOTE, "--output", str(path)]) == 0
    assert path.read_text(encoding="utf-8").startswith("<svg ")


def test_graph_says_where_it_cannot_write(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert main(["graph", QUOTE, "--output", str(tmp_path / "nowhere" / "quote.svg")]) == 2
    assert "cannot be written" in capsys.readouterr().err


class Greeting(Journey):
    """The front desk."""

    ask = step("Ask for the name.")
    check = step("Check it.")
    done = step("Say goodbye.", final=True)

    @ask.tool(to=check)
    def save(self) -> str:
        """Save the name."""
        return "Saved."

    @check.tool(to=done)
    def confirm(self) -> str:
        """Confirm it."""
        return "Confirmed."


@pytest.mark.asyncio
async def test_graph_marks_where_a_conversation_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]):

    url = f"sqlite:///{tmp_path}/chat.db"
    memory = MemoryManager.from_url(url)
    agent = Greeting.agent(ScriptedLLM(call("save"), say("Is that right?")), memory=memory)
    await agent.chat("I am Ada", "ada")
    await memory.aclose()

    code = await asyncio.to_thread(main, ["graph", f"{__file__}:Greeting", "--conversation", "ada", "--store", url])

    assert code == 0
    assert capsys.readouterr().out.endswith("The conversation is in check, by ask.\n")


def test_graph_knows_no_conversation_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = main(["graph", QUOTE, "--conversation", "nobody", "--store", f"sqlite:///{tmp_path}/chat.db"])

    assert code == 2
    assert "there is no conversation 'nobody'" in capsys.readouterr().err
