"""Holds stored conversations again, on states that are thrown away, and says where they go another way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.base import AgentContext, AgentMessage, LLMClient
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.scene import step_name, step_of
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.executor.asking import WholeReplies
from agent_runtime_framework.executor.loop import TurnIO
from agent_runtime_framework.memory import MemoryManager
from agent_runtime_framework.runtime.receipts.account import Account
from agent_runtime_framework.runtime.receipts.comparing import differences, path_of
from agent_runtime_framework.runtime.replays.again import OffTheRecord, RecordedModel, ReplayJournal
from agent_runtime_framework.runtime.replays.recorded import RecordedConversation, RecordedTurn, recorded
from agent_runtime_framework.store.delivery import Lease
from agent_runtime_framework.store.protocol import Commit

_LEASE = Lease(owner="replay", ttl=timedelta(days=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnReplayed:
    """How a turn went the second time.

    Attributes:
        no: The turn.
        differences: What it did otherwise, in plain words; empty if nothing.
    """

    no: int
    differences: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How a conversation went the second time.

    Attributes:
        conversation_id: The conversation.
        turns: The turns that went another way.
        skips: Steps it was in, and is not any more.
        enters: Steps it was not in, and is now.
        stopped_at: The turn at which it could not be followed any further; None if it was followed to its end.
        stopped_because: Why.
        left_out: Why it was not replayed at all; empty if it was.
    """

    conversation_id: str
    turns: Sequence[TurnReplayed] = ()
    skips: Sequence[str] = ()
    enters: Sequence[str] = ()
    stopped_at: int | None = None
    stopped_because: str = ""
    left_out: str = ""

    @property
    def is_same(self) -> bool:
        """True if it went the same way to its end."""
        return not self.turns and self.stopped_at is None and not self.left_out

    def to_dict(self) -> JSONObject:
        """As JSON."""
        return {
            "conversation_id": self.conversation_id,
            "same": self.is_same,
            "turns": [{"turn": each.no, "differences": list(each.differences)} for each in self.turns],
            "skips": list(self.skips),
            "enters": list(self.enters),
            "stopped_at": self.stopped_at,
            "stopped_because": self.stopped_because,
            "left_out": self.left_out,
        }


@dataclass(slots=True)
class Comparison:
    """How many conversations went another way, and how.

    Attributes:
        replayed: Every conversation.
    """

    replayed: list[Replayed] = field(default_factory=list[Replayed])

    @property
    def followed(self) -> list[Replayed]:
        """Those that were replayed."""
        return [each for each in self.replayed if not each.left_out]

    @property
    def differing(self) -> list[Replayed]:
        """Those that went another way."""
        return [each for each in self.followed if not each.is_same]

    @property
    def reasons(self) -> Counter[str]:
        """In how many conversations each difference was found; skipped steps first."""
        found: Counter[str] = Counter()
        for each in self.followed:
            told = [f"now skips {step}" for step in each.skips] + [f"now enters {step}" for step in each.enters]
            told += [what for turn in each.turns for what in turn.differences if not what.startswith(_STEPS)]
            told += [each.stopped_because] if each.stopped_because else []
            found.update(list(dict.fromkeys(told)))
        return found

    def to_dict(self) -> JSONObject:
        """As JSON."""
        return {
            "conversations": len(self.followed),
            "differ": len(self.differing),
            "left_out": len(self.replayed) - len(self.followed),
            "differences": dict(self.reasons.most_common()),
            "replayed": [each.to_dict() for each in self.replayed],
        }


_STEPS = ("now skips ", "now enters ")


async def replay(
    document: JSONObject, agent: JourneyAgent[Any, Any, Any], llm_client: LLMClient | None = None
) -> Replayed:
    """Hold an exported conversation again.

    Args:
        document: What `Runtime.export` gave.
        agent: Who answers this time. Its hooks, sinks and memory are left alone.
        llm_client: The model; by default it replies as it did.
    """
    conversation = recorded(document)
    reason = _reason_against(conversation, agent.key)
    if reason:
        return Replayed(conversation_id=conversation.conversation_id, left_out=reason)
    return await _Replay(conversation, agent, llm_client).run()


