"""What is to come in a conversation, without anybody saying anything: silence, and business events at a time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from uuid import UUID, uuid4

from agent_runtime_core.interfaces import JSONObject, conversation_key
from agent_runtime_framework.agents.business import event_message
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.silence import Silent, next_silence
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.idle import duration
from agent_runtime_framework.runtime.handoff import is_passed_on
from agent_runtime_framework.store.delivery import Claim, Ending
from agent_runtime_framework.store.protocol import Commit
from agent_runtime_framework.store.timers import Silence, Timer

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How often it is looked for what is due."""


class Clock(Protocol):
    """Tells the time, and lets it pass; `agent_runtime_core.ManualClock` is one for tests."""

    def now(self) -> datetime:
        """The time, with its zone."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        ...


def silence_after(
    agent: JourneyAgent[Any, Any, Any],
    claim: Claim,
    commit: Commit,
    state_before: str | None,
    ending: Ending,
    handoff: JSONObject | Literal["back"] | None,
) -> Silence | None:
    """What is to happen if nothing is said after a turn; None where the person is not waited for."""
    is_with_a_person = isinstance(handoff, dict) or (is_passed_on(claim) and handoff != "back")
    if ending == "superseded" or is_with_a_person:
        return None
    try:
        rules = agent.rules_of_silence(commit.step, commit.state if commit.state is not None else state_before)
        return next_silence(rules, Silent.of(claim.bodies))
    except Exception:  # on_idle may be the author's code; it must not keep the turn from being kept
        logger.exception("agent %r cannot say what is done about silence; nothing is", agent.key)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A time, as a caller gives it.

    Attributes:
        at: The time.
        after: How long from now.
    """

    at: datetime | None = None
    after: timedelta | str | None = None

    @property
    def due(self) -> datetime | timedelta:
        """The one of both that was given.

        Raises:
            ConfigurationError: None was, or both, or the time has no zone.
        """
        if (self.at is None) == (self.after is None):
            raise ConfigurationError("a timer needs either at=, a time, or after=, such as '2h'; give one of them")
        if self.after is not None:
            return duration(self.after)
        assert self.at is not None
        if self.at.tzinfo is None:
            raise ConfigurationError(f"at={self.at!r} has no time zone; use datetime.now(UTC), or add tzinfo=")
        return self.at


def timer_of(
    conversation_id: UUID | str,
    event: str | Mapping[str, Any],
    when: When,
    timer_id: str | None,
    agent_key: str,
    default_agent: str,
) -> Timer:
    """A business event that is to come.

    Raises:
        ConfigurationError: The time or the name is not possible.
    """
    timer_id = uuid4().hex if timer_id is None else timer_id
    if not 1 <= len(timer_id) <= 255 or not timer_id.isprintable():
        raise ConfigurationError(
            f"timer_id {timer_id!r:.80} is not possible; expected 1 to 255 characters, none of them a control character"
        )
    return Timer(
        conversation_id=conversation_key(conversation_id),
        timer_id=timer_id,
        due=when.due,
        body=event_message(event),
        agent_key=agent_key,
        default_agent=default_agent,
    )
