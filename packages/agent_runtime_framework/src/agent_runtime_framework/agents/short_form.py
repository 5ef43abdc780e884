"""The agent of a journey that is written as a class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.base import AgentContext, LLMClient
from agent_runtime_framework.agents.class_scene import ClassScene, JourneyT
from agent_runtime_framework.agents.journey import JourneyAgent, JourneyConfig
from agent_runtime_framework.agents.offering import offering_of
from agent_runtime_framework.agents.provided import Provided
from agent_runtime_framework.approvals import Approve
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.events import SILENT, Emitter, Sink
from agent_runtime_framework.executor.hooks import ExecutorHooks
from agent_runtime_framework.journey.declare import Step
from agent_runtime_framework.journey.definition import IdleRule
from agent_runtime_framework.memory import MemoryManager
from agent_runtime_framework.tools.schema import ToolSchema

LIMIT_REPLY = "I'm sorry, I lost the thread there. Could you say that once more?"


class ClassAgent(JourneyAgent[JourneyT, JourneyT, Step]):
    """Holds a `Journey`; made by `Journey.agent(...)`."""

    def __init__(
        self,
        journey: type[JourneyT],
        llm_client: LLMClient | None = None,
        *,
        memory: MemoryManager | None = None,
        provide: Mapping[Any, object] | Sequence[object] = (),
        hooks: ExecutorHooks | None = None,
        sinks: Sequence[Sink] = (),
        config: JourneyConfig | None = None,
        approve: Approve | None = None,
    ) -> None:
        config = config or JourneyConfig(limit_reply=LIMIT_REPLY, ask_again=1)
        super().__init__(llm_client, config, memory=memory, hooks=hooks, sinks=sinks, approve=approve)
        self.journey = journey
        self.version = journey.version
        self._offering = offering_of(journey, is_strict=self.config.strict_tools)
        self._provided = Provided(provide)
        self._is_provided = False

    @property
    def key(self) -> str:
        return self.journey.key

    def get_initial_state(self) -> JourneyT:
        return self.journey()

    def _state_class(self) -> type[JourneyT]:
        return self.journey

    def migrate(self, state: JSONObject, from_version: int) -> JSONObject:
        versions = self.journey.definition.versions
        return state if versions is None else versions.bring(state, from_version)

    def _restored(self, data: JSONObject) -> tuple[JourneyT, int]:
        state = self.journey.from_dict(data)
        return state, state.found_version

    def get_system_prompt(self, state: JourneyT) -> str:
        prompt, _ = self._made_scene(state).view()
        return prompt if isinstance(prompt, str) else "\n\n".join(block["text"] for block in prompt)

    def get_tool_schemas(self, state: JourneyT) -> list[ToolSchema]:
        step = self.journey.definition.steps[state.step.name]
        form = self._made_scene(state).collecting
        own = cast("list[ToolSchema]", self._offering.schemas(step))
        return [*(form.schemas() if form else ()), *own]

    def on_idle(self, state: JourneyT) -> Sequence[IdleRule]:
        return self.rules_of_silence(state.step.name, None)

    def rules_of_silence(self, step: str | None, state: str | None) -> Sequence[IdleRule]:
        here = None if step is None else self.journey.definition.steps.get(step)
        return () if here is None else here.on_idle

    def create_tools(self, state: JourneyT, ctx: AgentContext) -> JourneyT:
        return state

    async def execute_tool(self, tools: JourneyT, name: str, arguments: dict[str, Any]) -> str:
        raise ConfigurationError("the tools of a journey class are run by its scene; use run, stream or turn")

    def _scene(
        self, state: JourneyT, ctx: AgentContext, emitter: Emitter, found: int | None = None
    ) -> ClassScene[JourneyT]:
        if not self._is_provided:
            self._provided.require_all(self.journey.definition)
            self._is_provided = True
        for source in self._offering.sources:
            source.held_by(self)
        return self._made_scene(state, ctx, emitter)

    async def aclose(self) -> None:
        for source in self._offering.sources:
            await source.let_go(self)

    def _made_scene(
        self, state: JourneyT, ctx: AgentContext | None = None, emitter: Emitter = SILENT
    ) -> ClassScene[JourneyT]:
        ctx = ctx or AgentContext.from_text("")
        return ClassScene(state, ctx, self._offering, self._provided, emitter)

    def put_in_step(self, state: JourneyT, step: str) -> None:
        state.step = step
        state.fruitless = 0
        # The journey arrives there together with the person's next message.
        state.arrived_in = ""
        state.reopen(step)

    def _at_every_step(self) -> Iterator[JourneyT]:
        for name in self.journey.definition.steps:
            state = self.journey()
            state.step = name
            yield state
