"""What `agent-runtime check --store` shows: the conversations that the code would strand."""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from dataclasses import dataclass, field

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.cli.failures import FAILED, OK
from agent_runtime_framework.cli.operating.opened import counted, with_store, write
from agent_runtime_framework.cli.targets import Agent, load_agent
from agent_runtime_framework.runtime.stranding import Prospect, prospects
from agent_runtime_framework.store.delivery import DurableStore


@dataclass(slots=True)
class _Counts:
    """What was found of one agent's conversations."""

    live: int = 0
    stranded: int = 0
    migrated: int = 0
    unfinished: int = 0
    unread: Counter[str] = field(default_factory=Counter[str])
    rerouted: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    problems: Counter[str] = field(default_factory=Counter[str])

    def add(self, prospect: Prospect) -> None:
        """Count a conversation."""
        self.live += 1
        self.unfinished += prospect.turn is not None
        self.unread.update(prospect.unread)
        if prospect.problems:
            self.stranded += 1
            self.problems.update({each.code for each in prospect.problems})
            return
        self.migrated += prospect.is_migrated
        if prospect.rerouted_from is not None:
            self.rerouted[prospect.rerouted_from, prospect.step or ""] += 1

    def to_dict(self) -> JSONObject:
        """The same as JSON."""
        return {
            "live": self.live,
            "stranded": self.stranded,
            "migrated": self.migrated,
            "unfinished": self.unfinished,
            "rerouted": [
                {"from": gone, "to": step, "conversations": number} for (gone, step), number in self.rerouted.items()
            ],
            "unread": dict(self.unread),
            "problems": dict(self.problems),
        }


def show_stranded(args: Namespace) -> int:
    """Write what would be stranded, as it is found; returns the exit code."""
    agents = [load_agent(target) for target in args.targets]

    async def look(store: DurableStore) -> int:
        show = _as_json if args.format == "json" else _as_text
        return await show(agents, store)

    return with_store(args, look, read_only=True)


async def _as_text(agents: list[Agent], store: DurableStore) -> int:
    stranded = 0
    for agent in agents:
        counts = _Counts()
        async for prospect in prospects(agent, store):
            counts.add(prospect)
            for problem in prospect.problems:
                write(f"{prospect.conversation_id}: {problem.message} [{problem.code}]\n")
        write(_summary(agent, counts))
        stranded += counts.stranded
    return FAILED if stranded else OK


def _summary(agent: Agent, counts: _Counts) -> str:
    known = f"agent {agent.key!r}, version {agent.version}"
    if not counts.live:
        return f"{known}: no live conversations\n"
    lines = [f"{known}: {counted(counts.live, 'live conversation')}, {counts.stranded or 'none'} of them stranded"]
    if counts.problems:
        lines[0] += f" ({', '.join(f'{code}: {number:,}' for code, number in counts.problems.most_common())})"
    if counts.migrated:
        lines.append(f"  {counts.migrated:,} would be migrated")
    lines += [f"  {number:,} of step {gone!r} would go on in {to!r}" for (gone, to), number in counts.rerouted.items()]
    lines += [f"  {number:,} hold {name!r}, which no field reads" for name, number in counts.unread.items()]
    if counts.unfinished:
        lines.append(f"  {counts.unfinished:,} have a turn that is not finished")
    return "\n".join(lines) + "\n"


async def _as_json(agents: list[Agent], store: DurableStore) -> int:
    """One JSON document, written while it is found: a list of what is stranded may be as long as the store."""
    stranded = 0
    write('{"agents": [')
    for number, agent in enumerate(agents):
        counts = _Counts()
        write(f"{', ' if number else ''}{json.dumps({'agent': agent.key, 'version': agent.version})[:-1]}, ")
        write('"conversations": [')
        async for prospect in prospects(agent, store):
            counts.add(prospect)
            if prospect.problems:
                write(("\n" if counts.stranded == 1 else ",\n") + json.dumps(prospect.to_dict(), ensure_ascii=False))
        write(f"], {json.dumps(counts.to_dict(), ensure_ascii=False)[1:]}")
        stranded += counts.stranded
    write(f'], "stranded": {stranded}}}\n')
    return FAILED if stranded else OK
