"""Which conversation a chat completion belongs to, and how its message is named.

A client of that protocol sends the whole chat with each request, and mostly no name for it. The rules:

- Whoever names the conversation, speaks in it: `X-Conversation-Id`, `X-OpenWebUI-Chat-Id`, `metadata.conversation_id`,
  or `user` as `conversation:ID`. Of what is sent, only the last message of the person counts.
- Otherwise a chat is known by all that it has sent. Each message is named by the chat up to it, in a conversation named
  after who speaks and how the chat began; so the conversation that took the message before this one as its last is the
  chat's. Who speaks is the principal and, where a client says it, the person (`user`, `X-OpenWebUI-User-Id`).
- A chat that has only begun is always a new conversation: two chats may begin with the same words. So is one whose last
  message nobody here has as their last, because it was edited, or is unknown; the server's past is never rewritten.
- The same chat once more, as when an answer is asked for again, is the same message, and gets the same answer. Only a
  request that says it is a retry is that also at the beginning of a chat.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4
from weakref import WeakKeyDictionary, WeakValueDictionary

from agent_runtime_core.interfaces import JSONObject, conversation_key
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.server.messages import KEY_HEADER, message_id_of
from agent_runtime_framework.server.operations import Call
from agent_runtime_framework.server.problems import Problem
from agent_runtime_framework.server.service import Service
from agent_runtime_framework.store.delivery import Outcome

CONVERSATION_HEADER = "X-Conversation-Id"
_ID_HEADERS = (CONVERSATION_HEADER, "X-OpenWebUI-Chat-Id")
_PERSON_HEADER = "X-OpenWebUI-User-Id"
_RETRY_HEADER = "X-Stainless-Retry-Count"
"""The official SDKs say in it how often they have sent a request before."""

_IN_USER = "conversation:"
_MOST_CHATS = 10_000
"""Of how many conversations it is remembered what was said last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A chat as a client sent it.

    Attributes:
        messages: What the person and the assistant said, oldest first: role and text.
        last: What the person says now.
    """

    messages: tuple[tuple[str, str], ...]
    last: str | list[JSONObject]

    @property
    def name(self) -> str:
        """The id of its last message, which stands for all of it."""
        return _name_of(self.messages)

    @property
    def name_before(self) -> str | None:
        """The id of the person's message before that; None if the chat has only begun."""
        for at in range(len(self.messages) - 2, -1, -1):
            if self.messages[at][0] == "user":
                return _name_of(self.messages[: at + 1])
        return None

    @property
    def beginning(self) -> str:
        """What the person said first."""
        return next(text for role, text in self.messages if role == "user")


def chat_of(messages: Sequence[JSONObject]) -> Chat:
    """The chat that a client sent.

    Raises:
        Problem: It does not end with something the person says.
    """
    last = messages[-1]
    if last.get("role") != "user":
        raise Problem(422, "does-not-fit", "the last message has to be the user's")
    said = tuple(
        (str(each["role"]), _text(each.get("content")))
        for each in messages
        if each.get("role") in ("user", "assistant") and each.get("content")
    )
    return Chat(messages=said, last=last["content"])


@asynccontextmanager
async def place(call: Call, chat: Chat, *, agent: str, user: str | None, named: str | None) -> AsyncGenerator[str]:
    """The conversation of a chat becomes the call's; gives the id of its message, which is to be handed in meanwhile.

    Args:
        call: The request.
        chat: The chat.
        agent: Who is spoken to.
        user: What the client says of the person.
        named: What the body names the conversation.
    """
    known = _conversation_named(call, user, named)
    if known is not None:
        call.conversation_id = known
        yield await _message_in(call, chat)
        return
    person = call.request.headers.get(_PERSON_HEADER) or user or ""
    prefix = f"chat-{_digest([call.principal, person, agent, chat.beginning])[:24]}-"
    chats = _chats_of(call.service)
    async with chats.lock(prefix):
        found, is_known = await chats.find(call, chat, prefix)
        call.conversation_id = found or _new_name(call, prefix)
        yield chat.name
        if not is_known:
            chats.remember(call.conversation_id, chat.name)


