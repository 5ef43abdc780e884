"""`agent-runtime replay`, with a journey that was changed since."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from agent_runtime_framework.cli.main import main
from agent_runtime_framework.cli.targets import load_agent
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.testing import ScriptedLLM, call, say

JOURNEY = """
from agent_runtime_framework import Journey, step

class Order(Journey):
    size: str = ""
    choose = step("Ask for the size.")
    check = step(say="Let me see.", to="done")
    done = step(say="Ordered.", final=True)

    @choose.tool(to="check", effect="state")
    def pick(self, size: str) -> str:
        self.size = size
        return "Picked."
"""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "order_before.py").write_text(JOURNEY, encoding="utf-8")
    changed = JOURNEY.replace('to="check", effect', 'to="done", effect')
    (tmp_path / "order_after.py").write_text(changed, encoding="utf-8")
    found = f"sqlite:///{tmp_path}/chat.db"

    async def talk() -> None:
        agent = load_agent("order_before.py")
        agent.llm_client = ScriptedLLM(say("Which size?"), call("pick", size="L"), say("Which size?"))
        async with Runtime(found, [agent]) as chats:
            await chats.send("ada", "hi")
            await chats.send("ada", "large")
            await chats.send("bob", "hello")

    monkeypatch.setattr(sys, "path", list(sys.path))
    asyncio.run(talk())
    return found


def test_the_same_code_goes_the_same_way(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "order_before.py", "--all", "--store", url]) == 0
    assert "2 conversations replayed with the recorded replies: 0 went another way" in capsys.readouterr().out


def test_changed_code_that_skips_a_step_is_told(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "order_after.py", "--all", "--store", url]) == 1
    text = capsys.readouterr().out
    assert "1 of 2: now skips check" in text
    assert "ada:\n  turn 2: now skips check" in text
    assert main(["replay", "order_after.py", "--conversation", "ada", "--json", "--store", url]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["conversations"], found["differ"], found["differences"]) == (1, 1, {"now skips check": 1})


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["order_before.py", "--conversation", "eve"], "no conversation 'eve'"),
        (["order_before.py", "--all", "--model", "wat"], "'wat' names no provider"),
        (["nowhere.py", "--all"], "there is no file"),
    ],
)
def test_what_cannot_be_is_explained(url: str, args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *args, "--store", url]) == 2
    assert said in capsys.readouterr().err
