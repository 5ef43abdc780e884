"""What must be true after a market day, of what was noted outside and what the store says."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stall import WORTH, Notes

from agent_runtime_framework.testing.invariants import broken_invariants, select

_OUTCOMES = """
SELECT c.id || ' ' || i.message_id, i.status FROM inbox AS i JOIN conversations AS c ON c.key = i.conversation"""
_TOLD = """
SELECT c.id, m.body ->> 'name', count(*) FROM messages AS m JOIN conversations AS c ON c.key = m.conversation
WHERE m.body ->> 'role' = 'tool' AND m.body ->> 'content' = 'done' GROUP BY c.id, m.body ->> 'name'"""
_STATES = """
SELECT c.id, s.state FROM states AS s JOIN conversations AS c ON c.key = s.conversation WHERE s.state IS NOT NULL"""
_FIRED = """
SELECT c.id, count(*) FROM inbox AS i JOIN conversations AS c ON c.key = i.conversation
WHERE i.message_id LIKE 'timer-%' GROUP BY c.id"""
_WAITING = "SELECT c.id || ' ' || t.id FROM timers AS t JOIN conversations AS c ON c.key = t.conversation"
_HEARD = "SELECT body ->> 'content' FROM messages WHERE body ->> 'content' LIKE '%timer%'"
_DECIDED = """
SELECT c.id || ' ' || a.call_id, a.status, a.decided_by FROM approvals AS a
JOIN conversations AS c ON c.key = a.conversation WHERE a.status IN ('approved', 'rejected')"""

_TIMER = re.compile(r"u\d+-\d+ t\d+")


def complaints(place: str | Path, notes: Notes) -> list[str]:
    """What is wrong, one sentence each."""
    return [
        *broken_invariants(place),
        *_lost(place, notes),
        *_done_twice(notes),
        *_miscounted(place),
        *_timers(place, notes),
        *_decisions(place, notes),
        *_surprises(notes),
    ]


def _lost(place: str | Path, notes: Notes) -> Iterator[str]:
    final = {"answered", "merged", "superseded", "cancelled", "failed"}
    outcomes = dict(select(place, _OUTCOMES))
    for each in notes.read("acknowledged"):
        if outcomes.get(each) not in final:
            yield f"message {each} was acknowledged and is {outcomes.get(each, 'gone')}"


def _done_twice(notes: Notes) -> Iterator[str]:
    for key, times in Counter(notes.read("once")).items():
        if times > 1:
            yield f"a once tool ran {times} times with the key {key}"


def _miscounted(place: str | Path) -> Iterator[str]:
    folded: Counter[str] = Counter()
    for conversation_id, tool, times in select(place, _TOLD):
        folded[conversation_id] += WORTH.get(tool, 0) * times
    for conversation_id, state in select(place, _STATES):
        if (count := json.loads(state)["count"]) != folded[conversation_id]:
            yield f"the state of {conversation_id} counts {count}, its recorded calls {folded[conversation_id]}"


def _timers(place: str | Path, notes: Notes) -> Iterator[str]:
    """Each that was set, and not taken back, has fired once."""
    unsure = {each.split()[0] for each in notes.read("unsure")}
    waiting, taken_back = {each for (each,) in select(place, _WAITING)}, notes.read("unscheduled")
    due = Counter(each.split()[0] for each in set(notes.read("scheduled")) - waiting - set(taken_back))
    fired = dict(select(place, _FIRED))
    for conversation_id in (due.keys() | fired.keys()) - unsure:
        times = fired.get(conversation_id, 0)
        if times != due[conversation_id]:
            yield f"{times} timers fired in {conversation_id}, and {due[conversation_id]} were set"
    heard = Counter(name for (body,) in select(place, _HEARD) for name in set(_TIMER.findall(body)))
    for name, times in heard.items():
        if times > 1 or name in taken_back:
            yield f"timer {name} was heard of {times} times{', and was taken back' if name in taken_back else ''}"


def _decisions(place: str | Path, notes: Notes) -> Iterator[str]:
    """What the store says was decided as whoever was told that it was their decision."""
    kept = {key: (status, by) for key, status, by in select(place, _DECIDED)}
    made = Counter(" ".join(each.split()[:2]) for each in notes.read("decided"))
    for key, times in made.items():
        if times > 1:
            yield f"call {key} was decided {times} times"
    for each in notes.read("decided"):
        where, call_id, how, by = each.split()
        wanted = ({"approve": "approved", "reject": "rejected"}[how], by)
        if kept.get(f"{where} {call_id}") != wanted:
            yield f"call {where} {call_id} is {kept.get(f'{where} {call_id}')}, and {wanted} was told"


def _surprises(notes: Notes) -> Iterator[str]:
    """What the event loop of a worker complained of: tasks that nobody looked at, callbacks that raised."""
    for log in notes.folder.glob("log-*"):
        for line in log.read_text(encoding="utf-8").splitlines():
            if line.startswith("ERROR:asyncio"):
                yield f"{log.name}: {line}"
