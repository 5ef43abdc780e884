"""What `agent-runtime graph` draws, and where it puts it."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.cli.failures import OK, UsageError
from agent_runtime_framework.cli.opening import DEFAULT_STORE
from agent_runtime_framework.cli.subjects import Subject, load_subject
from agent_runtime_framework.journey.definition import JourneyDefinition
from agent_runtime_framework.journey.graph import Graph, called, graph_of, walked
from agent_runtime_framework.journey.source import read
from agent_runtime_framework.memory import MemoryManager

WAYS: dict[str, Callable[[Graph], str]] = {
    "text": Graph.text,
    "mermaid": Graph.mermaid,
    "svg": Graph.svg,
    "html": Graph.html,
    "json": lambda graph: json.dumps(graph.json(), indent=2, ensure_ascii=False) + "\n",
}

ENDINGS = {".txt": "text", ".mmd": "mermaid", ".svg": "svg", ".html": "html", ".json": "json"}


def draw_journey(args: Namespace) -> int:
    """Draw the journey the options name; returns the exit code."""
    subject = load_subject(args.target)
    reading = read(subject.journey)
    graph = graph_of(reading.definition, unread=reading.unread())
    if args.conversation is not None:
        current, path = asyncio.run(_where(subject, reading.definition, args.conversation, args.store or DEFAULT_STORE))
        graph = graph.at(current, path)
    drawn = WAYS[_format(args)](graph)
    if args.output is None:
        sys.stdout.write(drawn)
    else:
        _write(Path(args.output), drawn)
    return OK


def _format(args: Namespace) -> str:
    if args.format is not None:
        return args.format
    return ENDINGS.get(Path(args.output).suffix, "text") if args.output is not None else "text"


def _write(path: Path, drawn: str) -> None:
    try:
        path.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written ({error.strerror}); name another file") from error


async def _where(subject: Subject, definition: JourneyDefinition, name: str, url: str) -> tuple[str, tuple[str, ...]]:
    agent = _agent(subject)
    memory = MemoryManager.from_url(url)
    try:
        stored = await memory.store.load(name, agent.key)
        if stored.revision == 0:
            raise UsageError(f"there is no conversation {name!r} in {url}; name another one, or another --store")
        agent.memory = memory
        state: Any = await agent.state_of(name)
    finally:
        await memory.aclose()
    current = str(getattr(state.step, "value", state.step))
    return current, walked(definition, list(called(stored.messages)), current)


def _agent(subject: Subject) -> JourneyAgent[Any, Any, Any]:
    journey = subject.journey
    agent: object = cast("Any", journey).agent() if isinstance(journey, type) else journey
    if not isinstance(agent, JourneyAgent):
        raise UsageError(f"{subject.name} is run by its host, which keeps its conversations; leave out --conversation")
    return cast("JourneyAgent[Any, Any, Any]", agent)
