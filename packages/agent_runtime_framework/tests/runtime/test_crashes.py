"""What survives `kill -9`: at every named place, and at random ones.

`AGENT_RUNTIME_KILLS=500` makes the random campaign as long as that; `AGENT_RUNTIME_SEED` repeats one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from victim import TOOLS, Notes, place_of

from agent_runtime_framework.crash_points import NAMES
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.testing.invariants import broken_invariants, select

VICTIM = Path(__file__).with_name("victim.py")
KILLS = int(os.environ.get("AGENT_RUNTIME_KILLS", "40"))
SEED = os.environ.get("AGENT_RUNTIME_SEED") or f"{random.randrange(10**6)}"


def start(folder: Path, conversations: int, messages: int, *options: object) -> subprocess.Popen[bytes]:
    arguments = map(str, (sys.executable, "-P", VICTIM, folder, conversations, messages, *options))
    return subprocess.Popen(list(arguments), env={**os.environ, "PYTHONPATH": str(VICTIM.parent)})


def run(folder: Path, conversations: int, messages: int, *options: object) -> int:
    return start(folder, conversations, messages, *options).wait(300)


def wait_until_stopped(process: subprocess.Popen[bytes]) -> None:
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status


def check(folder: Path, kills: int, at_once: int) -> Counter[str]:
    """Everything that was promised; returns what happened, for the report."""
    notes, place = Notes(folder), place_of(folder).removeprefix("sqlite:///")
    assert broken_invariants(place) == []
    outcomes = dict(
        select(
            place,
            "SELECT c.id || ' ' || i.message_id, i.status FROM inbox AS i JOIN conversations AS c ON c.key = "
            "i.conversation",
        )
    )
    lost = [each for each in notes.read("acknowledged") if outcomes.get(each) != "answered"]
    assert lost == [], "acknowledged messages without an answer"
    told = Counter(
        select(
            place,
            "SELECT c.id, m.body ->> 'name', m.body ->> 'content' FROM messages AS m "
            "JOIN conversations AS c ON c.key = m.conversation WHERE m.body ->> 'role' = 'tool'",
        )
    )
    states = select(place, "SELECT c.id, s.state FROM states AS s JOIN conversations AS c ON c.key = s.conversation")
    counts = {conversation: json.loads(state)["count"] for conversation, state in states}
    for conversation, count in counts.items():
        folded = told[conversation, "add", "added"] + 100 * told[conversation, "charge", "charged"]
        assert count == folded, f"the state of {conversation} is not what its recorded calls make of it"
    charged = Counter(notes.read("charged"))
    assert [key for key, times in charged.items() if times > 1] == [], "a once tool ran twice"
    unknown = sum(times for (_, name, text), times in told.items() if (name, text) == ("charge", INTERRUPTED))
    known = sum(times for (_, name, text), times in told.items() if (name, text) == ("charge", "charged"))
    assert known + unknown == len(outcomes)
    assert len(charged) <= known + unknown
    assert known <= len(notes.read("charge ended"))
    assert {name for _, name, _ in told} == set(TOOLS)
    asked = Counter(notes.read("asked"))
    again = sum(times - 1 for times in asked.values())
    # Only what was in flight when the process died may be asked again.
    assert again <= kills * at_once
    return Counter(messages=len(outcomes), unknown=unknown, asked_again=again)


@pytest.fixture(params=["sqlite", "postgres"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where processes find their store, and note what they do."""
    if request.param == "postgres":
        (tmp_path / "store").write_text(request.getfixturevalue("postgres_url"))
    return tmp_path


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_or_done_twice_whichever_place_the_process_dies_at(name: str, count: int, folder: Path) -> None:
    died = run(folder, 2, 3, "--at", name, count)
    assert died in (0, -signal.SIGKILL)
    assert died != 0 or name.startswith("claim:"), "the place was never reached"
    assert run(folder, 2, 3) == 0
    check(folder, kills=1, at_once=2)


def test_nothing_is_lost_or_done_twice_wherever_the_process_dies(tmp_path: Path) -> None:
    sys.stdout.write(f"AGENT_RUNTIME_SEED={SEED} AGENT_RUNTIME_KILLS={KILLS}\n")
    assert run(tmp_path, 4, max(5, KILLS), "--seed", SEED, KILLS) == 0
    killed = Notes(tmp_path).read("killed")
    happened = check(tmp_path, kills=len(killed), at_once=4)
    sys.stdout.write(f"{len(killed)} kills: {dict(happened)}\n")
    assert len(killed) >= KILLS * 0.9


LEASE = float(os.environ.get("AGENT_RUNTIME_LEASE", "2"))
"""Seconds after which another machine takes over a turn."""


def test_nothing_is_lost_or_done_twice_where_another_machine_goes_on(tmp_path: Path, postgres_url: str) -> None:
    kills = int(os.environ.get("AGENT_RUNTIME_KILLS", "20"))
    sys.stdout.write(f"AGENT_RUNTIME_SEED={SEED} AGENT_RUNTIME_KILLS={kills} AGENT_RUNTIME_LEASE={LEASE}\n")
    (tmp_path / "store").write_text(postgres_url)
    survivor = start(tmp_path, 0, 0, "--survivor", "--foreign", "--lease", LEASE)
    options = ("--seed", SEED, kills, "--foreign", "--lease", LEASE, "--slowness", 4)
    assert run(tmp_path, 4, max(5, kills // 2), *options) == 0
    (tmp_path / "over").touch()
    assert survivor.wait(60) == 0

    killed = Notes(tmp_path).read("killed")
    happened = check(tmp_path, kills=len(killed), at_once=8)
    taken_over = select(postgres_url, "SELECT started_at, ended_at FROM turns WHERE attempts = 2")
    waits = [
        (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds() for began, ended in taken_over
    ]
    longest = max(waits, default=0.0)
    sys.stdout.write(f"{len(killed)} kills: {dict(happened)}, {len(waits)} taken over, in {longest:.1f} s at most\n")
    assert len(killed) >= kills * 0.9
    assert longest < LEASE + 5


@pytest.mark.parametrize(
    ("name", "count"),
    [("request:after", 2), ("call:before", 4), ("call:after", 4), ("record:before", 3), ("finish:before", 1)],
)
def test_who_wakes_up_after_its_lease_has_run_out_writes_nothing(name: str, count: int, folder: Path) -> None:
    zombie = start(folder, 1, 2, "--stop-at", name, count, "--lease", 0.6)
    wait_until_stopped(zombie)
    assert run(folder, 1, 2, "--lease", 0.6) == 0
    zombie.send_signal(signal.SIGCONT)

    assert zombie.wait(60) == 0
    check(folder, kills=1, at_once=1)


@pytest.mark.parametrize("processes", [1, 4])
def test_a_hundred_messages_at_once_from_several_processes_are_answered_in_order(processes: int, folder: Path) -> None:
    each = 100 // processes
    started = [start(folder, 1, each, "--all-at-once", f"p{number}-") for number in range(processes)]
    assert [process.wait(120) for process in started] == [0] * processes

    check(folder, kills=0, at_once=0)
    place = place_of(folder).removeprefix("sqlite:///")
    arrived = [f"c0-{message_id}" for (message_id,) in select(place, "SELECT message_id FROM inbox ORDER BY no")]
    said = "SELECT body ->> 'content' FROM messages WHERE body ->> 'role' = 'user' ORDER BY seq"
    answered = [text for (text,) in select(place, said)]
    assert answered == arrived
    assert len(arrived) == 100
