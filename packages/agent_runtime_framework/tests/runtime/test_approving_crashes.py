"""What survives `kill -9` where persons decide, and where calls run side by side.

`AGENT_RUNTIME_KILLS=500` makes the random campaign as long as that; `AGENT_RUNTIME_SEED` repeats one.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from approving_victim import MESSAGES
from victim import Notes

from agent_runtime_framework.crash_points import NAMES
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.testing.invariants import broken_invariants

VICTIM = Path(__file__).with_name("approving_victim.py")
KILLS = int(os.environ.get("AGENT_RUNTIME_KILLS", "40"))
SEED = os.environ.get("AGENT_RUNTIME_SEED") or f"{random.randrange(10**6)}"


def run(folder: Path, what: str, *options: object) -> int:
    arguments = list(map(str, (sys.executable, "-P", VICTIM, folder, what, *options)))
    return subprocess.run(
        arguments, env={**os.environ, "PYTHONPATH": str(VICTIM.parent)}, timeout=300, check=False
    ).returncode


def check(folder: Path, kills: int) -> Counter[str]:
    """Everything that was promised; returns what happened, for the report."""
    notes, path = Notes(folder), folder / "chat.db"
    assert broken_invariants(path) == []
    connection = sqlite3.connect(path)
    outcomes = connection.execute("SELECT message_id, status FROM inbox ORDER BY no").fetchall()
    assert outcomes == [(each, "answered") for each in MESSAGES]
    decided = Counter(status for (status,) in connection.execute("SELECT status FROM approvals"))
    assert decided["approved"] + decided["rejected"] == 2 * len(MESSAGES)
    told = Counter(
        connection.execute(
            "SELECT json_extract(body, '$.name'), json_extract(body, '$.content') FROM messages "
            "WHERE json_extract(body, '$.role') = 'tool'"
        ).fetchall()
    )
    (count,) = connection.execute("SELECT json_extract(state, '$.count') FROM states").fetchone()
    connection.close()
    for kind in ("paid", "rung"):
        assert [key for key, times in Counter(notes.read(kind)).items() if times > 1] == [], f"{kind} twice"
    paid, unknown = told["pay", "paid"], told["pay", INTERRUPTED]
    assert paid + unknown == decided["approved"], "what was approved ran, or is told as unknown"
    assert paid <= len(notes.read("paid")) <= paid + unknown, "nothing else was paid"
    assert told["pay", "Error: pay did not run; rejected by a person."] == decided["rejected"]
    assert count == told["add", "added"] + 100 * paid, "the state is not what its recorded calls make of it"
    assert told["add", "added"] == 2 * len(MESSAGES)
    assert told["look", "seen"] == 2 * len(MESSAGES)
    assert told["ring", "rung"] + told["ring", INTERRUPTED] == len(MESSAGES)
    asked = sum(times - 1 for times in Counter(notes.read("asked")).values())
    assert asked <= kills, "only what was in flight may be asked again"
    return Counter(unknown=unknown + told["ring", INTERRUPTED], asked_again=asked, **decided)


def test_without_a_crash_every_message_is_answered(tmp_path: Path) -> None:
    assert run(tmp_path, "all") == 0
    assert not check(tmp_path, kills=0)["unknown"]


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_or_done_twice_whichever_place_the_process_dies_at(
    name: str, count: int, tmp_path: Path
) -> None:
    assert run(tmp_path, "all", "--at", name, count) in (0, -signal.SIGKILL)
    assert run(tmp_path, "all") == 0
    check(tmp_path, kills=1)


@pytest.mark.parametrize("name", ["transaction:before", "transaction:after"])
def test_a_decision_is_made_or_not_made_when_the_process_dies_in_it(name: str, tmp_path: Path) -> None:
    assert run(tmp_path, "talk") == 0
    assert run(tmp_path, "decide", "--at", name, 1) == -signal.SIGKILL
    connection = sqlite3.connect(tmp_path / "chat.db")
    (status,) = connection.execute("SELECT status FROM approvals").fetchone()
    connection.close()
    assert (status == "waiting") is (name == "transaction:before")
    assert run(tmp_path, "all") == 0
    check(tmp_path, kills=1)


@pytest.mark.parametrize("name", ["claim:after", "call:before", "call:after", "record:before", "finish:before"])
def test_a_call_that_was_approved_while_nobody_lived_runs_once(name: str, tmp_path: Path) -> None:
    assert run(tmp_path, "talk") == 0
    asked = len(Notes(tmp_path).read("asked"))
    assert run(tmp_path, "decide") == 0
    assert run(tmp_path, "talk", "--at", name, 1) in (0, -signal.SIGKILL)
    assert run(tmp_path, "all") == 0
    check(tmp_path, kills=1)
    assert len(Notes(tmp_path).read("asked")) >= asked


def test_nothing_is_lost_or_done_twice_wherever_the_process_dies(tmp_path: Path) -> None:
    sys.stdout.write(f"AGENT_RUNTIME_SEED={SEED} AGENT_RUNTIME_KILLS={KILLS}\n")
    total: Counter[str] = Counter()
    rng = random.Random(SEED)
    for number in range(max(1, KILLS // 10)):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert run(folder, "all", "--seed", rng.random(), 10) == 0
        killed = len(Notes(folder).read("killed"))
        total += check(folder, kills=killed)
        total["killed"] += killed
    sys.stdout.write(f"{dict(total)}\n")
