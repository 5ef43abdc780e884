"""Any sequence of operations on messages that are delivered; needs hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, rule

from agent_runtime_framework.store.delivery import Claim, DurableStore, Ending, Entry, Finished, Incoming, Lease, Policy
from agent_runtime_framework.store.protocol import Commit
from agent_runtime_framework.testing.stores.bench import Bench
from agent_runtime_framework.testing.stores.machine import CONVERSATIONS, STATES, STEPS, TEXTS, StoreMachine
from agent_runtime_framework.testing.stores.model import SOME_TIME
from agent_runtime_framework.testing.stores.samples import TTL, said

POLICIES: st.SearchStrategy[Policy] = st.sampled_from(["queue", "reject", "interrupt", "merge"])
ENDINGS: st.SearchStrategy[Ending] = st.sampled_from(["answered", "superseded", "cancelled", "failed"])
OWNERS = st.sampled_from(["me", "you"])
MESSAGE_IDS = st.integers(0, 15).map(lambda number: f"m{number}")
ENTRIES = st.lists(
    st.builds(
        Entry,
        no=st.integers(0, 4),
        kind=st.sampled_from(["heard", "model", "tool", "said"]),
        outcome=st.sampled_from([None, {"text": "ok"}]),
        state=STATES,
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda entry: entry.no,
)

NOTHING: Any = multiple()  # pyright: ignore[reportUnknownVariableType]  hypothesis leaves it open
"""What a rule adds to its bundle where there is no claim."""


def lease_of(owner: str) -> Lease:
    """The wish of an owner."""
    return Lease(owner=owner, ttl=TTL)


@dataclass(frozen=True)
class Held:
    """A claim, as the store gave it and as the model did."""

    real: Claim
    expected: Claim

    def __repr__(self) -> str:
        return f"<turn {self.expected.turn} of {self.expected.conversation_id!r}, epoch {self.expected.epoch}>"


class DurableStoreMachine(StoreMachine):
    """The same with messages that are delivered."""

    claims: Bundle[Held] = Bundle("claims")

    def __init__(self, bench: Bench, is_shared: bool) -> None:
        super().__init__(bench, is_shared)
        self.run_ids: dict[tuple[str, int], str] = {}

    async def open(self) -> DurableStore:
        return await self.bench.open_durable()

    def look(self, name: str) -> None:
        super().look(name)
        self.look_at_turns(name, 100)

    def look_at_turns(self, name: str, last: int) -> None:
        """Compare the list of turns, as far as times are none."""
        known = self.model.conversations.get(name)
        found = [
            replace(each, started_at=each.started_at and SOME_TIME, ended_at=each.ended_at and SOME_TIME)
            for each in self.wait(self.store.turns(name, last=last))
        ]
        assert found == (known.turns[-last:] if known else [])

    def held(self, expected: Claim | None, found: Claim | None) -> Any:
        """Both claims, if they say the same."""
        if expected is None or found is None:
            assert found is expected
            return NOTHING
        assert replace(found, run_id="", epoch=0) == replace(expected, run_id="", epoch=0)
        assert self.run_ids.setdefault((found.conversation_id, found.turn), found.run_id) == found.run_id
        return Held(found, expected)

    @rule(
        target=claims,
        name=CONVERSATIONS,
        message_id=MESSAGE_IDS,
        text=TEXTS,
        policy=POLICIES,
        agent=st.sampled_from(["", "", "quote", "intake"]),
        max_waiting=st.sampled_from([1, 3, 100]),
        owner=st.one_of(st.none(), OWNERS),
    )
    def accept(
        self,
        name: str,
        message_id: str,
        text: str,
        policy: Policy,
        agent: str,
        max_waiting: int,
        owner: str | None,
    ) -> Any:
        message = Incoming(
            conversation_id=self.prefix + name,
            message_id=message_id,
            agent_key=agent,
            default_agent="quote",
            body=said(text),
            policy=policy,
            max_waiting=max_waiting,
        )
        lease = None if owner is None else lease_of(owner)
        expected, found = self.both(
            lambda: self.model.accept(message, lease), lambda: self.store.accept(message, lease)
        )
        if found is None:
            return NOTHING
        assert replace(found, claim=None) == replace(expected, claim=None)
        return self.held(expected.claim, found.claim)

    @rule(target=claims, name=CONVERSATIONS, owner=OWNERS, gone=st.one_of(st.none(), st.none(), OWNERS))
    def claim(self, name: str, owner: str, gone: str | None) -> Any:
        name, lease = self.prefix + name, lease_of(owner)
        return self.held(
            *self.both(lambda: self.model.claim(name, lease, gone), lambda: self.store.claim(name, lease, gone=gone))
        )

    @rule(claim=claims, entries=ENTRIES, seconds=st.integers(1, 60))
    def record(self, claim: Held, entries: list[Entry], seconds: int) -> None:
        ttl = timedelta(seconds=seconds)
        self.agree(
            lambda: self.model.record(claim.expected, entries, ttl),
            lambda: self.store.record(claim.real, entries, ttl),
        )

    @rule(
        target=claims,
        claim=claims,
        ending=ENDINGS,
        texts=st.lists(TEXTS, max_size=2),
        state=STATES,
        step=STEPS,
        is_late=st.sampled_from([False, False, True]),
        owner=st.one_of(st.none(), OWNERS),
    )
    def finish(
        self,
        claim: Held,
        ending: Ending,
        texts: list[str],
        state: str | None,
        step: str | None,
        is_late: bool,
        owner: str | None,
    ) -> Any:
        name = claim.expected.conversation_id
        commit = Commit(
            conversation_id=name,
            agent_key=claim.expected.agent_key,
            revision=self.revision(name, 0) if is_late else claim.expected.revision,
            messages=[said(text) for text in texts],
            state=state,
            step=step,
        )
        finished = Finished(commit=commit, ending=ending, reply="".join(texts), receipt={"stopped_reason": ending})
        lease = None if owner is None else lease_of(owner)
        following = self.both(
            lambda: self.model.finish(claim.expected, finished, lease),
            lambda: self.store.finish(claim.real, finished, lease),
        )
        self.look(name)
        return self.held(*following)

    @rule(held=st.lists(claims, max_size=3), seconds=st.integers(1, 60))
    def renew(self, held: list[Held], seconds: int) -> None:
        ttl = timedelta(seconds=seconds)
        self.agree(
            lambda: self.model.renew([each.expected for each in held], ttl),
            lambda: self.store.renew([each.real for each in held], ttl),
        )

    @rule(claim=claims, counts=st.booleans())
    def release(self, claim: Held, counts: bool) -> None:
        self.agree(
            lambda: self.model.release(claim.expected, counts),
            lambda: self.store.release(claim.real, counts=counts),
        )
        self.look(claim.expected.conversation_id)

    @rule(name=CONVERSATIONS, ending=st.sampled_from(["cancelled", "superseded"]))
    def stop(self, name: str, ending: Literal["cancelled", "superseded"]) -> None:
        name = self.prefix + name
        self.agree(lambda: self.model.stop(name, ending), lambda: self.store.stop(name, ending))

    @rule(seconds=st.integers(1, 40))
    def pass_by(self, seconds: int) -> None:
        self.bench.clock.pass_by(seconds)

    @rule(name=CONVERSATIONS, message_id=MESSAGE_IDS)
    def outcome(self, name: str, message_id: str) -> None:
        name = self.prefix + name
        self.agree(lambda: self.model.outcome(name, message_id), lambda: self.store.outcome(name, message_id))

    @rule()
    def stranded(self) -> None:
        found = self.wait(self.store.stranded(100_000))
        assert {each for each in found if each[0].startswith(self.prefix)} == self.model.stranded()

    @rule(name=CONVERSATIONS, last=st.sampled_from([1, 3, 100]))
    def turns(self, name: str, last: int) -> None:
        self.look_at_turns(self.prefix + name, last)

    def teardown(self) -> None:
        self.stranded()
        super().teardown()
