"""`agent-runtime sessions`, on a store with two conversations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_runtime_framework.cli.main import main
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.testing import ScriptedLLM, call, say


class Order(Journey):
    """A shop."""

    size: str = ""

    choose = step("Ask for the size.")
    done = step(say="Ordered.", final=True)

    @choose.tool(to="done", effect="state")
    def pick(self, size: str) -> str:
        """Record the size."""
        self.size = size
        return "Picked."


Do = Callable[..., str]


@pytest.fixture
def url(tmp_path: Path) -> str:
    async def talk() -> None:
        llm = ScriptedLLM(say("Which size?"), call("pick", size="L"), say("Which size?"))
        async with Runtime(f"sqlite:///{tmp_path}/chat.db", [Order.agent(llm)]) as chats:
            await chats.send("ada", "hi")
            await chats.send("ada", "large")
            await chats.send("bob", "hello")

    asyncio.run(talk())
    return f"sqlite:///{tmp_path}/chat.db"


@pytest.fixture
def do(url: str, capsys: pytest.CaptureFixture[str]) -> Do:
    def run(*args: str, expected: int = 0) -> str:
        code = main(["sessions", *args, "--store", url])
        out, err = capsys.readouterr()
        assert code == expected, err
        return out + err

    return run


def test_list_shows_where_each_conversation_stands(do: Do) -> None:
    rows = [line.split() for line in do("list").splitlines()]
    assert rows[0][:5] == ["CONVERSATION", "AGENT", "STEP", "STATUS", "TURNS"]
    assert [row[:5] for row in rows[1:]] == [
        ["bob", "order", "choose", "open", "1"],
        ["ada", "order", "done", "completed", "2"],
    ]


def test_list_can_be_narrowed_and_read_by_programs(do: Do) -> None:
    found = json.loads(do("list", "--status", "completed", "--agent", "order", "--step", "done", "--json"))
    assert [(each["conversation_id"], each["turns"]) for each in found] == [("ada", 2)]
    assert "no such conversations" in do("list", "--older-than", "1d")


def test_show_tells_turns_state_and_on_request_words(do: Do) -> None:
    assert '"size": "L"' in do("show", "ada")
    assert "large" not in do("show", "ada")
    assert "large" in do("show", "ada", "--messages")
    assert json.loads(do("show", "ada", "--json"))["states"][0]["step"] == "done"
    assert "there is no conversation 'eve'" in do("show", "eve", expected=2)


def test_what_is_exported_can_be_imported_elsewhere(do: Do, tmp_path: Path) -> None:
    lines = do("export", "--all").splitlines()
    assert {json.loads(line)["conversation_id"] for line in lines} == {"ada", "bob"}
    (tmp_path / "all.jsonl").write_text("\n".join(lines), encoding="utf-8")

    again = ["sessions", "import", str(tmp_path / "all.jsonl"), "--store", f"sqlite:///{tmp_path}/copy.db"]
    assert main(again) == 0
    assert main(again) == 1
    assert "name one conversation" in do("export", expected=2)


def test_prune_says_what_it_would_do_and_does_it(do: Do) -> None:
    assert "0 conversations pruned" in do("prune", "--older-than", "1d")
    assert "bob\n" in do("prune", "--older-than", "0s", "--status", "open", "--dry-run")
    assert json.loads(do("prune", "--older-than", "0s", "--status", "open", "--json")) == ["bob"]
    assert "bob" not in do("list")
    assert "are not pruned" in do("prune", "--older-than", "0s", "--status", "running", expected=2)


def test_erase_wants_to_be_sure(do: Do) -> None:
    assert "say --yes" in do("erase", "ada", expected=2)
    assert "ada is erased: 6 messages in 2 turns" in do("erase", "ada", "--yes")
    assert "there is no conversation 'ada'" in do("erase", "ada", "--yes", expected=2)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "list", "--store", f"sqlite:///{tmp_path}/none.db"]) == 2
    assert "there is no store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_duration_that_is_none_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sessions", "prune", "--older-than", "soon"])
    assert "'soon' is no duration" in capsys.readouterr().err
