"""Any sequence of operations, on a store and on the model of it; needs hypothesis."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType]  hypothesis does not type it fully
)

from agent_runtime_core.config import environment_value
from agent_runtime_framework.errors import ConversationBusy, ConversationConflict, LeaseLost
from agent_runtime_framework.messages import ContextPolicy
from agent_runtime_framework.store.protocol import Commit, Store
from agent_runtime_framework.testing.stores.bench import Bench
from agent_runtime_framework.testing.stores.model import Model
from agent_runtime_framework.testing.stores.samples import said

SEED_VARIABLE = "AGENT_RUNTIME_SEED"

CONVERSATIONS = st.sampled_from(["ada", "bob"])
AGENTS = st.sampled_from(["quote", "intake"])
TEXTS = st.sampled_from(["hi", "and?", "🙂", ""])
STATES = st.sampled_from([None, '{"n":1}', '{"n":2}'])
STEPS = st.sampled_from([None, "one", "two"])
CONTEXTS: st.SearchStrategy[ContextPolicy] = st.sampled_from(["all", "step", 0, 1, 3])
_REFUSALS = (ConversationBusy, ConversationConflict, LeaseLost)


class StoreMachine(RuleBasedStateMachine):
    """Turns, states and loading. Every example has conversations of its own, on the same data."""

    examples = count()

    def __init__(self, bench: Bench, is_shared: bool) -> None:
        super().__init__()
        self.bench = bench
        self.is_shared = is_shared
        self.model = Model(bench.clock)
        self.prefix = f"{next(self.examples)} "
        self.store: Any = self.wait(self.open())

    async def open(self) -> Store:
        return await self.bench.open()

    def wait(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.bench.runner.run(awaited())

    def both(self, expected: Callable[[], Any], found: Callable[[], Awaitable[Any]]) -> tuple[Any, Any]:
        """What model and store return, if they agree on whether they do."""
        answer, refused = _tried(expected)
        found_answer, found_refused = _tried(lambda: self.wait(found()))
        assert type(found_refused) is type(refused), (
            f"{found_refused or found_answer!r}; expected {refused or answer!r}"
        )
        return answer, found_answer

    def agree(self, expected: Callable[[], Any], found: Callable[[], Awaitable[Any]]) -> None:
        answer, found_answer = self.both(expected, found)
        assert found_answer == answer

    def look(self, name: str) -> None:
        """Compare a conversation that may have changed, at once: so what fails can be made small."""
        for agent in ("quote", "intake"):
            self.agree(
                lambda agent=agent: self.model.load(name, agent, 0, "all"),
                lambda agent=agent: self.store.load(name, agent),
            )

    def revision(self, conversation: str, behind: int) -> int:
        known = self.model.conversations.get(conversation)
        return max(0, (known.revision if known else 0) - behind)

    @rule(
        name=CONVERSATIONS,
        agent=AGENTS,
        texts=st.lists(TEXTS, max_size=3),
        state=STATES,
        step=STEPS,
        behind=st.sampled_from([0, 0, 0, 1]),
    )
    def commit(self, name: str, agent: str, texts: list[str], state: str | None, step: str | None, behind: int) -> None:
        name = self.prefix + name
        commit = Commit(
            conversation_id=name,
            agent_key=agent,
            revision=self.revision(name, behind),
            messages=[said(text) for text in texts],
            state=state,
            step=step,
            usage=None if state is None else f'{{"total_tokens":{len(texts)}}}',
        )
        self.agree(lambda: self.model.commit(commit), lambda: self.store.commit(commit))
        self.look(name)

    @rule(name=CONVERSATIONS, agent=AGENTS, state=STATES)
    def save_state(self, name: str, agent: str, state: str | None) -> None:
        name = self.prefix + name
        self.agree(lambda: self.model.save_state(name, agent, state), lambda: self.store.save_state(name, agent, state))
        self.look(name)

    @rule(name=CONVERSATIONS)
    def clear_messages(self, name: str) -> None:
        name = self.prefix + name
        self.agree(lambda: self.model.clear_messages(name), lambda: self.store.clear_messages(name))
        self.look(name)

    @rule(name=CONVERSATIONS, agent=AGENTS, after=st.integers(0, 6), context=CONTEXTS)
    def load(self, name: str, agent: str, after: int, context: ContextPolicy) -> None:
        name = self.prefix + name
        self.agree(
            lambda: self.model.load(name, agent, after, context),
            lambda: self.store.load(name, agent, after=after, context=context),
        )

    @precondition(lambda self: self.is_shared)
    @rule()
    def reopen(self) -> None:
        self.wait(self.bench.reopen())
        self.store = self.wait(self.open())

    def teardown(self) -> None:
        if not self.is_shared:
            self.wait(self.bench.reopen())


def _tried(work: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """What it gives, or why it was refused."""
    try:
        return work(), None
    except _REFUSALS as error:
        return None, error


def run(machine: type[StoreMachine], bench: Bench, is_shared: bool, examples: int, steps: int) -> None:
    """Try so many sequences; what fails is made small, shown as a program, and repeated by its seed."""
    chosen = int(environment_value(SEED_VARIABLE) or random.randrange(10**6))

    def made() -> StoreMachine:
        return machine(bench, is_shared)

    # Any function that makes a machine will do; it is typed more narrowly.
    factory: Any = seed(chosen)(made)
    everything: Any = HealthCheck
    limits = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(everything),
    )
    try:
        run_state_machine_as_test(factory, settings=limits)
    except BaseException as error:
        error.add_note(f"{SEED_VARIABLE}={chosen} repeats it")
        raise
