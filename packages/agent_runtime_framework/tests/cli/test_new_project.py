"""The project that `agent-runtime new` writes works as it is."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agent_runtime_framework.cli.main import main

FILES = [
    ".dockerignore",
    ".gitignore",
    "Dockerfile",
    "README.md",
    "journey.py",
    "pyproject.toml",
    "tests/test_journey.py",
]


def agent_runtime(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    keyless = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, "-m", "agent_runtime_framework.cli.main", *arguments]
    return subprocess.run(command, cwd=cwd, env=keyless, capture_output=True, text=True, check=False)


@pytest.fixture(name="project")
def a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["new", "front-desk", "--into", str(tmp_path)]) == 0
    assert "agent-runtime chat journey.py" in capsys.readouterr().out
    return tmp_path / "front-desk"


def test_everything_is_there_and_named_after_the_project(project: Path):
    written = sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file())

    assert written == FILES
    assert "class FrontDesk(Journey):" in (project / "journey.py").read_text()
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"] == "front-desk"
    assert [path for path in written if "{{" in (project / path).read_text()] == []


def test_it_passes_its_own_check(project: Path):
    done = agent_runtime("check", "journey.py", cwd=project)

    assert (done.returncode, done.stdout + done.stderr) == (0, "nothing to complain of in 1 journey\n")


def test_it_passes_its_own_tests(project: Path):
    done = agent_runtime("test", cwd=project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_it_can_be_talked_to(project: Path):
    done = subprocess.run(
        [sys.executable, "-m", "agent_runtime_framework.cli.main", "chat", "journey.py", "--model", "offline"],
        input="free\nAda Lovelace\nada@example.org\nyes\n",
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "You are signed up. Welcome!" in done.stdout


def test_nothing_is_overwritten(project: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["new", "front-desk", "--into", str(project.parent)]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../evil", "a b", "1st", "class", "", "tests", "-x/y", "naïve"])
def test_a_name_that_cannot_be_used_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["new", "--into", str(tmp_path), "--", name]) == 2
    assert "cannot be called" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
