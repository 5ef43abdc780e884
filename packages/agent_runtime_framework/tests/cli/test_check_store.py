from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from agent_runtime_framework.cli.main import main
from agent_runtime_framework.store.open import open_durable_store

DESK = """
from agent_runtime_framework import Journey, step

class Desk(Journey):
    count: int = 0
    start = step("Start.", {option})
    end = step(say="Bye.", final=True)

    @start.tool(to=end)
    def go(self) -> None:
        "Go."
"""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/chat.db"

    async def fill() -> None:
        store = open_durable_store(url)
        await store.save_state("ada", "desk", '{"step":"hello","count":1,"extra":1}')
        await store.save_state("bob", "desk", '{"step":"start","count":"many"}')
        await store.save_state("eve", "desk", '{"step":"start","count":2}')
        await store.save_state("joe", "other", '{"step":"nowhere"}')
        await store.aclose()

    asyncio.run(fill())
    return url


def desk(name: str, option: str = "") -> str:
    Path(f"{name}.py").write_text(DESK.format(option=option), encoding="utf-8")
    return f"{name}.py:Desk"


def test_conversations_that_would_be_stranded_are_listed_with_the_reason(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", desk("desk_stranding"), "--store", url]) == 1

    said = capsys.readouterr().out
    assert "ada: there is no step 'hello' any more" in said
    assert "bob: the stored state does not fit Desk: count is 'many'" in said
    assert "3 live conversations, 2 of them stranded (unknown_step: 1, does_not_load: 1)" in said
    assert "1 hold 'extra', which no field reads" in said
    assert "eve" not in said
    assert "joe" not in said


def test_the_list_is_json_on_request(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", desk("desk_stranding_json", 'was="hello"'), "--store", url, "--json"]) == 1

    told = json.loads(capsys.readouterr().out)
    assert told["stranded"] == 1
    (agent,) = told["agents"]
    assert [(each["conversation"], each["problems"][0]["code"]) for each in agent["conversations"]] == [
        ("bob", "does_not_load")
    ]
    assert (agent["agent"], agent["live"], agent["problems"]) == ("desk", 3, {"does_not_load": 1})


def test_nothing_in_the_store_is_changed(url: str, tmp_path: Path) -> None:
    before = (tmp_path / "chat.db").read_bytes()
    main(["check", desk("desk_unchanged"), "--store", url])

    assert (tmp_path / "chat.db").read_bytes() == before


def test_code_that_strands_nobody_passes(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.py").write_text(DESK.format(option='was="nowhere"').replace("Desk", "Other"), encoding="utf-8")

    assert main(["check", "other.py:Other", "--store", url]) == 0
    assert "agent 'other', version 1: 1 live conversation, none of them stranded" in capsys.readouterr().out


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["check", desk("desk_nowhere"), "--store", "sqlite:///none.db"]) == 2
    assert not Path("none.db").exists()
