"""What a journey is, as data: what the engine runs, `check` examines and `graph` draws.

A `Journey` class compiles to it completely; a long-form agent is read into it from its source as far as that goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from agent_runtime_framework.state.versions import Versions
from agent_runtime_framework.toolcalls import Effect

if TYPE_CHECKING:
    from agent_runtime_framework.tools.remote import ToolSource


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was written.

    Attributes:
        file: The path of the file.
        line: The line, from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardDefinition:
    """A condition that has to hold before a tool is offered.

    Attributes:
        name: The method's name.
        function: Takes the state; True, or the reason why not (False gives none).
    """

    name: str
    function: Callable[[Any], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """Where a tool comes from that is not the journey's own.

    Attributes:
        source: Who runs it.
        tool: What it is called there; None stands for all that the source has, until it is asked.
        but: Those of all that are left out.
        prefix: Put in front of the names of all.
        said: The arguments that have to be the person's own words.
    """

    source: ToolSource
    tool: str | None
    but: frozenset[str] = frozenset()
    prefix: str = ""
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDefinition:
    """A tool of a step.

    Attributes:
        name: What the model calls it.
        function: The method, unbound; of a borrowed tool, one that does nothing.
        targets: Names of the steps it may move to; empty if it never moves.
        guards: What has to hold before it is offered.
        effect: What running it twice would do; None if the author did not say, which counts as "once".
        requires_approval: True if a person has to agree first, or may have to.
        approval: Says for which arguments they have to; None for all.
        approval_note: What is said while they are waited for, a template over the state.
        independent: True if it may run beside other calls of the same reply.
        timeout: Seconds after which it is given up; None waits.
        hidden: Parameters the model does not see, with what fills each.
        borrowed: Who runs it, if not the journey.
        source: Where it was written.
    """

    name: str
    function: Callable[..., Any]
    targets: tuple[str, ...] = ()
    guards: tuple[GuardDefinition, ...] = ()
    effect: Effect | None = None
    requires_approval: bool = False
    approval: Callable[..., object] | None = None
    approval_note: str | None = None
    independent: bool = False
    timeout: float | None = None
    hidden: Mapping[str, Any] = field(default_factory=dict[str, Any])
    borrowed: Borrowed | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleRule:
    """What is done about a person who has been silent for a while; made by `remind` and `expire`.

    Attributes:
        kind: "remind" speaks to them, "expire" stops waiting.
        after: How long they have been silent then.
        say: Exact words, a template over the state.
        tell: What the model is told instead, a template too.
        to: The step an expired journey is moved to: as it was declared, and by name in a definition.
        source: Where it was written.
    """

    kind: Literal["remind", "expire"]
    after: timedelta
    say: str | None = None
    tell: str | None = None
    to: Any = None
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDefinition:
    """A step of a journey.

    Attributes:
        name: Its name; what is stored.
        prompt: The instruction for the model, a template over the state.
        say: Exact words, a template over the state: instead of a model request, or, where there are tools or a prompt
            too, on arrival.
        run: Code instead of a model request.
        collect: A form that the step is.
        to: Where a `say`, `run` or `collect` step goes on to.
        is_final: True if the journey is over here.
        awaits_user: True if its tools wait for a message sent after the journey arrived.
        requires_tool: True if the model may not answer without a call.
        patience: How many fruitless turns are borne; None for any number.
        stuck: Where the journey goes when patience is at its end.
        handoff: To whom the conversation is handed over on arrival.
        tools: Its tools, in the order they are offered.
        on_enter: Run when the journey arrives.
        on_exit: Run when it leaves.
        on_idle: What is done when the person falls silent here, the earliest first.
        was: Its earlier names.
        source: Where it was written.
    """

    name: str
    prompt: str | None = None
    say: str | None = None
    run: Callable[..., Any] | None = None
    collect: Any = None
    to: tuple[str, ...] = ()
    is_final: bool = False
    awaits_user: bool = False
    requires_tool: bool = False
    patience: int | None = None
    stuck: str | None = None
    handoff: str | None = None
    tools: tuple[ToolDefinition, ...] = ()
    on_enter: tuple[Callable[..., Any], ...] = ()
    on_exit: tuple[Callable[..., Any], ...] = ()
    on_idle: tuple[IdleRule, ...] = ()
    was: tuple[str, ...] = ()
    source: Source | None = None

    @property
    def speaks(self) -> bool:
        """True if the model is asked in this step; False if code alone carries the journey through it."""
        return self.run is None and (self.say is None or self.prompt is not None or bool(self.tools))

    def moves(self) -> Iterator[Move]:
        """Every way out of the step, with what takes it."""
        for target in self.to:
            yield Move(source=self.name, target=target)
        for tool in self.tools:
            for target in tool.targets:
                guards = tuple(guard.name for guard in tool.guards)
                yield Move(source=self.name, target=target, tool=tool.name, guards=guards)
        if self.stuck is not None:
            yield Move(source=self.name, target=self.stuck, is_rescue=True)

    @property
    def expires_to(self) -> str | None:
        """Where the journey goes if the person never comes back; None if nowhere. It is none of the `moves`."""
        return self.on_idle[-1].to if self.on_idle else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A way from one step to another.

    Attributes:
        source: Where it starts.
        target: Where it leads.
        tool: The tool that takes it; None if code takes it by itself.
        guards: The names of the conditions on it.
        is_rescue: True if it is taken when nothing else helps.
    """

    source: str
    target: str
    tool: str | None = None
    guards: tuple[str, ...] = ()
    is_rescue: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyDefinition:
    """A whole journey.

    Attributes:
        key: The name under which states are kept.
        title: What a person calls it.
        persona: Who speaks; the stable head of every prompt.
        initial: The first step.
        steps: All steps by name, in the order they were declared.
        fields: Names of the state's fields.
        version: Of the state's shape.
        versions: How states of earlier versions become those of this one; None where nothing is known of them.
        fallback: The step that takes up conversations whose step is gone; None if no step was named for it.
        source: Where it was written.
    """

    key: str
    title: str
    persona: str
    initial: str
    steps: Mapping[str, StepDefinition]
    fields: tuple[str, ...] = ()
    version: int = 1
    versions: Versions | None = None
    fallback: str | None = None
    source: Source | None = None

    def renamed(self, step: str) -> str:
        """What a step of that name is called now; the same name where nothing is known of it."""
        if step in self.steps:
            return step
        return next((each.name for each in self.steps.values() if step in each.was), step)

    def place_of(self, step: object) -> tuple[str, bool]:
        """The step in which a conversation goes on that was stored in this one, and whether the stored one is gone."""
        name = self.renamed(step) if isinstance(step, str) else ""
        return (name, False) if name in self.steps else (self.fallback or self.initial, True)

    def moves(self) -> list[Move]:
        """Every move there is, step by step."""
        return [move for step in self.steps.values() for move in step.moves()]
