"""Runtimes in every form in which a project may name them."""

from agent_runtime_core import AgentRuntime, RunContext, RunResult
from django_agent_runtime.runtime.registry import register_runtime


class Named(AgentRuntime):
    def __init__(self, key: str = "named") -> None:
        self._key = key

    @property
    def key(self) -> str:
        return self._key

    async def run(self, ctx: RunContext) -> RunResult:
        return RunResult(final_output={"response": self._key})


class Echo(Named):
    def __init__(self) -> None:
        super().__init__("echo")


instance = Named("instance")
number = 5


def register() -> None:
    register_runtime(Named("registered"))


def make() -> AgentRuntime:
    return Named("made")


def broken() -> None:
    raise OSError("the catalogue is away")
