"""One turn of a journey written as a class: guards, moves and exact words are kept here, in code.

Rules:
    - A move is made only by a tool that declares it, only after the tool has run, and together with its result.
    - A step's tools are offered when every guard holds; a guard that does not is told with its reason.
    - A step that awaits the person runs nothing in the turn in which the journey arrived there.
    - `say` and `run` steps are passed by code, without a model request.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from agent_runtime_core.callables import CallableSchema
from agent_runtime_core.errors import ToolError
from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.agents.base import AgentContext
from agent_runtime_framework.agents.collecting import Collecting
from agent_runtime_framework.agents.scene import Snapshot, put_back, snapshot_of
from agent_runtime_framework.errors import ConfigurationError, MoveRefused
from agent_runtime_framework.events import Emitter
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.declare import KEY, Step
from agent_runtime_framework.journey.definition import StepDefinition, ToolDefinition
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
        schemas: The schema of each tool, by step and name.
        provided: What `Injected` parameters get.
        emitter: Told of steps and of refused moves.
    """

    def __init__(
        self,
        state: JourneyT,
        ctx: AgentContext,
        schemas: Callable[[ToolDefinition], CallableSchema],
        provided: Callable[[object], object],
        emitter: Emitter,
    ) -> None:
        self.state = state
        self.has_progressed = False
        self._ctx = ctx
        self._turn = str(ctx.run_id)
        self._schemas = schemas
        self._provided = provided
        self._emitter = emitter
        self._definition = type(state).definition
        self._collecting: dict[str, Collecting] = {}

    @property
    def settles(self) -> bool:
        """True if code may carry the journey on from where it is."""
        step = self.here
        return step.collect is not None or not step.speaks

    @property
    def here(self) -> StepDefinition:
        """The current step."""
        return self._definition.steps[self.state.step.name]

    @property
    def collecting(self) -> Collecting | None:
        """The form that the current step is; None if it is none."""
        step = self.here
        return None if step.collect is None else self._collecting_at(step)

    def _collecting_at(self, step: StepDefinition) -> Collecting:
        if step.name not in self._collecting:
            state = self.state
            self._collecting[step.name] = Collecting(step.collect, lambda: state.progress_of(step.name), self._turn)
        return self._collecting[step.name]

    def view(self) -> tuple[str | list[JSONObject], Offer]:
        form = self.collecting
        about = "" if form is None else form.prompt()
        offer = self.offer()
        return step_prompt(self._definition, self.here, self.state, offer.withheld, about), offer

    def offer(self) -> Offer:
        step, form = self.here, self.collecting
        reasons = {tool.name: why_not(tool, self.state) for tool in step.tools}
        own = [self._schemas(tool) for tool in step.tools if reasons[tool.name] is None]
        withheld = {name: reason for name, reason in reasons.items() if reason is not None}
        return Offer(
            own if form is None else [*form.schemas(), *own],
            withheld=withheld if form is None else {**form.withheld, **withheld},
            closed=AWAITS_USER if step.awaits_user and self.state.arrived_in == self._turn else None,
            requires_call=step.requires_tool,
        )

    def refresh(self) -> None:
        pass

    def snapshot(self) -> Snapshot:
        return snapshot_of(self.state)

    def restore(self, snapshot: Snapshot | None) -> None:
        if snapshot is not None:
            put_back(self.state, snapshot)

    async def run(self, call: ToolCall) -> object:
        form = self.collecting
        if form is not None and form.owns(call.name):
            return form.run(call)
        tool = next(each for each in self.here.tools if each.name == call.name)
        arguments = self._schemas(tool).bind(call.arguments)
        arguments.update(self._filled(tool, call))
        before = self._derivable()
        result = await self._timed(tool, arguments)
        text, target = read_result(tool, result)
        self._let_derived_fall_back(before)
        if target is not None:
            await self._move(target)
        self.has_progressed = True
        return "Done." if text is None else text

    async def settle(self) -> tuple[list[str], bool]:
        said: list[str] = []
        for _ in range(MAX_PASSED_STEPS):
            step = self.here
            if step.say is not None:
                said.append(render(step.say, self.state))
            form = self.collecting
            if form is not None:
                if not form.is_complete:
                    words = form.say()
                    return ([*said, words], True) if words is not None else (said, False)
            elif step.speaks or step.is_final:
                return said, not step.speaks
            target = await self._target_of(step)
            if target is None:
                return said, True
            await self._move(target)
        raise ConfigurationError(
            f"{type(self.state).__name__} went through {MAX_PASSED_STEPS} steps without a model request, last "
            f"{self.here.name!r}; its say and run steps lead in a circle"
        )

    def hear(self, earlier: Sequence[JSONObject], incoming: list[JSONObject]) -> list[JSONObject]:
        """What the person says to a form is listened to before anybody else gets it."""
        form = self.collecting
        heard = incoming if form is None else form.hear(earlier, incoming)
        secrets = self.state.secrets()
        return [hide_in_message(each, secrets) for each in heard] if secrets else heard

    def begin(self) -> None:
        """The person has said something: where patience is at its end, the journey goes on elsewhere."""
        form = self.collecting
        if form is not None:
            form.begin()
        step = self.here
        if step.patience is not None and step.stuck is not None and self.state.fruitless >= step.patience:
            logger.info("step %r is stuck after %d fruitless turns", step.name, self.state.fruitless)
            self._enter(step.stuck)

    def end(self) -> None:
        """The turn is over; a turn without a successful call counts as fruitless."""
        form = self.collecting
        if form is not None:
            form.end()
        has_progressed = self.has_progressed or any(each.has_progressed for each in self._collecting.values())
        self.state.fruitless = 0 if has_progressed else self.state.fruitless + 1

    def effect_of(self, call: ToolCall) -> Effect:
        form = self.collecting
        if form is not None and form.owns(call.name):
            return "state"
        tool = next((each for each in self.here.tools if each.name == call.name), None)
        return "once" if tool is None or tool.effect is None else tool.effect

    def notes(self) -> JSONObject:
        forms = {name: form.notes() for name, form in self._collecting.items()}
        return {"has_progressed": self.has_progressed, "forms": forms}

    def recall(self, notes: JSONObject, earlier: Sequence[JSONObject], heard: Sequence[JSONObject]) -> None:
        self.has_progressed = notes["has_progressed"]
        for name, known in notes["forms"].items():
            step = self._definition.steps.get(name)
            if step is not None and step.collect is not None:
                self._collecting_at(step).recall(known, earlier, heard)

    async def _target_of(self, step: StepDefinition) -> str | None:
        if step.run is None:
            return step.to[0] if step.to else None
        result = await _called(getattr(self.state, step.run.__name__, step.run), step.run, self.state)
        if isinstance(result, Step):
            if step.to and result.name not in step.to:
                raise ConfigurationError(
                    f"run= of step {step.name!r} returned {result!r}; expected one of its to=: {', '.join(step.to)}"
                )
            return result.name
        return step.to[0] if step.to else None

    async def _move(self, target: str) -> None:
        for hook in self.here.on_exit:
            await _called(hook, hook, self.state)
        self._enter(target)
        for hook in self.here.on_enter:
            await _called(hook, hook, self.state)

    def _enter(self, target: str) -> None:
        previous = self.state.step.name
        self.state.step = target
        self.state.arrived_in = self._turn
        self.state.fruitless = 0
        self.state.reopen(target)
        if self._emitter:
            self._emitter.emit(EventType.STEP_ENTERED, {"step": target, "previous": previous})

    async def _timed(self, tool: ToolDefinition, arguments: JSONObject) -> object:
        method = getattr(self.state, tool.function.__name__)
        try:
            async with asyncio.timeout(tool.timeout):
                result = method(**arguments)
                return await result if inspect.isawaitable(result) else result
        except TimeoutError as error:
            if tool.timeout is None:
                raise
            raise ToolError(f"{tool.name} was given up after {tool.timeout:g} seconds") from error

    def _filled(self, tool: ToolDefinition, call: ToolCall) -> JSONObject:
        filled: JSONObject = {}
        for name, kind in tool.hidden.items():
            if kind is KEY:
                filled[name] = f"{self._ctx.conversation_id}:{self._turn}:{call.id}"
            elif kind is AgentContext:
                filled[name] = self._ctx
            else:
                filled[name] = self._provided(kind)
        return filled

    def _derivable(self) -> JSONObject | None:
        return self.state.state_fields.dump(self.state) if self.state.state_fields.dependents else None

    def _let_derived_fall_back(self, before: JSONObject | None) -> None:
        """A list that was changed in place is a change like any other."""
        if before is None:
            return
        fields = self.state.state_fields
        after = fields.dump(self.state)
        for source, dependents in fields.dependents.items():
            if before[source] == after[source]:
                continue
            for name in dependents:
                if before[name] == after[name]:
                    setattr(self.state, name, fields.default_of(name))


