"""`/save-test`: the conversation just held becomes a test that passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunCLI = Callable[..., Any]

JOURNEYS = str(Path(__file__).parents[1] / "testing" / "journeys.py")
CAR = ["car", "W-123, 40000 km, I'm 30"]


def test_what_was_held_is_saved_and_passes(run_cli: RunCLI, tmp_path: Path) -> None:
    done = run_cli("chat", f"{JOURNEYS}:Quote", lines=[*CAR, "/save-test a_car"])
    assert "Saved as a_car.scenario.yaml, held by the offline model; it passes." in done.stdout
    assert run_cli("test", "--scenarios-only", "a_car.scenario.yaml").stdout.endswith("1 passed\n")


def test_the_conversation_goes_on_untouched(run_cli: RunCLI, tmp_path: Path) -> None:
    done = run_cli("chat", f"{JOURNEYS}:Quote", lines=["car", "/save-test one", CAR[1], "/save-test two", "/state"])
    assert '"step": "offer"' in done.stdout
    assert "Saved as two.scenario.yaml" in done.stdout


def test_an_agent_object_of_the_module_is_not_disturbed(run_cli: RunCLI, tmp_path: Path) -> None:
    text = Path(JOURNEYS).read_text(encoding="utf-8")
    (tmp_path / "shop.py").write_text(f"{text}\n\nagent = Quote.agent()\n", encoding="utf-8")
    options = ["chat", "shop.py", "--conversation", "ada", "--store", "sqlite:///chat.db"]
    done = run_cli(*options, lines=["car", "/save-test one", "/history"])
    assert "Saved as one.scenario.yaml" in done.stdout
    assert done.stdout.split("/history")[1].count("car") == 2  # said once, called with once


def test_without_a_name_it_goes_to_the_tests(run_cli: RunCLI, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    run_cli("chat", f"{JOURNEYS}:Quote", "--conversation", "ada: 1", lines=["car", "/save-test"])
    assert (tmp_path / "tests" / "ada__1.scenario.yaml").exists()


def test_tools_with_effects_run_again_only_if_that_is_said(run_cli: RunCLI, tmp_path: Path) -> None:
    lines = [*CAR, "yes please", "/save-test bought", "/save-test bought again"]
    done = run_cli("chat", f"{JOURNEYS}:Quote", lines=lines)
    assert "accept would run again, and is declared to have effects" in done.stderr
    assert done.stdout.count("Saved as bought.scenario.yaml") == 1


def test_a_file_that_is_there_is_left_alone(run_cli: RunCLI, tmp_path: Path) -> None:
    (tmp_path / "mine.scenario.yaml").write_text("mine", encoding="utf-8")
    done = run_cli("chat", f"{JOURNEYS}:Quote", lines=["car", "/save-test mine.scenario.yaml"])
    assert "Not saved: mine.scenario.yaml exists already" in done.stderr


@pytest.mark.parametrize("lines", [["/save-test x"]])
def test_nothing_said_is_nothing_saved(run_cli: RunCLI, lines: list[str]) -> None:
    assert "nothing was said yet" in run_cli("chat", f"{JOURNEYS}:Quote", lines=lines).stderr


def test_what_a_person_played_as_the_model_comes_with_the_file(run_cli: RunCLI, tmp_path: Path) -> None:
    played = ["the usual", 'pick {"kind": "home"}', "", "Which city?", "/save-test played"]
    done = run_cli("chat", f"{JOURNEYS}:Quote", "--model", "me", lines=played)
    assert "Saved as played.scenario.yaml, with the model's answers as they were; it passes." in done.stdout
    assert "call: pick" in (tmp_path / "played.scenario.yaml").read_text(encoding="utf-8")