class _Chats:
    """Finds the conversations of chats that have no name."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, str] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def lock(self, prefix: str) -> asyncio.Lock:
        """What is held from looking for a conversation until it has the message: two chats must not take the same."""
        lock = self._locks.get(prefix)
        if lock is None:
            lock = self._locks[prefix] = asyncio.Lock()
        return lock

    def remember(self, conversation_id: str, message_id: str) -> None:
        """This was said last there."""
        self._last.pop(conversation_id, None)
        self._last[conversation_id] = message_id
        if len(self._last) > _MOST_CHATS:
            self._last.popitem(last=False)

    async def find(self, call: Call, chat: Chat, prefix: str) -> tuple[str | None, bool]:
        """The conversation of a chat, None if a new one has to begin; and whether it has this very message."""
        if call.request.headers.get(_RETRY_HEADER, "0") not in ("", "0"):
            held = await self._with(call, chat.name, prefix)
            return (held, True) if held is not None else (await self._behind(call, chat, prefix), False)
        behind = await self._behind(call, chat, prefix)
        if behind is not None or chat.name_before is None:
            return behind, False
        held = await self._with(call, chat.name, prefix)
        return held, held is not None

    async def _with(self, call: Call, name: str, prefix: str) -> str | None:
        """The conversation that has this very message."""
        for each in await call.service.runtime.store.holding(name, prefix=prefix):
            if await _is_ones_own(call, each):
                return each
        return None

    async def _behind(self, call: Call, chat: Chat, prefix: str) -> str | None:
        """The conversation whose last message is the one before this, at best one with the answer the client has."""
        name = chat.name_before
        if name is None:
            return None
        fallback: str | None = None
        for each in await call.service.runtime.store.holding(name, prefix=prefix):
            outcome = await call.service.runtime.store.outcome(each, name)
            if outcome is None or not await self._is_last(call, each, name, outcome):
                continue
            if _fits(chat, outcome):
                return each
            fallback = fallback or each
        return fallback

    async def _is_last(self, call: Call, conversation_id: str, name: str, outcome: Outcome) -> bool:
        if self._last.get(conversation_id, name) != name or not await _is_ones_own(call, conversation_id):
            return False
        if not outcome.is_final:
            return True
        turns = await call.service.runtime.turns(conversation_id, last=1)
        return bool(turns) and turns[-1].no == outcome.turn


_CHATS: WeakKeyDictionary[Service, _Chats] = WeakKeyDictionary()


def _chats_of(service: Service) -> _Chats:
    return _CHATS.setdefault(service, _Chats())


def _new_name(call: Call, prefix: str) -> str:
    key = call.request.headers.get(KEY_HEADER)
    return f"{prefix}{uuid4().hex[:16] if key is None else _digest(key)[:16]}"


async def _is_ones_own(call: Call, conversation_id: str) -> bool:
    info = await call.service.runtime.store.info(conversation_id)
    return info is not None and call.service.may_see(call.principal, info)


def _fits(chat: Chat, outcome: Outcome) -> bool:
    """True if what the client takes for the last answer is this outcome's, or a part of it."""
    role, text = chat.messages[-2]
    answer, shown = " ".join((outcome.reply or "").split()), " ".join(text.split())
    return role == "assistant" and (shown.endswith(answer) or answer.startswith(shown))


def _conversation_named(call: Call, user: str | None, named: str | None) -> str | None:
    """The conversation that a request names.

    Raises:
        Problem: That cannot be its name.
    """
    found = next((each for name in _ID_HEADERS if (each := call.request.headers.get(name))), None) or named
    if not found and user is not None and user.startswith(_IN_USER):
        found = user.removeprefix(_IN_USER)
    if not found:
        return None
    try:
        if "/" in found:
            raise ConfigurationError("a conversation's id has no slash")
        return conversation_key(found)
    except ConfigurationError as error:
        raise Problem(422, "does-not-fit", str(error)) from None


async def _message_in(call: Call, chat: Chat) -> str:
    """The id of a message in a conversation that was named."""
    if KEY_HEADER in call.request.headers or not await _sends_all(call, chat):
        return message_id_of(call)
    store = call.service.runtime.store
    outcome = await store.outcome(call.conversation_id, chat.name)
    if outcome is None or not outcome.is_final:
        return chat.name
    turns = await store.turns(call.conversation_id, last=1)
    # An answer that others have followed was asked for before them.
    return chat.name if turns and turns[-1].no == outcome.turn else uuid4().hex


async def _sends_all(call: Call, chat: Chat) -> bool:
    """True if the chat begins where the conversation does, so that it is not the same as an earlier one by chance."""
    if chat.name_before is None:
        return False
    first = await call.service.runtime.store.messages(call.conversation_id, turn=1, limit=5)
    said = next((_text(each.body.get("content")) for each in first if each.body.get("role") == "user"), None)
    return said == chat.beginning


def _name_of(messages: Sequence[tuple[str, str]]) -> str:
    return f"chat-{_digest(messages)[:40]}"


def _digest(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _text(content: Any) -> str:
    """What a message says; of what is no text, its JSON."""
    if isinstance(content, str):
        return content.strip()
    if not isinstance(content, list):
        return ""
    blocks = cast("list[Any]", content)
    return "\n".join(_block_text(cast("JSONObject", each)) for each in blocks if isinstance(each, dict)).strip()


def _block_text(block: JSONObject) -> str:
    text = block.get("text")
    return text if isinstance(text, str) else json.dumps(block, sort_keys=True, ensure_ascii=False)
