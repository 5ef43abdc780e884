"""One turn of a journey written as a class: guards, moves and exact words are kept here, in code.

Rules:
    - A move is made only by a tool that declares it, only after the tool has run, and together with its result.
    - A step's tools are offered when every guard holds; a guard that does not, or breaks, is told with its reason.
    - A step that awaits the person runs nothing in the turn in which the journey arrived there.
    - `say` and `run` steps are passed by code, without a model request.
    - What a tool leaves behind has to be fit to be stored; otherwise the call failed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from agent_runtime_core.errors import ToolError
from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.agents.base import AgentContext
from agent_runtime_framework.agents.collecting import Collecting
from agent_runtime_framework.agents.heard import heard_for
from agent_runtime_framework.agents.offering import Offering
from agent_runtime_framework.agents.provided import Provided, is_context
from agent_runtime_framework.agents.results import declared_target, read_result, split_result
from agent_runtime_framework.agents.scene import Snapshot, copy_of, dump_state, put_back, redo_on, snapshot_of
from agent_runtime_framework.agents.submitted import without_answers
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.events import Emitter
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.declare import KEY
from agent_runtime_framework.journey.definition import IdleRule, StepDefinition, ToolDefinition
from agent_runtime_framework.journey.prompting import render, step_prompt
from agent_runtime_framework.journey.sensitive import hide_in_message
from agent_runtime_framework.toolcalls import Effect, ToolCall
from agent_runtime_framework.tools.offer import Offer

logger = logging.getLogger(__name__)

JourneyT = TypeVar("JourneyT", bound=Journey)

AWAITS_USER = "the person has not answered yet; present this step and wait for their next message"
MAX_PASSED_STEPS = 50
"""How many steps code may pass in a row before a circle is assumed."""


class ClassScene(Generic[JourneyT]):
    """One turn of a journey class.

    Args:
        state: The conversation's state.
        ctx: The turn.
        offering: Says what is offered, and knows the schema of each tool.
        provided: What `Injected` parameters get.
        emitter: Told of steps and of refused moves.
    """

    def __init__(
        self,
        state: JourneyT,
        ctx: AgentContext,
        offering: Offering,
        provided: Provided,
        emitter: Emitter,
    ) -> None:
        self.state = state
        self.has_progressed = False
        self._has_arrived = False
        self._is_stuck = False
        self.mended = _mended(state)
        self.handoff: JSONObject | None = None
        self._stuck_in = ""
        self._entered: list[str] = []
        self._ctx = ctx
        self._turn = str(ctx.run_id)
        self._offering = offering
        self._provided = provided
        self._emitter = emitter
        self._definition = type(state).definition
        self._steps = self._definition.steps
        self._collecting: dict[str, Collecting] = {}
        self._heard: tuple[Sequence[JSONObject], Sequence[JSONObject]] = ((), ())

    @property
    def settles(self) -> bool:
        """True if code may say something or carry the journey on from where it is."""
        step = self.here
        return (
            self._is_stuck
            or self.state.lost_step is not None
            or step.say is not None
            or step.handoff is not None
            or step.collect is not None
            or not step.speaks
        )

    @property
    def is_ready(self) -> bool:
        """True if it is known what can be offered where the journey is."""
        return self._offering.is_ready(self.here)

    async def prepare(self) -> None:
        await self._offering.prepare(self.here)

    @property
    def here(self) -> StepDefinition:
        """The current step."""
        return self._steps[self.state._step]  # pyright: ignore[reportPrivateUsage]  read many times a turn

    @property
    def collecting(self) -> Collecting | None:
        """The form that the current step is; None if it is none."""
        step = self.here
        return None if step.collect is None else self._collecting_at(step)

    def _collecting_at(self, step: StepDefinition) -> Collecting:
        if step.name not in self._collecting:
            state = self.state
            self._collecting[step.name] = Collecting(step.collect, lambda: state.progress_of(step.name), self._turn)
            self._collecting[step.name].overhear(*self._heard)
        return self._collecting[step.name]

    def view(self) -> tuple[str | list[JSONObject], Offer]:
        step = self.here
        about = "" if step.collect is None else self._collecting_at(step).prompt()
        offer = self.offer()
        return step_prompt(self._definition, step, self.state, offer.withheld, about), offer

    def offer(self) -> Offer:
        state, step = self.state, self.here
        form = None if step.collect is None else self._collecting_at(step)
        has_answered = state.arrived_in != self._turn and self._is_spoken_to
        closed = AWAITS_USER if step.awaits_user and not has_answered else None
        return self._offering.offer(step, state, form, closed)

    def refresh(self) -> None:
        pass

    def snapshot(self) -> Snapshot | JSONObject:
        return self.state.as_it_is() or snapshot_of(self.state)

    def restore(self, snapshot: Snapshot | JSONObject | None) -> None:
        if isinstance(snapshot, dict):
            self.state.become(snapshot)
        elif snapshot is not None:
            put_back(self.state, snapshot)

    async def run(self, call: ToolCall) -> object:
        form = self.collecting
        if form is not None and form.owns(call.name):
            return form.run(call)
        step = self.here
        tool = next(each for each in self._offering.tools(step) if each.name == call.name)
        arguments = call.arguments if tool.borrowed is not None else self._offering.schema(tool).bind(call.arguments)
        heard = heard_for(self.state, tool, call, self._heard)
        if heard is not None:
            heard.require_arguments()
        if tool.hidden:
            arguments.update(self._filled(tool, call))
        if tool.independent:
            return await self._run_aside(tool, call, arguments)
        before = self.state.begin_watching()
        result = await self._timed(tool, call, self.state, arguments)
        text, target = read_result(tool, result, self._moved_from(step))
        self.state.settle_derived(before)
        if heard is not None:
            heard.require_fields()
        if target is not None:
            await self._move(target)
        self.state.state_fields.check(self.state)
        self.has_progressed = True
        return "Done." if text is None else text

    async def _run_aside(self, tool: ToolDefinition, call: ToolCall, arguments: JSONObject) -> object:
        """Run a tool beside others: on a copy of the state, which it must leave as it is."""
        aside = copy_of(self.state)
        before = snapshot_of(aside)
        text, _ = read_result(tool, await self._timed(tool, call, aside, arguments))
        if snapshot_of(aside) != before:
            raise ConfigurationError(
                f"{tool.name} is declared independent=True, so it must not change the state or the step, but it did; "
                "nothing of that was kept. Return what it found, and let another tool keep it, or drop independent=True"
            )
        self.has_progressed = True
        return "Done." if text is None else text

    async def settle(self) -> tuple[list[str], bool]:
        said: list[str] = []
        await self._take_up_if_lost()
        await self._leave_if_stuck()
        for _ in range(MAX_PASSED_STEPS):
            step = self.here
            if step.handoff is not None and self.state.arrived_in in ("", self._turn):
                return self._hand_over(step, step.handoff, said)
            has_spoken = step.handoff is None and self._say(step, said)
            form = self.collecting
            if form is not None:
                if not form.is_complete:
                    words = form.say()
                    return ([*said, words], True) if words is not None else (said, False)
            elif step.speaks:
                return said, has_spoken
            elif step.is_final:
                return said, True
            target = await self._target_of(step, said)
            if target is None:
                return said, True
            await self._move(target)
            self.state.state_fields.check(self.state)
        raise ConfigurationError(
            f"{type(self.state).__name__} went through {MAX_PASSED_STEPS} steps without a model request, last "
            f"{self.here.name!r}; its say and run steps lead in a circle"
        )

    def _hand_over(self, step: StepDefinition, to: str, said: list[str]) -> tuple[list[str], bool]:
        """Arrive at a step in which a person takes over; the turn ends with its words."""
        self._say(step, said)
        self.handoff = {"to": to, "reason": f"stuck in {self._stuck_in!r}" if self._stuck_in else f"step {step.name!r}"}
        if self._emitter:
            self._emitter.emit(EventType.HANDED_OVER, dict(self.handoff))
        return said, True

    def _say(self, step: StepDefinition, said: list[str]) -> bool:
        """Say a step's exact words; where it asks the model too, only on arrival."""
        if step.say is None or (step.speaks and not self._has_arrived):
            return False
        self._has_arrived = False
        said.append(render(step.say, self.state))
        return True

    def hear(self, earlier: Sequence[JSONObject], incoming: list[JSONObject]) -> list[JSONObject]:
        """What the person says to a form is listened to before anybody else gets it."""
        form = self.collecting
        heard = without_answers(incoming) if form is None else form.hear(earlier, incoming)
        self._heard = (earlier, heard)
        secrets = self.state.secrets()
        return [hide_in_message(each, secrets) for each in heard] if secrets else heard

    async def in_silence(self, rule: IdleRule) -> list[str]:
        """Do what was declared about a person who says nothing, without a model request; returns what is said."""
        text = "" if rule.say is None else self.worded(rule.say).strip()
        form = self.collecting
        if text and form is not None and rule.kind == "remind":
            text = form.reminder(text)
        said = [text] if text else []
        if rule.kind == "expire":
            self.state.is_expired = True
            if rule.to is not None:
                await self._move(rule.to, reason="expired")
                said += (await self.settle())[0]
        return said

    def worded(self, text: str) -> str:
        """A template, filled."""
        return render(text, self.state)

    @property
    def _is_spoken_to(self) -> bool:
        """False in a turn that an event, or silence, has brought about."""
        heard = self._heard[1]
        return not heard or any(each["role"] == "user" for each in heard)

    def begin(self) -> None:
        """The person has said something: where patience is at its end, the journey goes on elsewhere."""
        if self._is_spoken_to:
            self.state.is_expired = False
        form = self.collecting
        if form is not None:
            form.begin()
        step = self.here
        self._is_stuck = step.patience is not None and self.state.fruitless >= step.patience
        if not self.state.arrived_in:
            # The very first turn: the journey arrives at its first step together with the person.
            self._has_arrived = True
            if step.awaits_user:
                self.state.arrived_in = self._turn

    def end(self) -> None:
        """The turn is over; one that moved nothing and ran nothing counts as fruitless."""
        form = self.collecting
        if form is not None:
            form.end()
        has_progressed = self.has_progressed or any(each.has_progressed for each in self._collecting.values())
        # Nobody's patience is tried by what they did not say.
        self.state.fruitless = 0 if has_progressed else self.state.fruitless + self._is_spoken_to
        if not self.state.arrived_in:
            self.state.arrived_in = self._turn

    def effect_of(self, call: ToolCall) -> Effect:
        form = self.collecting
        if form is not None and form.owns(call.name):
            return "state"
        tool = next((each for each in self._offering.tools(self.here) if each.name == call.name), None)
        return "once" if tool is None or tool.effect is None else tool.effect

    def entered(self) -> list[str]:
        entered, self._entered = self._entered, []
        return entered

    def redo(self, changed: JSONObject, gone: Sequence[str]) -> None:
        before = self.state.step.name
        redo_on(self.state, changed, gone)
        self.has_progressed = True
        if self.state.step.name != before:
            self._entered.append(self.state.step.name)
            self._has_arrived = True

    def dumped(self) -> str:
        return dump_state(self.state)

    def require_fit(self) -> None:
        self.state.state_fields.check(self.state)

    def notes(self) -> JSONObject:
        forms = {name: form.notes() for name, form in self._collecting.items()}
        return {
            "has_progressed": self.has_progressed,
            "has_arrived": self._has_arrived,
            "is_stuck": self._is_stuck,
            "handoff": self.handoff,
            "forms": forms,
        }

    def recall(self, notes: JSONObject, earlier: Sequence[JSONObject], heard: Sequence[JSONObject]) -> None:
        self.has_progressed = notes["has_progressed"]
        self._has_arrived = notes["has_arrived"]
        self._is_stuck = notes["is_stuck"]
        self.handoff = notes.get("handoff")
        self._heard = (earlier, heard)
        for name, known in notes["forms"].items():
            step = self._definition.steps.get(self._definition.renamed(name))
            if step is not None and step.collect is not None:
                self._collecting_at(step).recall(known, earlier, heard)

    async def _take_up_if_lost(self) -> None:
        """Where the step of the conversation is gone, arrive at the one that takes its place."""
        lost = self.state.lost_step
        if lost is None:
            return
        step = self.here
        logger.warning("there is no step %r any more; the conversation goes on in %r", lost, step.name)
        await self._arrive(step.name, lost, reason="unknown_step")
        self.state.state_fields.check(self.state)

    async def _leave_if_stuck(self) -> None:
        step = self.here
        if not self._is_stuck or step.stuck is None:
            return
        self._is_stuck = False
        self._stuck_in = step.name
        logger.info("step %r is stuck after %d fruitless turns", step.name, self.state.fruitless)
        await self._move(step.stuck, reason="stuck")

    async def _target_of(self, step: StepDefinition, said: list[str]) -> str | None:
        if step.run is None:
            return step.to[0] if step.to else None
        before = self.snapshot()
        try:
            result = await _called(step.run, self.state)
            text, target = split_result(result)
            name = self._moved_from(step) or (target.name if target is not None else None)
            self.state.state_fields.check(self.state)
        except BaseException:
            self.restore(before)
            raise
        if isinstance(text, str) and text:
            said.append(text)
        return declared_target(step, name)

    def _moved_from(self, step: StepDefinition) -> str | None:
        """Where code has put the journey by itself; undone, so that it is a move like any other."""
        name = self.state.step.name
        if name == step.name:
            return None
        self.state.step = step.name
        return name

    async def _move(self, target: str, reason: str | None = None) -> None:
        for hook in self.here.on_exit:
            await _called(hook, self.state)
        await self._arrive(target, self.state.step.name, reason)

    async def _arrive(self, target: str, previous: str, reason: str | None) -> None:
        state = self.state
        state.step = target
        self._entered.append(target)
        state.arrived_in = self._turn
        state.fruitless = 0
        if state.forms:
            state.reopen(target)
        self._has_arrived = True
        self.has_progressed = True
        if self._emitter:
            payload: JSONObject = {"step": target, "previous": previous}
            self._emitter.emit(EventType.STEP_ENTERED, payload if reason is None else {**payload, "reason": reason})
        for hook in self.here.on_enter:
            await _called(hook, state)

    def _filled(self, tool: ToolDefinition, call: ToolCall) -> JSONObject:
        filled: JSONObject = self._provided.values(tool)
        for name, kind in tool.hidden.items():
            if kind is KEY:
                filled[name] = self._key_of(call)
            elif is_context(kind):
                filled[name] = self._ctx
        return filled

    def _key_of(self, call: ToolCall) -> str:
        return f"{self._ctx.conversation_id}:{self._turn}:{call.id}"

    async def _timed(self, tool: ToolDefinition, call: ToolCall, state: Journey, arguments: JSONObject) -> object:
        if tool.timeout is None:
            result = self._begun(tool, call, state, arguments)
            return await result if inspect.isawaitable(result) else result
        limit = asyncio.timeout(tool.timeout)
        try:
            async with limit:
                return await self._begun(tool, call, state, arguments)
        except TimeoutError as error:
            if not limit.expired():
                raise
            is_harmless = tool.effect in ("state", "read")
            outcome = "" if is_harmless else "; whether it took effect is unknown"
            raise ToolError(f"{tool.name} was given up after {tool.timeout:g} seconds{outcome}") from error

    def _begun(self, tool: ToolDefinition, call: ToolCall, state: Journey, arguments: JSONObject) -> Any:
        lender = tool.borrowed
        if lender is None:
            return tool.function(state, **arguments)
        name = lender.tool or tool.name
        return lender.source.run(name, arguments, effect=tool.effect or "once", key=self._key_of(call))


def _mended(state: Journey) -> JSONObject:
    """What had to be done to a stored state before a turn can go on with it."""
    mended: JSONObject = {}
    if state.found_version != type(state).version:
        mended["migrated_from"] = state.found_version
    if state.lost_step is not None:
        mended["unknown_step"] = state.lost_step
    return mended


async def _called(function: Callable[..., Any], state: Journey) -> object:
    result = function(state)
    return await result if inspect.isawaitable(result) else result
