"""The edges of a turn that is held again: the model as it replied, and a journal that knows what calls came to.

Rules:
    - What a tool did outside is never done again. A call with the name and arguments of a recorded one gets its result,
      and does to the state what that did; one that was never made ends the replay.
    - Tools that touch nothing but the state run, on a state that is thrown away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject, LLMResponse
from agent_runtime_framework.approvals import ApprovalNeeded, Decision
from agent_runtime_framework.errors import StateError
from agent_runtime_framework.executor.calls import Answer
from agent_runtime_framework.runtime.journal import StoredJournal
from agent_runtime_framework.runtime.receipts.account import Account, account_so_far
from agent_runtime_framework.runtime.replays.recorded import CallKey, RecordedTurn, Result, call_key
from agent_runtime_framework.store.delivery import Claim, DurableStore, Lease
from agent_runtime_framework.toolcalls import ToolCall


class OffTheRecord(Exception):
    """The replay cannot go on, because something would happen that did not happen back then; the text says what."""


class RecordedModel:
    """Replies as the model did; asked more often, it ends the replay."""

    def __init__(self, replies: Sequence[JSONObject]) -> None:
        self._replies = deque(replies)

    async def generate(self, messages: list[JSONObject], *, tools: object = None, **kwargs: Any) -> LLMResponse:
        """The next reply.

        Raises:
            OffTheRecord: There is none.
        """
        if not self._replies:
            raise OffTheRecord("the model would be asked once more than it was")
        return LLMResponse(message=dict(self._replies.popleft()))


class ReplayJournal(StoredJournal):
    """Records a turn that is held again, in memory alone, and answers its calls from what is recorded.

    Args:
        turn: The turn as it was.
        conversation_id: Its conversation.
        results: What the calls of the conversation came to; what is used is taken out.
        lease: Anybody's.
    """

    def __init__(
        self, turn: RecordedTurn, conversation_id: str, results: Mapping[CallKey, deque[Result]], lease: Lease
    ) -> None:
        claim = Claim(
            conversation_id=conversation_id,
            agent_key=turn.account.agent_key,
            turn=turn.account.no,
            run_id=turn.run_id or "",
            epoch=0,
            revision=0,
            attempts=1,
            message_ids=(),
            bodies=(),
        )
        # Nothing is written, so nothing is asked of a store.
        super().__init__(cast("DurableStore", None), claim, lease)
        self._recorded = turn
        self._results = results
        self._unknown: set[str] = set()

    def account(self, step_before: str | None) -> Account:
        """What was done so far."""
        return account_so_far(replace(self._claim, entries=tuple(self.entries)), step_before)

    async def before_calls(self, calls: Sequence[ToolCall]) -> list[Answer | None]:
        await super().before_calls(calls)
        return [self._remembered(call) for call in calls]

    def answered(self, call: ToolCall, answer: Answer) -> None:
        super().answered(call, answer)
        if call.id in self._unknown:
            at = next(each.no for each in self.entries if each.call_id == call.id)
            told = self.entries[at]
            self.entries[at] = replace(told, outcome={**(told.outcome or {}), "unknown": True})

    def decision(self, call: ToolCall) -> Decision | None:
        for each in self._recorded.account.approvals:
            if each.get("call_id") == call.id or each.get("tool") == call.name:
                is_approved = each.get("decision") == "approved"
                return Decision(call_id=call.id, tool=call.name, is_approved=is_approved, note=each.get("note", ""))
        return None

    async def paused(self, call: ToolCall, needed: ApprovalNeeded) -> str:
        raise OffTheRecord(f"{call.name} would wait for a person's agreement")

    async def _write(self) -> None:
        self._with_state()
        self._unwritten.clear()

    def _remembered(self, call: ToolCall) -> Answer | None:
        """What a call came to; None if it may run."""
        scene = self._scene
        if scene is None or scene.effect_of(call) == "state":
            self._forget(call)
            return None
        result = self._take(call)
        if result is None:
            raise OffTheRecord(f"{call.name} would be called with arguments that it was never called with")
        if result.effect == "state" and result.ok:
            raise OffTheRecord(f"what {call.name} did to the state was not recorded, since it did nothing else then")
        try:
            scene.redo(result.changed, result.gone)
        except StateError as error:
            raise OffTheRecord(f"what {call.name} did to the state does not fit any more: {error}") from error
        if result.is_unknown:
            self._unknown.add(call.id)
        return Answer(result.text, ok=result.ok, why="" if result.ok else "tool")

    def _take(self, call: ToolCall) -> Result | None:
        """The next recorded result of a call; reading again may give the last one again."""
        found = self._results.get(call_key(call.name, call.arguments))
        if not found:
            return None
        may_repeat = self._effect_of(call) == "read" and len(found) == 1
        return found[0] if may_repeat else found.popleft()

    def _forget(self, call: ToolCall) -> None:
        found = self._results.get(call_key(call.name, call.arguments))
        if found:
            found.popleft()