def _reason_against(conversation: RecordedConversation, agent_key: str) -> str:
    if not any(turn.account.agent_key == agent_key for turn in conversation.turns):
        return f"{agent_key} never answered in it"
    if conversation.is_cut:
        return "its beginning is not kept any more"
    if conversation.is_masked:
        return "sensitive answers are not kept in what was said, so it cannot be said again"
    return ""


class _Replay:
    """One conversation on its way."""

    def __init__(
        self, conversation: RecordedConversation, agent: JourneyAgent[Any, Any, Any], llm_client: LLMClient | None
    ) -> None:
        self._conversation = conversation
        self._agent = agent
        self._client = llm_client
        self._memory = MemoryManager.from_url("memory://")
        self._results = deepcopy(dict(conversation.results))
        self._step: str | None = None
        self._was_in: dict[str, None] = {}
        self._is_in: dict[str, None] = {}

    async def run(self) -> Replayed:
        turns: list[TurnReplayed] = []
        for turn in self._conversation.turns:
            if turn.account.agent_key != self._agent.key or not (turn.account.done or turn.replies):
                await self._remember(turn)
                continue
            try:
                again = await self._again(turn)
            except OffTheRecord as error:
                if turn.account.status == "answered" or "asked once more" not in str(error):
                    return self._told(turns, turn.account.no, str(error))
                # It broke back then, too.
                continue
            except ConfigurationError:
                raise
            except Exception as error:  # noqa: BLE001  changed code may raise anything; a replay is to find it
                return self._told(turns, turn.account.no, f"it breaks: {type(error).__name__}: {error}")
            found = differences(path_of(turn.account), path_of(again))
            if found:
                turns.append(TurnReplayed(no=turn.account.no, differences=found))
            self._was_in |= dict.fromkeys(turn.account.steps)
            self._is_in |= dict.fromkeys(again.steps)
        return self._told(turns)

    def _told(self, turns: Sequence[TurnReplayed], stopped_at: int | None = None, why: str = "") -> Replayed:
        is_whole = stopped_at is None
        return Replayed(
            conversation_id=self._conversation.conversation_id,
            turns=turns,
            skips=[step for step in self._was_in if step not in self._is_in] if is_whole else (),
            enters=[step for step in self._is_in if step not in self._was_in] if is_whole else (),
            stopped_at=stopped_at,
            stopped_because=why,
        )

    async def _again(self, turn: RecordedTurn) -> Account:
        agent, name = self._agent, self._conversation.conversation_id
        journal = ReplayJournal(turn, name, self._results, _LEASE)
        client = self._client or RecordedModel(turn.replies)
        io = TurnIO(model=WholeReplies(client), journal=journal)
        run_id = UUID(turn.run_id) if turn.run_id else uuid4()
        ctx = AgentContext(run_id, name, [AgentMessage.from_dict(dict(each)) for each in turn.heard])
        async with self._memory.turn(name, agent.key, context=agent.config.context) as conversation:
            await agent.turn(ctx, io, conversation)
        state = journal.state_now
        account = journal.account(self._step or turn.account.extra.get("began_in"))
        self._step = None if state is None else step_name(step_of(state))
        if state is None or not agent.is_terminal_state(state):
            return account
        return replace(account, over="completed" if state.is_complete() else "ended")

    async def _remember(self, turn: RecordedTurn) -> None:
        """What was said in a turn that is not held again."""
        head = await self._memory.store.load(self._conversation.conversation_id, "", context=0)
        commit = Commit(
            conversation_id=self._conversation.conversation_id,
            agent_key="",
            revision=head.revision,
            messages=[dict(each) for each in turn.messages],
        )
        if turn.messages:
            await self._memory.store.commit(commit)
