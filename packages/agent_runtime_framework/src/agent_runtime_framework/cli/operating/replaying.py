"""What `agent-runtime replay` does."""

from __future__ import annotations

import asyncio
import shutil
import textwrap
from argparse import Namespace
from collections.abc import Iterator, Sequence

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.llm import get_llm_client
from agent_runtime_core.llm.models import parse_model
from agent_runtime_framework.agents.base import LLMClient
from agent_runtime_framework.cli.failures import FAILED, OK, UsageError
from agent_runtime_framework.cli.operating.opened import counted, with_store, write, write_json
from agent_runtime_framework.cli.targets import Agent, load_agent
from agent_runtime_framework.runtime.replays.replay import Comparison, Replayed, replay
from agent_runtime_framework.runtime.roster import roster
from agent_runtime_framework.store.delivery import DurableStore
from agent_runtime_framework.store.operations import Wanted


def replay_conversations(args: Namespace) -> int:
    """Replay what was named, and write where it went another way; returns the exit code."""
    (agent,) = roster([load_agent(args.target)]).values()
    client = None if args.model is None else _client(args.model)
    comparison = with_store(args, lambda store: _replayed(store, args, agent, client))
    if args.json:
        write_json(comparison.to_dict())
    else:
        lines = _shown(comparison, args.show, "the recorded replies" if args.model is None else args.model)
        width = shutil.get_terminal_size().columns
        write("".join(f"{part}\n" for line in lines for part in _folded(line, width)))
    return FAILED if comparison.differing else OK


def _client(model: str) -> LLMClient:
    if model != "offline" and parse_model(model) is None:
        raise UsageError(f"{model!r} names no provider; expected offline, provider/model, or an address")
    return get_llm_client(model=model) if model != "offline" else get_llm_client("offline")


async def _replayed(store: DurableStore, args: Namespace, agent: Agent, client: LLMClient | None) -> Comparison:
    names: Sequence[str] = args.conversation or [
        each.conversation_id for each in await store.summaries(Wanted(agent_key=agent.key, limit=args.limit))
    ]
    places = asyncio.Semaphore(max(args.jobs, 1))

    async def one(name: str) -> Replayed:
        async with places:
            document = await store.export(name)
            if document is None:
                if args.all:
                    return Replayed(conversation_id=name, left_out="it was erased meanwhile")
                raise UsageError(f"there is no conversation {name!r} in this store; `sessions list` shows all")
            return await replay(document, agent, client)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(name)) for name in names]
    except* ConfigurationError as errors:
        raise errors.exceptions[0] from None
    return Comparison([task.result() for task in tasks])


def _shown(comparison: Comparison, most: int, replies: str) -> Iterator[str]:
    followed, differing = comparison.followed, comparison.differing
    yield f"{counted(len(followed), 'conversation')} replayed with {replies}: {len(differing):,} went another way"
    for what, times in comparison.reasons.most_common():
        yield f"  {times:,} of {len(followed):,}: {what}"
    for each in differing[:most]:
        yield ""
        yield f"{each.conversation_id}:"
        for turn in each.turns:
            yield f"  turn {turn.no}: {'; '.join(turn.differences)}"
        if each.stopped_at is not None:
            yield f"  turn {each.stopped_at}: not followed any further, because {each.stopped_because}"
    if len(differing) > most:
        yield f"\n... and {len(differing) - most:,} more; --show N shows more, --json all"
    left_out = [each for each in comparison.replayed if each.left_out]
    if left_out:
        yield ""
        yield f"{counted(len(left_out), 'conversation')} left out:"
        yield from (f"  {each.conversation_id}: {each.left_out}" for each in left_out[:most])


def _folded(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, max(width, 40), subsequent_indent=indent, break_on_hyphens=False) or [""]
