"""Which stored conversations the present code could not go on with, found without changing anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.scene import step_name, step_of
from agent_runtime_framework.errors import StateError, StateTooNew
from agent_runtime_framework.executor.turn import ProtocolError, Turn
from agent_runtime_framework.journey.form import Form
from agent_runtime_framework.journey.journey import Journey
from agent_runtime_framework.runtime.journal import StoredJournal
from agent_runtime_framework.store.delivery import Claim, DurableStore, Lease
from agent_runtime_framework.store.live import LiveConversation

Agent: TypeAlias = JourneyAgent[Any, Any, Any]

Code: TypeAlias = Literal[
    "too_new", "does_not_load", "unknown_step", "answer", "no_prompt", "unknown_tool", "other_limits"
]
"""Why a conversation would be stranded.

- too_new: a later version wrote its state.
- does_not_load: its state cannot be migrated, or does not fit its class.
- unknown_step: its step is gone, and no other one is there to take its place.
- answer: an answer to a form does not fit its model any more.
- no_prompt: the code raises where it is asked for the step's prompt or tools.
- unknown_tool: a call waits in its unfinished turn for a tool that its step does not offer.
- other_limits: its unfinished turn is longer than the code allows now.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a conversation would be stranded.

    Attributes:
        code: The kind.
        message: What was found, as a sentence without a full stop.
    """

    code: Code
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What would become of a conversation.

    Attributes:
        conversation_id: The conversation.
        version: The version that wrote its state.
        step: The step in which it would go on; None if that cannot be told.
        problems: Why it would be stranded; empty if it would not.
        is_migrated: True if its state would be migrated.
        rerouted_from: The step that is gone, where another one was named to take its place.
        unread: What is stored and no field of a journey reads; it is kept aside.
        turn: The turn that has begun and not ended.
    """

    conversation_id: str
    version: int
    step: str | None = None
    problems: tuple[Problem, ...] = ()
    is_migrated: bool = False
    rerouted_from: str | None = None
    unread: tuple[str, ...] = ()
    turn: int | None = None

    def to_dict(self) -> JSONObject:
        """The same as JSON."""
        return {
            "conversation": self.conversation_id,
            "version": self.version,
            "step": self.step,
            "turn": self.turn,
            "migrated": self.is_migrated,
            "rerouted_from": self.rerouted_from,
            "unread": list(self.unread),
            "problems": [{"code": each.code, "message": each.message} for each in self.problems],
        }


async def prospects(agent: Agent, store: DurableStore, *, page: int = 200) -> AsyncIterator[Prospect]:
    """What would become of every conversation of an agent that is not over, one after another.

    The store is only read, a page at a time, and no tool is run.

    Args:
        agent: The agent, as the present code makes it.
        store: Where the conversations are.
        page: How many are read at a time.
    """
    after = ""
    while found := await store.live(agent.key, after=after, limit=page):
        for each in found:
            prospect = prospect_of(agent, each)
            if prospect is not None:
                yield prospect
        after = found[-1].conversation_id


def prospect_of(agent: Agent, found: LiveConversation) -> Prospect | None:
    """What would become of a conversation; None if it is over."""
    stored = found.last_state
    version = found.version
    try:
        state = agent.get_initial_state() if stored is None else agent.read_state(stored, found.conversation_id)
    except StateTooNew as error:
        return _stranded(found, Problem(code="too_new", message=f"version {error.found} wrote its state"))
    except StateError as error:
        return _stranded(found, Problem(code="does_not_load", message=_reason(error)))
    if found.turn is None and agent.is_terminal_state(state):
        return None
    lost = state.lost_step if isinstance(state, Journey) else None
    named = type(state).definition.fallback if isinstance(state, Journey) else None
    problems = [*_without_place(state, lost, named), *_with_answers(state), *_with_the_turn(agent, state, found)]
    return Prospect(
        conversation_id=found.conversation_id,
        version=version,
        step=step_name(step_of(state)),
        problems=tuple(problems),
        is_migrated=stored is not None and version < agent.version,
        rerouted_from=lost if named is not None else None,
        unread=state.kept_aside if isinstance(state, Journey) else (),
        turn=found.turn,
    )


def _stranded(found: LiveConversation, problem: Problem) -> Prospect:
    return Prospect(conversation_id=found.conversation_id, version=found.version, problems=(problem,), turn=found.turn)


def _reason(error: StateError) -> str:
    """Why a state does not load, without what every such error says."""
    cause = error.__cause__
    if cause is None:
        return str(error)
    return str(cause) if isinstance(cause, StateError) else f"{type(cause).__name__}: {cause}"


def _without_place(state: object, lost: str | None, named: str | None) -> Iterator[Problem]:
    if lost is None or named is not None:
        return
    begin = step_name(step_of(state))  # pyright: ignore[reportArgumentType]  only a journey has a lost step
    yield Problem(
        code="unknown_step",
        message=f"there is no step {lost!r} any more, so it would begin again in {begin!r}; give a step "
        f"`was={lost!r}`, or name one that takes such conversations up: `fallback=True`",
    )


def _with_answers(state: object) -> Iterator[Problem]:
    """Answers to forms that the present models refuse."""
    if not isinstance(state, Journey):
        return
    steps = type(state).definition.steps
    for name, progress in state.forms.items():
        form: Form[Any] | None = steps[name].collect if name in steps else None
        answers: JSONObject = progress.get("answers", {})
        for each in () if form is None else form.fields:
            if form is None or each.name not in answers:
                continue
            _, reason = form.checker.check(each, answers[each.name], answers)
            if reason is not None:
                yield Problem(code="answer", message=f"its answer to {each.name!r} no longer fits: {reason}")


def _with_the_turn(agent: Agent, state: Any, found: LiveConversation) -> Iterator[Problem]:
    try:
        agent.get_system_prompt(state)
        offered = {tool.name for tool in agent.get_tool_schemas(state) or ()}
    except Exception as error:  # noqa: BLE001  it is the author's code, and what it raises is what is asked for
        message = f"step {step_name(step_of(state))!r} has no prompt or tools: {type(error).__name__}: {error}"
        yield Problem(code="no_prompt", message=message)
        return
    if found.turn is None:
        return
    turn = Turn(agent.config.policy())
    try:
        _recorded(found).replay(turn)
    except ProtocolError as error:
        yield Problem(code="other_limits", message=f"its turn {found.turn} cannot be continued: {error}")
        return
    settled = {each.call_id for each in found.entries if each.outcome is not None or each.effect == "once"}
    for call in turn.waiting:
        if call.name not in offered and call.id not in settled:
            yield Problem(
                code="unknown_tool",
                message=f"a call of {call.name!r} waits in its turn {found.turn}, and step "
                f"{step_name(step_of(state))!r} offers: {', '.join(sorted(offered)) or 'no tools'}",
            )


def _recorded(found: LiveConversation) -> StoredJournal:
    """What was recorded of an unfinished turn, to be replayed only."""
    claim = Claim(
        conversation_id=found.conversation_id,
        agent_key="",
        turn=found.turn or 0,
        run_id="",
        epoch=0,
        revision=0,
        attempts=1,
        message_ids=(),
        bodies=(),
        entries=found.entries,
    )
    return StoredJournal(_NO_STORE, claim, Lease(owner="", ttl=timedelta(0)))


_NO_STORE: Any = None
"""A replay writes nothing."""
