"""Everything behind the developer page: a watched runtime, and the operations the page asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from agent_runtime_framework.agents.base import AgentContext
from agent_runtime_framework.events import Sink
from agent_runtime_framework.executor.journal import Journal
from agent_runtime_framework.executor.loop import TurnIO
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.runtime.roster import Agent
from agent_runtime_framework.server.assets import STRICT, page
from agent_runtime_framework.server.dev.dry import dry
from agent_runtime_framework.server.dev.model import Stage, WatchedModel
from agent_runtime_framework.server.dev.recorder import Recorder
from agent_runtime_framework.server.dev.store import watched_store
from agent_runtime_framework.store.open import open_durable_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# The graph comes with its own style, so that it can also be a file.
_POLICY = STRICT.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


class Loader(NamedTuple):
    """How an agent is made.

    Attributes:
        target: The agent, as the command line names it.
        load: Makes it.
    """

    target: str
    load: Callable[[], Agent]


class Bench:
    """What a developer looks at, and turns.

    Args:
        path: A file that keeps what was seen from one start to the next.
        loaders: How the agents are made afresh, by key and as the command line names them; for tests that are made
            from conversations.

    Attributes:
        recorder: What was seen of each turn.
        stage: Who plays the model, and with which prompts.
        dry: The conversations in which tools with effects do not run, with what such calls came to before.
    """

    def __init__(self, path: Path | None = None, loaders: Mapping[str, Loader] | None = None) -> None:
        self.loaders = dict(loaders or {})
        self.recorder = Recorder(path)
        self.stage = Stage()
        self.dry: dict[str, Mapping[tuple[str, str], str]] = {}

    def runtime(self, store: str, agents: Iterable[object], **options: Any) -> Runtime:
        """A runtime that is watched; its arguments are those of `Runtime`."""
        runtime = _WatchedRuntime(watched_store(open_durable_store(store), self.recorder), agents, **options)
        for agent in runtime.agents.values():
            agent.sinks = (*agent.sinks, self.recorder)
            if agent.llm_client is None:
                from agent_runtime_core.llm import get_llm_client

                agent.llm_client = get_llm_client()
            agent.llm_client = WatchedModel(agent.llm_client, self.recorder, self.stage)
            self._keep_dry(agent)
        return runtime

    def _keep_dry(self, agent: Agent) -> None:
        edges = agent.edges

        def dry_edges(ctx: AgentContext, *sinks: Sink, streams: bool = True, journal: Journal | None = None) -> TurnIO:
            recorded = self.dry.get(str(ctx.conversation_id))
            kept = journal if recorded is None else dry(journal, recorded)
            return edges(ctx, *sinks, streams=streams, journal=kept)

        agent.edges = dry_edges

    def routes(self) -> list[BaseRoute]:
        """The page itself."""

        async def show(request: Request) -> Response:
            return page("dev/index.html", _POLICY)

        return [Route("/", show, name="home"), Route("/dev", show, name="dev")]


class _WatchedRuntime(Runtime):
    """Closes the store that was opened for it."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.store.aclose()
