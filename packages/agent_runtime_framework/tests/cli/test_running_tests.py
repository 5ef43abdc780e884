"""`agent-runtime test`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunCLI = Callable[..., Any]

JOURNEYS = Path(__file__).parents[1] / "testing" / "journeys.py"
GOOD = "agent: journeys.py:Quote\nname: a car\nturns:\n- user: car\n  expect: {step: car}\n"
BAD = "agent: journeys.py:Quote\nname: a home\nturns:\n- user: home\n  expect: {step: car}\n"
SKIPPED = "agent: journeys.py:Quote\nname: later\nskip: not yet\nturns: []\n"
BROKEN = "agent: journeys.py:Quote\nturn: []\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "journeys.py").write_text(JOURNEYS.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "good.scenario.yaml").write_text(GOOD, encoding="utf-8")
    ini = "[pytest]\nasyncio_default_fixture_loop_scope = function\naddopts = -p no:cacheprovider\n"
    (tmp_path / "pytest.ini").write_text(ini, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--scenarios-only"]], ids=["pytest", "alone"])
def test_scenarios_that_pass_end_with_zero(project: Path, run_cli: RunCLI, options: list[str]) -> None:
    done = run_cli("test", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("options", [[], ["--scenarios-only"]], ids=["pytest", "alone"])
def test_one_that_fails_is_told_with_line_and_conversation(project: Path, run_cli: RunCLI, options: list[str]) -> None:
    (project / "bad.scenario.yaml").write_text(BAD, encoding="utf-8")
    done = run_cli("test", *options, "bad.scenario.yaml", "good.scenario.yaml")
    assert done.returncode == 1
    assert "bad.scenario.yaml:5: the step is 'home', expected 'car'" in done.stdout
    assert "> home" in done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("options", [[], ["--scenarios-only"]], ids=["pytest", "alone"])
def test_coverage_and_skeletons_are_written(project: Path, run_cli: RunCLI, options: list[str]) -> None:
    done = run_cli("test", *options, "--coverage-json", "reached.json", "--skeletons", "missing")
    assert "Quote  steps 2/6" in done.stdout
    assert json.loads((project / "reached.json").read_text(encoding="utf-8"))["journeys"][0]["name"] == "Quote"
    assert (project / "missing" / "quote_missing.scenario.yaml").exists()


def test_alone_it_tells_every_verdict(project: Path, run_cli: RunCLI) -> None:
    for name, text in (("bad", BAD), ("later", SKIPPED), ("broken", BROKEN)):
        (project / f"{name}.scenario.yaml").write_text(text, encoding="utf-8")
    done = run_cli("test", "--scenarios-only", ".")
    assert [line for line in done.stdout.splitlines() if line[:1].isupper()][0::1] == [
        "FAILED  bad.scenario.yaml::a home",
        "FAILED  broken.scenario.yaml",
        "PASSED  good.scenario.yaml::a car",
        "SKIPPED later.scenario.yaml::later",
    ]
    assert "broken.scenario.yaml:2: a scenario file has no 'turn'; did you mean 'turns'?" in done.stdout
    assert done.stdout.endswith("1 passed, 2 failed, 1 skipped\n")


@pytest.mark.parametrize("options", [[], ["--scenarios-only"]], ids=["pytest", "alone"])
def test_words_choose(project: Path, run_cli: RunCLI, options: list[str]) -> None:
    (project / "bad.scenario.yaml").write_text(BAD, encoding="utf-8")
    assert run_cli("test", *options, "-k", "car").returncode == 0
    assert run_cli("test", *options, "good.scenario.yaml::a car").returncode == 0


@pytest.mark.parametrize("options", [[], ["--scenarios-only"]], ids=["pytest", "alone"])
def test_nothing_to_run_is_no_success(tmp_path: Path, run_cli: RunCLI, options: list[str]) -> None:
    done = run_cli("test", *options)
    assert done.returncode == 1
    assert "nothing to run" in done.stdout + done.stderr


def test_a_path_that_is_not_there_is_wrongly_asked_for(run_cli: RunCLI) -> None:
    done = run_cli("test", "nowhere")
    assert done.returncode == 2
    assert "there is no 'nowhere' here" in done.stderr


def test_the_schema_is_printed(run_cli: RunCLI) -> None:
    assert json.loads(run_cli("test", "--schema").stdout)["title"] == "Scenarios of conversations"
