"""From the options of `chat` to an open conversation: the agent, the store, the name, the model, the first lines."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import sys
from argparse import Namespace
from pathlib import Path

from agent_runtime_core.interfaces import conversation_key
from agent_runtime_core.llm.available import local_servers
from agent_runtime_framework.cli import views
from agent_runtime_framework.cli.chat import Chat
from agent_runtime_framework.cli.durable_session import DurableSession
from agent_runtime_framework.cli.failures import UsageError
from agent_runtime_framework.cli.model_choice import ChosenModel, choose_model
from agent_runtime_framework.cli.screen import Screen, open_screen
from agent_runtime_framework.cli.session import MemorySession, Session
from agent_runtime_framework.cli.spans import Span, line
from agent_runtime_framework.cli.targets import Agent, load_agent
from agent_runtime_framework.errors import StateError
from agent_runtime_framework.memory import MemoryManager
from agent_runtime_framework.runtime.roster import keeps_own_state
from agent_runtime_framework.store.delivery import Claim, DurableStore
from agent_runtime_framework.store.open import open_durable_store

DIRECTORY = Path(".agent-runtime")
DEFAULT_STORE = f"sqlite:///{DIRECTORY.name}/chat.db"
VOLATILE = "memory://"


def hold_conversation(args: Namespace) -> int:
    """Open the conversation that the options of `chat` describe, and hold it; returns the exit code."""
    _set_up_logging(is_verbose=args.verbose)
    agent = load_agent(args.target)
    screen = open_screen()

    model = choose_model(args.model, agent, screen)
    url = _store_url(args, screen)
    place = _place(agent, args.store, url)
    with asyncio.Runner() as runner:
        name = runner.run(_conversation_name(args.conversation, place, agent, screen))
        session = _session(agent, place, name, model)
        session.target = args.target
        try:
            left = runner.run(_begin(session, args))
            runner.run(_introduce(session, screen, model, url))
            chat = Chat(session, screen, model, runner)
            if left is not None:
                chat.go_on(left)
            code = chat.hold()
            _say_goodbye(session, screen, args, url)
            return code
        finally:
            runner.run(session.aclose())


def _set_up_logging(*, is_verbose: bool) -> None:
    """Without --verbose the log stays silent: what concerns the person is said in the conversation."""
    handler: logging.Handler = logging.NullHandler()
    if is_verbose:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    for name in ("agent_runtime_framework", "agent_runtime_core"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.propagate = False


def _store_url(args: Namespace, screen: Screen) -> str:
    if args.store:
        return args.store
    if not screen.is_interactive and not args.conversation:
        return VOLATILE
    return DEFAULT_STORE


def _place(agent: Agent, asked_for: str | None, url: str) -> DurableStore | MemoryManager:
    """Where the conversation is kept: a store, unless the agent keeps its state itself or brings another memory."""
    if agent.memory is not None and asked_for is None:
        store = agent.memory.store
        return store if isinstance(store, DurableStore) and not keeps_own_state(agent) else agent.memory
    if url == DEFAULT_STORE:
        make_directory()
    return MemoryManager.from_url(url) if keeps_own_state(agent) else open_durable_store(url)


def _session(agent: Agent, place: DurableStore | MemoryManager, name: str, model: ChosenModel) -> Session:
    if isinstance(place, MemoryManager):
        return MemorySession(agent, place, name, model.client)
    return DurableSession(agent, place, name, model.client)


def make_directory() -> None:
    """Make the place where conversations are kept by default.

    Raises:
        UsageError: It cannot be made.
    """
    try:
        DIRECTORY.mkdir(exist_ok=True)
        ignore = DIRECTORY / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"conversations are kept in {DIRECTORY.absolute()}, which cannot be made ({error.strerror}); name another "
            "place, such as --store sqlite:////tmp/chat.db, or none: --store memory://"
        ) from error


async def _conversation_name(
    asked_for: str | None, place: DurableStore | MemoryManager, agent: Agent, screen: Screen
) -> str:
    """The name asked for, else at a terminal that of the last conversation if it is not over, else a new one."""
    if asked_for is not None:
        return conversation_key(asked_for)
    memory = place if isinstance(place, MemoryManager) else MemoryManager(store=place)
    last = await _last_unnamed(memory, agent) if screen.is_interactive else None
    if last is not None and await _goes_on(last, memory, agent, screen):
        return last
    return f"{agent.key}-{secrets.token_hex(2)}"


async def _last_unnamed(memory: MemoryManager, agent: Agent) -> str | None:
    """The last conversation with this agent that was given no name of its own."""
    generated = re.compile(rf"{re.escape(agent.key)}-[0-9a-f]{{4}}")
    for each in await memory.store.conversations(limit=50):
        if generated.fullmatch(each.conversation_id):
            return each.conversation_id
    return None


async def _goes_on(name: str, memory: MemoryManager, agent: Agent, screen: Screen) -> bool:
    before, agent.memory = agent.memory, memory
    try:
        return not agent.is_terminal_state(await agent.state_of(name))
    except StateError as error:
        screen.note(line(f"The last conversation cannot go on, so a new one begins: {error}", "warn"))
        return False
    finally:
        agent.memory = before


async def _begin(session: Session, args: Namespace) -> Claim | None:
    """Open the conversation; returns the turn in which an earlier process died."""
    if args.restart:
        await session.restart()
    if await session.is_somebody_elses():
        raise UsageError(
            f"the conversation {session.conversation_id!r} was held with another agent than {session.agent.key!r}; "
            "choose another name, or --restart to forget it"
        )
    try:
        await session.open()
    except StateError as error:
        raise StateError(f"{error}. Here: --restart forgets it, another --conversation leaves it alone") from error
    return await session.left() if isinstance(session, DurableSession) else None


async def _introduce(session: Session, screen: Screen, model: ChosenModel, url: str) -> None:
    place = "" if url == VOLATILE else f", kept in {_shown(url)}"
    screen.note(
        (
            Span(session.agent.key, "strong"),
            Span(f" {screen.marks.dot} ", "quiet"),
            Span(model.title, "accent"),
            Span(f" {screen.marks.dot} conversation {session.conversation_id}{place}", "quiet"),
        )
    )
    if model.remark:
        screen.note(line(model.remark, "warn"))
    if model.is_fallback:
        screen.note(*views.local_servers(await local_servers(timeout=0.4)))
    if screen.is_interactive:
        screen.note(line(f"/help lists the commands; Ctrl-D leaves. {screen.remark}".rstrip(), "quiet"))
    messages = await session.messages(20)
    if messages:
        screen.note(line("Welcome back. This is where you were:", "strong"), *views.recap(messages, screen.marks))
    if session.progress.steps:
        screen.note(session.progress.line(screen.marks, screen.width - 1))
    if not messages and screen.is_interactive:
        screen.note(line("Say hello to begin.", "quiet"))
    if screen.is_interactive:
        screen.write("\n")


def _say_goodbye(session: Session, screen: Screen, args: Namespace, url: str) -> None:
    if not screen.is_interactive or url == VOLATILE:
        return
    store = f" --store {args.store}" if args.store else ""
    command = f"agent-runtime chat {args.target} --conversation {session.conversation_id}{store}"
    screen.note(line("Kept. Come back with:", "quiet"), line(f"  {command}", "accent"))


def _shown(url: str) -> str:
    return url.removeprefix("sqlite:///")
