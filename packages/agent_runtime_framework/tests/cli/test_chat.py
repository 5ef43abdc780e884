"""`agent-runtime chat` as a process, with lines on its standard input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunCLI = Callable[..., Any]

FAILING = """
import sys
sys.path.insert(0, {examples!r})
from onboarding import OnboardingAgent

class Broken:
    async def generate(self, messages, *, tools=None, **kwargs):
        raise OSError("the line is dead")

def agent():
    return OnboardingAgent(llm_client=Broken())
"""

TILL = """
from pathlib import Path
from agent_runtime_framework import Journey, step

class Till(Journey):
    open = step("Serve them.")

    @open.tool(effect="{effect}")
    def pay(self, amount: int) -> str:
        with Path("paid").open("a") as file:
            file.write(f"{{amount}}\\n")
        return "Paid."

class Model:
    async def generate(self, messages, *, tools=None, **kwargs):
        from agent_runtime_core import LLMResponse
        last = messages[-1]
        if last["role"] == "tool":
            return LLMResponse({{"role": "assistant", "content": "told: " + last["content"]}})
        call = {{"id": "c1", "function": {{"name": "pay", "arguments": '{{"amount": 5}}'}}}}
        return LLMResponse({{"role": "assistant", "content": None, "tool_calls": [call]}})

agent = Till.agent(Model())
"""

OWN_STATE = """
import sys
sys.path.insert(0, {examples!r})
from onboarding import OnboardingAgent

KEPT = {{}}

class Own(OnboardingAgent):
    async def load_state(self, ctx):
        return KEPT.get(ctx.conversation_id)

    async def save_state(self, ctx, state):
        KEPT[ctx.conversation_id] = state
