from __future__ import annotations

from collections.abc import Callable
from typing import Any

RunCLI = Callable[..., Any]


def test_what_is_missing_is_named(run_cli: RunCLI) -> None:
    done = run_cli("models", "--no-probe")
    assert done.returncode == 0
    assert "OPENAI_API_KEY" in done.stdout
    assert "--model offline" in done.stdout
    assert "Nothing is configured" in done.stdout


def test_a_key_is_never_shown(run_cli: RunCLI) -> None:
    done = run_cli("models", "--no-probe", OPENAI_API_KEY="sk-canary")
    assert "configured" in done.stdout
    assert "sk-canary" not in done.stdout + done.stderr


def test_a_configuration_that_cannot_work_ends_with_2(run_cli: RunCLI) -> None:
    done = run_cli("models", "--no-probe", AGENT_RUNTIME_DEFAULT_MODEL="anthropic/claude-sonnet-5-5")
    assert done.returncode == 2
    assert "What is configured cannot be used" in done.stdout
