"""What `agent-runtime sessions` does."""

from __future__ import annotations

import contextlib
import json
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.cli import views
from agent_runtime_framework.cli.durable_session import stored_message
from agent_runtime_framework.cli.failures import FAILED, OK, UsageError
from agent_runtime_framework.cli.operating.opened import counted, table, when, with_store, write, write_json
from agent_runtime_framework.cli.screen import Marks
from agent_runtime_framework.errors import ConfigurationError, ConversationBusy
from agent_runtime_framework.store.delivery import DurableStore
from agent_runtime_framework.store.operations import BUSY, Summary, Wanted

_PAGE = 200


def list_sessions(args: Namespace) -> int:
    """Write the conversations that are meant."""
    wanted = _wanted(args, args.limit)
    found = with_store(args, lambda store: store.summaries(wanted))
    if args.json:
        write_json([asdict(each) for each in found])
    elif not found:
        write("There are no such conversations.\n")
    else:
        write(_table(found))
    return OK


def show_session(args: Namespace) -> int:
    """Write where one conversation stands."""
    document = with_store(args, lambda store: store.export(args.conversation))
    if document is None:
        raise _unknown(args)
    if args.json:
        kept = document if args.messages else {key: each for key, each in document.items() if key != "messages"}
        write_json(kept)
        return OK
    write("".join(f"{line}\n" for line in _shown(document)))
    if args.messages:
        _write_messages(document)
    return OK


def export_sessions(args: Namespace) -> int:
    """Write conversations as JSON, one a line."""
    if args.all == (args.conversation is not None):
        raise UsageError("name one conversation, or say --all")

    async def work(store: DurableStore) -> int:
        count = 0
        with _opened(args.output) as out:
            async for document in _documents(store, args):
                out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
                count += 1
        return count

    count = with_store(args, work)
    if args.output is not None:
        write(f"{counted(count, 'conversation')} exported to {args.output}\n")
    return OK


def import_sessions(args: Namespace) -> int:
    """Put exported conversations back."""

    async def work(store: DurableStore) -> tuple[int, list[str]]:
        count, refused = 0, list[str]()
        for number, document in _read_lines(args.file):
            try:
                await store.restore(document)
                count += 1
            except ConfigurationError as error:
                refused.append(f"line {number}: {error}")
        return count, refused

    count, refused = with_store(args, work, creates=True)
    write(f"{counted(count, 'conversation')} imported\n")
    for each in refused:
        sys.stderr.write(f"{each}\n")
    return FAILED if refused else OK


def prune_sessions(args: Namespace) -> int:
    """Erase what is old and at rest."""
    if args.status in BUSY:
        raise UsageError(f"conversations that are {args.status} are not pruned; something is left to do in them")

    async def work(store: DurableStore) -> list[str]:
        if args.dry_run:
            return [each.conversation_id async for each in _all(store, args) if each.status not in BUSY]
        gone: list[str] = []
        while batch := await store.prune(_wanted(args, _PAGE)):
            gone += batch
        return gone

    gone = with_store(args, work)
    if args.json:
        write_json(gone)
        return OK
    if args.dry_run:
        write("".join(f"{each}\n" for each in gone))
    write(f"{counted(len(gone), 'conversation')} {'would be' if args.dry_run else ''} pruned\n".replace("  ", " "))
    return OK


def erase_session(args: Namespace) -> int:
    """Forget a conversation, once somebody has agreed."""
    name: str = args.conversation
    document = with_store(args, lambda store: store.export(name))
    if document is None:
        raise _unknown(args)
    if not args.yes and not _agrees(name, document):
        write("Nothing was erased.\n")
        return FAILED
    try:
        with_store(args, lambda store: store.erase(name, force=args.force))
    except ConversationBusy:
        raise UsageError(
            f"a turn of {name!r} is being run; try again when it has ended, or --force to give up what it does"
        ) from None
    write(f"{name} is erased: {_size(document)}. Backups and logs are not touched.\n")
    return OK


