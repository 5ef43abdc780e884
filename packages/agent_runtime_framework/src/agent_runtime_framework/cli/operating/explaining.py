"""What `agent-runtime explain` says."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from argparse import Namespace
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.cli.failures import FAILED, OK, UsageError
from agent_runtime_framework.cli.operating.opened import with_store, write, write_json
from agent_runtime_framework.runtime.receipts.account import Account, account_of, account_so_far
from agent_runtime_framework.runtime.receipts.comparing import compared
from agent_runtime_framework.runtime.receipts.words import in_words
from agent_runtime_framework.store.delivery import DurableStore


def explain_conversation(args: Namespace) -> int:
    """Write what was done, or what was done differently; returns the exit code."""
    if args.diff is not None:
        return _show_difference(args)
    accounts = _chosen(with_store(args, lambda store: accounts_in(store, args.conversation)), args.turn)
    if args.json:
        write_json({"conversation_id": args.conversation, "turns": [each.to_dict() for each in accounts]})
    else:
        write("\n".join(_wrapped(in_words(each)) for each in accounts))
    return OK


async def accounts_in(store: DurableStore, conversation_id: str) -> list[Account]:
    """The accounts of all turns of a conversation, of one that has not ended too.

    Raises:
        UsageError: There is no such conversation, or nothing was done in it.
    """
    turns = await store.turns(conversation_id, last=sys.maxsize)
    accounts = [account_of(each) for each in turns if each.ended_at is not None]
    left = await store.unfinished(conversation_id)
    if left is not None:
        accounts.append(account_so_far(left, accounts[-1].step_after if accounts else None))
    if not accounts:
        raise UsageError(f"there are no turns of a conversation {conversation_id!r}; `sessions list` shows all")
    return accounts


def _chosen(accounts: Sequence[Account], turn: int | None) -> Sequence[Account]:
    if turn is None:
        return accounts
    wanted = accounts[turn].no if -len(accounts) <= turn < 0 else turn
    found = [each for each in accounts if each.no == wanted]
    if not found:
        raise UsageError(f"there is no turn {turn}; there are {accounts[0].no} to {accounts[-1].no}")
    return found


def _show_difference(args: Namespace) -> int:
    one, other = with_store(args, lambda store: _pair(store, args))
    found: list[JSONObject] = []
    for number, (first, second) in enumerate(zip_longest(one, other), 1):
        if first is None or second is None:
            found.append({"turn": number, "only_in": "second" if first is None else "first"})
        elif difference := compared(first, second):
            found.append({"turn": number, "differs": difference})
    if args.json:
        write_json(found)
    else:
        write("".join(f"{line}\n" for each in found for line in _difference(each)) or "Nothing differs.\n")
    return FAILED if found else OK


async def _pair(store: DurableStore, args: Namespace) -> tuple[Sequence[Account], Sequence[Account]]:
    one = await accounts_in(store, args.conversation)
    if args.turn is None:
        return one, await accounts_in(store, args.diff)
    if not args.diff.lstrip("-").isdecimal():
        raise UsageError(f"--turn wants --diff to name another turn by its number, not {args.diff!r}")
    return _chosen(one, args.turn), _chosen(one, int(args.diff))


def _difference(found: JSONObject) -> Iterator[str]:
    if "only_in" in found:
        yield f"Turn {found['turn']}: only in the {found['only_in']}"
        return
    yield f"Turn {found['turn']}:"
    for name, values in found["differs"].items():
        yield f"  {name}: {_short(values['first'])} -> {_short(values['second'])}"


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"  # pyright: ignore[reportUnknownArgumentType]  JSON
    return str(value) if not isinstance(value, dict) else json.dumps(value, ensure_ascii=False)


def _wrapped(lines: Sequence[str]) -> str:
    width = shutil.get_terminal_size().columns
    return "".join(f"{part}\n" for line in lines for part in _folded(line, width))


def _folded(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, max(width, 40), subsequent_indent=indent, break_on_hyphens=False) or [""]
