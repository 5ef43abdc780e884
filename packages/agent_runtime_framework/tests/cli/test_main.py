from __future__ import annotations

import subprocess
import sys

import pytest

from agent_runtime_core import __version__
from agent_runtime_framework.cli.main import COMMANDS, main

HEAVY = ("rich", "prompt_toolkit", "pydantic", "openai", "anthropic", "litellm", "sqlite3")


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["chat", "--help"], ["models", "--help"]])
def test_help_loads_nothing_heavy(argv: list[str]) -> None:
    code = f"""
import sys
from agent_runtime_framework.cli.main import main
try:
    main({argv!r})
except SystemExit as done:
    assert not done.code
loaded = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(" ".join(loaded) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert __version__ in capsys.readouterr().out


def test_without_a_command_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["talk"])
    assert ended.value.code == 2
    assert "choose from 'chat', " in capsys.readouterr().err