ACTIONS: dict[str, Callable[[Namespace], int]] = {
    "list": list_sessions,
    "show": show_session,
    "export": export_sessions,
    "import": import_sessions,
    "prune": prune_sessions,
    "erase": erase_session,
}


def _wanted(args: Namespace, limit: int, offset: int = 0) -> Wanted:
    return Wanted(
        agent_key=args.agent,
        step=args.step,
        status=args.status,
        older_than=args.older_than,
        limit=limit,
        offset=offset,
    )


async def _all(store: DurableStore, args: Namespace) -> AsyncIterator[Summary]:
    offset = 0
    while page := await store.summaries(_wanted(args, _PAGE, offset)):
        for each in page:
            yield each
        offset += len(page)


async def _documents(store: DurableStore, args: Namespace) -> AsyncIterator[JSONObject]:
    if args.conversation is not None:
        document = await store.export(args.conversation)
        if document is None:
            raise _unknown(args)
        yield document
        return
    names = [each.conversation_id for each in await store.conversations(limit=sys.maxsize)]
    for name in names:
        # One that was erased meanwhile is not there any more.
        if (document := await store.export(name)) is not None:
            yield document


@contextlib.contextmanager
def _opened(output: str | None) -> Generator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with Path(output).open("w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise UsageError(f"{output!r} cannot be written ({error.strerror}); name another file") from error


def _read_lines(name: str) -> Iterator[tuple[int, JSONObject]]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{name!r} cannot be read ({error.strerror})") from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                document: object = json.loads(line)
            except ValueError as error:
                raise UsageError(f"{name}, line {number}, is no JSON: {error}") from error
            if not isinstance(document, dict):
                raise UsageError(f"{name}, line {number}, is no exported conversation: {line[:60]!r}")
            yield number, document


def _agrees(name: str, document: JSONObject) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"erasing {name!r} cannot be undone; say --yes to do it without being asked")
    answer = input(f"Erase {name}, with {_size(document)}, for good? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _size(document: JSONObject) -> str:
    return f"{counted(len(document['messages']), 'message')} in {counted(len(document['turns']), 'turn')}"


def _table(found: list[Summary]) -> str:
    header = ("CONVERSATION", "AGENT", "STEP", "STATUS", "TURNS", "LAST USED")
    rows = [
        (each.conversation_id, each.agent_key, each.step, each.status, each.turns, when(each.updated_at))
        for each in found
    ]
    return table(header, rows)


def _shown(document: JSONObject) -> Iterator[str]:
    yield f"{document['conversation_id']}: {_size(document)}, begun {when(document['created_at'])}"
    if usage := document["usage"]:
        yield "used: " + ", ".join(f"{name} {value}" for name, value in usage.items() if isinstance(value, int | float))
    waiting = [each for each in document["inbox"] if each["status"] in ("waiting", "paused", "running")]
    if waiting:
        yield f"to be answered: {counted(len(waiting), 'message')}"
    yield ""
    header = ("TURN", "AGENT", "STATUS", "STEP AFTER", "BEGUN", "TRIES")
    rows = [
        (each["no"], each["agent_key"], each["status"], each["step"], when(each["started_at"]), each["attempts"])
        for each in document["turns"]
    ]
    yield table(header, rows).rstrip("\n")
    for each in document["states"]:
        yield ""
        yield f"state of {each['agent_key']}, in step {each['step']}:"
        yield json.dumps(each["state"], indent=2, ensure_ascii=False)


def _write_messages(document: JSONObject) -> None:
    messages = [stored_message(each["body"]) for each in document["messages"]]
    marks = Marks.for_encoding(sys.stdout.encoding)
    write("\n")
    for line in views.history(messages, marks):
        write("".join(span.text for span in line) + "\n")


def _unknown(args: Namespace) -> UsageError:
    return UsageError(f"there is no conversation {args.conversation!r} in this store; `sessions list` shows all")