def why_not(tool: ToolDefinition, state: Journey) -> str | None:
    """Why a tool is not possible now; None if it is."""
    for guard in tool.guards:
        verdict = getattr(state, guard.name)() if hasattr(state, guard.name) else guard.function(state)
        if verdict is not True:
            return verdict if isinstance(verdict, str) else f"{guard.name} does not hold"
    return None


def read_result(tool: ToolDefinition, result: object) -> tuple[object, str | None]:
    """What a tool returned, as what the model is told and the step to move to.

    Raises:
        MoveRefused: It returned a step that it does not declare, or none where it has to choose.
    """
    text, target = result, None
    if isinstance(result, Step):
        text, target = None, result
    elif isinstance(result, tuple):
        parts = cast("tuple[object, ...]", result)
        target = next((each for each in parts if isinstance(each, Step)), None)
        text = next((each for each in parts if not isinstance(each, Step)), None)
    if target is not None:
        if target.name not in tool.targets:
            allowed = ", ".join(tool.targets) or "none"
            raise MoveRefused(f"{tool.name} may not move to {target.name!r}; it declares: {allowed}")
        return text, target.name
    return text, tool.targets[0] if len(tool.targets) == 1 else None


async def _called(bound: Any, function: Callable[..., Any], state: Journey) -> object:
    result = bound() if inspect.ismethod(bound) else function(state)
    return await result if inspect.isawaitable(result) else result