"""


def test_lines_from_a_pipe_are_a_conversation(run_cli: RunCLI, examples: Path) -> None:
    done = run_cli("chat", str(examples / "onboarding.py"), lines=["hi", "Ada"])
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "› hi",  # noqa: RUF001
        "Welcome to Acme! Could you tell me your name?",
        "› Ada",  # noqa: RUF001
        '  ✓ save_name(name="Ada")',
        "Saved. Nice to meet you, Ada. Could you tell me the email address?",
        "✓ welcome  ● collect_email  ○ choose_plan  ○ complete",
    ]


def test_the_fallback_to_the_offline_model_is_said_in_one_line_beside_the_conversation(
    run_cli: RunCLI, examples: Path
) -> None:
    done = run_cli("chat", str(examples / "onboarding.py"), lines=["hi"])
    assert sum("no model is configured, so the offline model answers" in each for each in done.stderr.splitlines()) == 1
    chosen = run_cli("chat", str(examples / "onboarding.py"), "--model", "offline", lines=["hi"])
    assert "no model is configured" not in chosen.stderr


def test_an_unnamed_conversation_from_a_pipe_leaves_nothing_behind(
    run_cli: RunCLI, examples: Path, tmp_path: Path
) -> None:
    run_cli("chat", str(examples / "onboarding.py"), lines=["hi"])
    assert list(tmp_path.iterdir()) == []


def test_a_named_conversation_goes_on_where_it_was(run_cli: RunCLI, examples: Path, tmp_path: Path) -> None:
    target = str(examples / "onboarding.py")
    run_cli("chat", target, "--conversation", "ada", lines=["hi", "Ada"])
    again = run_cli("chat", target, "--conversation", "ada", lines=["ada@example.org", "/steps"])
    assert "Welcome back" in again.stderr
    assert "Could you tell me the email address?" in again.stderr
    assert "✓ collect_email  save_email" in again.stdout
    assert "● choose_plan    choose_plan" in again.stdout
    assert (tmp_path / ".agent-runtime" / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_the_way_a_branching_conversation_took_is_remembered(run_cli: RunCLI, examples: Path) -> None:
    target = str(examples / "quote.py")
    run_cli("chat", target, "--conversation", "x", lines=["a home", "Berlin", "80"])
    again = run_cli("chat", target, "--conversation", "x")
    assert "✓ choose_kind  ○ car  ✓ home  ● offer  ○ insured  ○ declined" in again.stderr


def test_restart_forgets_the_conversation(run_cli: RunCLI, examples: Path) -> None:
    target = str(examples / "onboarding.py")
    run_cli("chat", target, "--conversation", "ada", lines=["hi", "Ada"])
    again = run_cli("chat", target, "--conversation", "ada", lines=["/restart", "/history", "/state"])
    assert "Nothing has been said yet." in again.stdout
    assert '"name": ""' in again.stdout
    assert "Welcome back" not in run_cli("chat", target, "--conversation", "ada").stderr


def test_slash_commands_answer(run_cli: RunCLI, examples: Path) -> None:
    lines = ["Ada", "/state", "/history", "/steps", "/tools", "/prompt", "/model", "/help", "/nonsense", "/quit", "hi"]
    done = run_cli("chat", str(examples / "onboarding.py"), lines=lines)
    assert done.returncode == 0
    for text in (
        '"name": "Ada"',
        '· save_name(name="Ada")',
        "● collect_email  save_email",
        "save_email(email: string)  Save the user's email address",
        "The user is called Ada.",
        "/quit       leave",
    ):
        assert text in done.stdout, text
    assert "There is no /nonsense; there are /state, /history" in done.stderr
    assert "hi" not in done.stdout.split("/quit")[-1].splitlines()


def test_a_model_that_cannot_be_used_leaves_the_present_one(run_cli: RunCLI, examples: Path) -> None:
    done = run_cli("chat", str(examples / "onboarding.py"), lines=["/model wat", "hi"])
    assert "'wat' names no provider" in done.stderr
    assert "Could you tell me your name?" in done.stdout


def test_a_journey_that_is_over_says_so(run_cli: RunCLI, examples: Path) -> None:
    lines = ["Ada", "ada@example.org", "pro", "thanks"]
    done = run_cli("chat", str(examples / "onboarding.py"), lines=lines)
    assert "The journey is over; /restart begins anew" in done.stderr
    assert done.stdout.rstrip().endswith("thanks")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_without_unicode_gets_ascii_signs(run_cli: RunCLI, examples: Path, encoding: str) -> None:
    done = run_cli("chat", str(examples / "onboarding.py"), lines=["Ada"], PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert "[x] welcome  [>] collect_email  [ ] choose_plan" in done.stdout


def test_a_turn_that_fails_in_a_pipe_ends_with_1_and_the_authors_traceback(
    run_cli: RunCLI, examples: Path, tmp_path: Path
) -> None:
    (tmp_path / "failing.py").write_text(FAILING.format(examples=str(examples)), encoding="utf-8")
    done = run_cli("chat", "failing.py", lines=["hi", "never said"])
    assert done.returncode == 1
    assert "OSError: the line is dead" in done.stderr
    assert "failing.py" in done.stderr
    assert "loop.py" not in done.stderr
    assert "never said" not in done.stdout


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["chat", "nowhere.py"], 2, "there is no file 'nowhere.py'"),
        (["chat", "{quote}", "--model", "openai/gpt-4o"], 2, "no OpenAI API key"),
        (["chat", "{quote}", "--model", "wat"], 2, "'wat' names no provider"),
        (["chat", "{quote}", "--store", "nosql://x"], 2, "no store is known by the URL 'nosql://x'"),
        (["chat", "{quote}", "--store", "sqlite:///missing/x.db"], 1, "there is no directory"),
        (["chat", "{quote}", "--conversation", "a\tb"], 2, "conversation_id 'a\\tb' cannot be used"),
        (["chat"], 2, "the following arguments are required: target"),
    ],
)
def test_what_cannot_be_is_explained(run_cli: RunCLI, examples: Path, args: list[str], code: int, message: str) -> None:
    done = run_cli(*(each.format(quote=examples / "quote.py") for each in args), lines=["hi"])
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_conversation_of_another_agent_is_refused(run_cli: RunCLI, examples: Path) -> None:
    run_cli("chat", str(examples / "onboarding.py"), "--conversation", "ada", lines=["Ada"])
    done = run_cli("chat", str(examples / "quote.py"), "--conversation", "ada", lines=["hi"])
    assert done.returncode == 2
    assert "held with another agent than 'quote'" in done.stderr


def test_a_state_that_no_longer_fits_names_the_way_out(run_cli: RunCLI, examples: Path, tmp_path: Path) -> None:
    changed = (examples / "onboarding.py").read_text(encoding="utf-8").replace('"collect_email"', '"ask_email"')
    (tmp_path / "changed.py").write_text(changed, encoding="utf-8")
    run_cli("chat", str(examples / "onboarding.py"), "--conversation", "ada", lines=["Ada"])
    done = run_cli("chat", "changed.py", "--conversation", "ada", lines=["hi"])
    assert done.returncode == 1
    assert "'collect_email'" in done.stderr
    assert "--restart forgets it" in done.stderr
    kept = run_cli("chat", str(examples / "onboarding.py"), "--conversation", "ada", lines=["/state"])
    assert '"name": "Ada"' in kept.stdout


def test_a_person_can_play_the_model_from_a_pipe(run_cli: RunCLI, examples: Path) -> None:
    lines = ["hello", '2 {"email": "ada@example.org"}', "", "1", "Ada", "", "And your email?"]
    done = run_cli("chat", str(examples / "onboarding.py"), "--model", "me", lines=lines)
    assert done.returncode == 0
    assert "refused: Error: Unknown tool 'save_email'. Offered now: save_name." in done.stdout
    assert '✓ save_name(name="Ada")' in done.stdout
    assert "● collect_email" in done.stdout


def test_an_example_runs_by_itself(examples: Path, tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    environment = {name: value for name, value in os.environ.items() if "API_KEY" not in name}
    done = subprocess.run(
        [sys.executable, str(examples / "quote.py")],
        input="my car\n", cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "choose_kind(kind=" in done.stdout


@pytest.mark.parametrize(("effect", "kept"), [("once", "whether it took effect is unknown"), ("read", "runs again")])
def test_a_crash_in_a_call_is_gone_on_behind(run_cli: RunCLI, tmp_path: Path, effect: str, kept: str) -> None:
    (tmp_path / "till.py").write_text(TILL.format(effect=effect), encoding="utf-8")
    first = run_cli("chat", "till.py", "--conversation", "c", lines=["/crash", "pay 5", "never said"])
    assert first.returncode == 137
    assert "Killed in the middle of the call" in first.stderr
    assert (tmp_path / "paid").read_text() == "5\n"

    again = run_cli("chat", "till.py", "--conversation", "c", lines=["/history"])
    assert again.returncode == 0, again.stderr
    assert "The last process died in the middle of turn 1. This was kept:" in again.stderr
    assert "the model's reply, which calls pay" in again.stderr
    assert kept in again.stderr
    assert "told: " in again.stdout
    assert (tmp_path / "paid").read_text() == "5\n" * (1 if effect == "once" else 2)
    assert "died" not in run_cli("chat", "till.py", "--conversation", "c").stderr


def test_an_agent_that_keeps_its_own_state_is_talked_to_all_the_same(
    run_cli: RunCLI, examples: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(OWN_STATE.format(examples=str(examples)), encoding="utf-8")
    done = run_cli("chat", "own.py", lines=["Ada", "/crash"])
    assert done.returncode == 0
    assert "● collect_email" in done.stdout
    assert "keeps its state itself" in done.stderr
