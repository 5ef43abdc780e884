"""Deciding about calls that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from agent_runtime_core.interfaces import conversation_key
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.store.delivery import Deciding, DurableStore

if TYPE_CHECKING:
    from agent_runtime_framework.runtime.host import Host

MOST_CHARS = 2_000
"""How long a note may be; the model reads a rejection's."""


async def decide(
    store: DurableStore, host: Host, conversation_id: UUID | str, call_id: str, *, is_approved: bool, by: str, note: str
) -> bool:
    """Keep a decision, and let the turn go on; False if the same was decided before.

    Raises:
        NotPending: There is no such call, or its turn has ended.
        AlreadyDecided: It was decided otherwise.
    """
    for name, text in (("by", by), ("note", note)):
        if len(text) > MOST_CHARS:
            raise ConfigurationError(f"{name} has {len(text)} characters; expected at most {MOST_CHARS}")
    key = conversation_key(conversation_id)
    deciding = Deciding(call_id=call_id, is_approved=is_approved, by=by, note=note)
    is_new = await store.decide(key, deciding)
    # Also for a decision that is known: whoever made it may have died before anybody was woken.
    host.deliver(key)
    return is_new
