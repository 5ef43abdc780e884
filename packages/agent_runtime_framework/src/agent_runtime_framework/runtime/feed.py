"""What is told of the turns of a conversation, kept for a while, so that whoever comes late hears all of it.

Rules:
    - Nobody waits for a reader. Readers take what they have not had at their own pace; what they take is kept once,
      for all of them.
    - Of a turn, everything is kept but old deltas; one reset with the text so far stands for those.
    - A turn's end is told when it has been kept, as it was kept.
    - A turn that began elsewhere, or is no longer kept here, is told from the store, whole, once it has ended.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.events import Event
from agent_runtime_framework.store.delivery import Claim, Outcome

KEPT_CONVERSATIONS = 256
"""Of how many conversations finished turns are kept, beside those that somebody watches."""

KEPT_TURNS = 8
"""How many finished turns of each."""

KEPT_DELTAS = 1000
"""How many pieces of text of a turn."""

LAST = 2**53
"""The attempt, and the number, of a turn's last event."""

_ENDS = frozenset({EventType.RUN_SUCCEEDED, EventType.RUN_FAILED, EventType.RUN_CANCELLED, EventType.RUN_TIMED_OUT})


class Position(NamedTuple):
    """A place in what is told of a conversation.

    Attributes:
        turn: The turn.
        attempt: Which time it was begun or continued; counted over the whole conversation.
        seq: The event in it.
    """

    turn: int
    attempt: int = LAST
    seq: int = LAST

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position that `str` gave; a turn's number alone stands for its end.

        Raises:
            ConfigurationError: It is none.
        """
        parts = text.removesuffix(".end").split(".")
        if len(parts) not in (1, 3) or not all(part.isdecimal() and part.isascii() for part in parts):
            raise ConfigurationError(f"{text[:40]!r} is no position; expected one that was given, or a turn's number")
        if any(len(part) > 15 for part in parts):
            raise ConfigurationError(f"{text[:40]!r} is no position; its numbers are too large")
        return cls(*map(int, parts))

    @property
    def is_end(self) -> bool:
        """True if the turn is over there."""
        return self.seq == LAST

    def __str__(self) -> str:
        return f"{self.turn}.end" if self.is_end else ".".join(map(str, self))


class Told(NamedTuple):
    """An event, and where it stands.

    Attributes:
        position: Its place in the conversation; None within a turn that is told whole, from the store.
        event: The event.
    """

    position: Position | None
    event: Event


@dataclass(slots=True, kw_only=True)
class TurnFeed:
    """What was told of one turn.

    Attributes:
        turn: Its number.
        attempt: Which time it is run; counted over the whole conversation.
        is_running: True while it is being run here.
        told: Its events, in order.
    """

    turn: int
    attempt: int
    is_running: bool = True
    told: list[tuple[Position, Event]] = field(default_factory=list[tuple[Position, Event]])
    _held: Event | None = None
    _deltas: int = 0

    @property
    def is_whole(self) -> bool:
        """True if all of it was told."""
        return bool(self.told) and self.told[-1][0].is_end

    def after(self, position: Position) -> list[tuple[Position, Event]]:
        """What comes after a position."""
        return self.told[bisect_right(self.told, position, key=lambda each: each[0]) :]

    def add(self, event: Event, most_deltas: int) -> bool:
        """Take an event; False if it is held back until the turn has been kept."""
        if event.type in _ENDS:
            self._held = event
            return False
        self.told.append((Position(self.turn, self.attempt, event.seq), event))
        if event.type == EventType.ASSISTANT_DELTA:
            self._deltas += 1
            if self._deltas > most_deltas:
                self._forget_deltas()
        return True

    def end(self, outcome: Outcome) -> None:
        """The turn has ended as this."""
        self.is_running = False
        position = Position(self.turn)
        held = self._held
        if outcome.status == "failed" and outcome.reply:
            # The words that the person reads in place of a reply are the worker's, not the turn's.
            said = Event(EventType.ASSISTANT_MESSAGE, {"content": outcome.reply}, *self._named())
            self.told.append((Position(self.turn, self.attempt, said.seq), said))
        if held is not None and held.type == EventType.RUN_SUCCEEDED:
            self.told.append((position, held))
            return
        payload: JSONObject = {} if held is None else dict(held.payload)
        payload |= {"response": outcome.reply or "", "stopped_reason": outcome.stopped_reason}
        self.told.append((position, Event(END_EVENTS[outcome.status], payload, *self._named())))

    def _named(self) -> tuple[str, str, int]:
        if not self.told:
            return "", "", 0
        last = self.told[-1][1]
        return last.run_id, last.conversation_id, last.seq + 1

    def _forget_deltas(self) -> None:
        """Let one reset stand for the older half of the deltas."""
        text, left, kept = "", self._deltas // 2, list[tuple[Position, Event]]()
        for position, event in self.told:
            if left and event.type in (EventType.ASSISTANT_DELTA, EventType.ASSISTANT_RESET):
                text = text + event.text if event.type == EventType.ASSISTANT_DELTA else event.text
                left -= event.type == EventType.ASSISTANT_DELTA
                if not left:
                    kept.append((position, replace(event, type=EventType.ASSISTANT_RESET, payload={"text": text})))
            else:
                kept.append((position, event))
        self._deltas -= self._deltas // 2
        self.told = kept


END_EVENTS: dict[str, EventType] = {
    "answered": EventType.RUN_SUCCEEDED,
    "merged": EventType.RUN_SUCCEEDED,
    "superseded": EventType.RUN_CANCELLED,
    "cancelled": EventType.RUN_CANCELLED,
    "failed": EventType.RUN_FAILED,
}
"""How the end of a turn is told."""


@dataclass(slots=True)
class Feed:
    """What was told of one conversation.

    Attributes:
        turns: The turns that are kept, by number.
        ended: The last turn that is known to have ended.
        readers: Whom to wake when there is more.
    """

    turns: dict[int, TurnFeed] = field(default_factory=dict[int, TurnFeed])
    ended: int = 0
    readers: set[asyncio.Event] = field(default_factory=set[asyncio.Event])

    def wake(self) -> None:
        """There is more."""
        for reader in self.readers:
            reader.set()

    def note_ended(self, turn: int) -> None:
        """A turn has ended, wherever it was run."""
        if turn > self.ended:
            self.ended = turn
            self.wake()


class Feeds:
    """The feeds of a process.

    Args:
        most_deltas: How many pieces of text are kept of a turn.
    """

    def __init__(self, most_deltas: int = KEPT_DELTAS) -> None:
        self.keeps_all = False
        self._feeds: dict[str, Feed] = {}
        self._most_deltas = most_deltas

    @contextmanager
    def reading(self, conversation_id: str) -> Generator[tuple[Feed, asyncio.Event]]:
        """A conversation's feed, and what is set when there is more in it."""
        feed = self._feeds.setdefault(conversation_id, Feed())
        wake = asyncio.Event()
        feed.readers.add(wake)
        try:
            yield feed, wake
        finally:
            feed.readers.discard(wake)
            if not self.keeps_all and not feed.readers:
                self._feeds.pop(conversation_id, None)

    @property
    def watched(self) -> dict[str, Feed]:
        """The feeds that somebody reads."""
        return {key: feed for key, feed in self._feeds.items() if feed.readers}

    def begin(self, claim: Claim, heard: Callable[[], list[JSONObject] | None]) -> FeedSink | None:
        """Where the events of a turn go; None if nobody shall hear of them.

        Args:
            claim: The turn.
            heard: Gives what the person said, as it may be shown.
        """
        feed = self._feeds.get(claim.conversation_id)
        if feed is None:
            if not self.keeps_all:
                return None
            feed = Feed()
        # The conversation used last is forgotten last.
        self._feeds.pop(claim.conversation_id, None)
        self._feeds[claim.conversation_id] = feed
        # Whoever goes on with a turn, here or elsewhere, after a pause or a crash, has a later epoch.
        turn = feed.turns[claim.turn] = TurnFeed(turn=claim.turn, attempt=claim.epoch)
        self._forget(feed)
        return FeedSink(feed, turn, claim, heard, self._most_deltas)

    def end(self, claim: Claim, outcome: Outcome | None) -> None:
        """A turn has ended, or rests, or is not run here any more."""
        feed = self._feeds.get(claim.conversation_id)
        if feed is None:
            return
        turn = feed.turns.get(claim.turn)
        has_ended = outcome is not None and outcome.is_final
        if turn is not None and outcome is not None and has_ended:
            turn.end(outcome)
        elif turn is not None:
            turn.is_running = False
        if has_ended:
            feed.ended = max(feed.ended, claim.turn)
        feed.wake()

    def _forget(self, feed: Feed) -> None:
        while len(feed.turns) > KEPT_TURNS:
            feed.turns.pop(min(feed.turns))
        if len(self._feeds) > KEPT_CONVERSATIONS:
            for key, each in list(self._feeds.items()):
                if not each.readers and not any(turn.is_running for turn in each.turns.values()):
                    del self._feeds[key]
                if len(self._feeds) <= KEPT_CONVERSATIONS:
                    break


class FeedSink:
    """Takes the events of a turn into its conversation's feed."""

    def __init__(
        self,
        feed: Feed,
        turn: TurnFeed,
        claim: Claim,
        heard: Callable[[], list[JSONObject] | None],
        most_deltas: int,
    ) -> None:
        self._feed = feed
        self._turn = turn
        self._claim = claim
        self._heard = heard
        self._most_deltas = most_deltas

    def push(self, event: Event) -> None:
        """Take an event and return at once."""
        if event.type == EventType.RUN_STARTED:
            about: JSONObject = {"turn": self._claim.turn, "message_ids": list(self._claim.message_ids)}
            event = replace(event, payload={**event.payload, **about, "heard": self._heard() or []})
        if self._turn.add(event, self._most_deltas):
            self._feed.wake()
