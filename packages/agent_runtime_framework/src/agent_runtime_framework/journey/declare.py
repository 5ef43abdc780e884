"""The words a journey is declared with: `step`, `Field`, `derived`, and what fills a tool's other parameters."""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeAlias, TypeVar, cast, overload

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.definition import Source
from agent_runtime_framework.journey.form import Form, ModelT
from agent_runtime_framework.journey.idle import Idle
from agent_runtime_framework.toolcalls import Effect

if TYPE_CHECKING:
    from agent_runtime_framework.journey.borrowing import BorrowedTools

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
T = TypeVar("T")

DECLARED = "__journey_marks__"
FIELD = "agent_runtime_framework.field"


class Step:
    """A step of a journey, as the class that declares it names it.

    Two steps are the same if they are the same declaration; as text a step is its name.
    """

    def __init__(self, options: StepOptions, source: Source) -> None:
        self.options = options
        self.source = source
        self.name = ""
        self.owner: type | None = None
        self.other_names: list[str] = []

    def __set_name__(self, owner: type, name: str) -> None:
        if self.owner is not None:
            self.other_names.append(f"{owner.__name__}.{name}")
            return
        self.name = name
        self.owner = owner

    @property
    def value(self) -> str:
        """The name; what is stored."""
        return self.name

    @overload
    def tool(self, function: FunctionT, /) -> FunctionT: ...
    @overload
    def tool(
        self,
        *,
        to: Target = None,
        when: Guard | Sequence[Guard] = (),
        effect: Effect | None = None,
        requires_approval: bool | Agreement = False,
        approval_note: str | None = None,
        independent: bool = False,
        timeout: float | None = None,
        name: str | None = None,
    ) -> Callable[[FunctionT], FunctionT]: ...
    def tool(self, function: Any = None, **options: Any) -> Any:
        """Make a method a tool of this step.

        The model is offered the tool while the journey is in the step and every guard holds. A tool with one target
        moves there when it has run; one with several says where by returning the step. Text that it returns is what
        the model is told.

        Args:
            function: The method, where the decorator is used bare.
            **options: As follows.
                to: The step, or the steps, it may move to; a step declared further down is named by a string.
                when: Methods that return True, or the reason why not.
                effect: What running it twice would do; see `Effect`.
                requires_approval: A person has to agree before it runs: always, or when a method says so, which
                    takes the tool's parameters by name, as many as it wants, and returns True or the reason.
                approval_note: What the person in the conversation is told meanwhile, a template over the state.
                independent: It may run beside other calls of the same reply; it neither moves the journey nor changes
                    its state.
                timeout: Seconds after which it is given up; for async tools.
                name: What the model calls it, if not by the method's name.
        """
        if function is not None:
            return self.tool()(function)
        mark = ToolMark(step=self, options=ToolOptions(**options))

        def declare(method: FunctionT) -> FunctionT:
            add_mark(method, mark)
            return method

        return declare

    def on_enter(self, function: FunctionT, /) -> FunctionT:
        """Run a method whenever the journey arrives at this step."""
        add_mark(function, HookMark(step=self, moment="enter"))
        return function

    def on_exit(self, function: FunctionT, /) -> FunctionT:
        """Run a method whenever the journey leaves this step."""
        add_mark(function, HookMark(step=self, moment="exit"))
        return function

    def __repr__(self) -> str:
        owner = f"{self.owner.__name__}." if self.owner else ""
        return f"<step {owner}{self.name}>"


class CollectStep(Step, Generic[ModelT]):
    """A step that is a form; `state.collected(step)` gives what was collected."""

    def __init__(self, options: StepOptions, source: Source, form: Form[ModelT]) -> None:
        super().__init__(options, source)
        self.form = form


Target: TypeAlias = Step | str | Iterable[Step | str] | None
"""One step, several, or none; a step by itself or by name."""

Guard: TypeAlias = Callable[[Any], bool | str]
"""A method of the journey: True, or the reason why not."""

Agreement: TypeAlias = Callable[..., bool | str]
"""A method of the journey: False, or True or the reason why a person has to agree to a call with these arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """What was said of a step."""

    prompt: str | None = None
    say: str | None = None
    run: Callable[..., Any] | None = None
    collect: Any = None
    to: Target = None
    first: bool = False
    final: bool = False
    awaits_user: bool = False
    requires_tool: bool = False
    patience: int | None = None
    stuck: Step | str | None = None
    handoff: str | None = None
    on_idle: Idle | None = None
    was: tuple[str, ...] = ()
    fallback: bool = False
    tools: tuple[BorrowedTools, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOptions:
    """What was said of a tool."""

    to: Target = None
    when: Guard | Sequence[Guard] = ()
    effect: Effect | None = None
    requires_approval: bool | Agreement = False
    approval_note: str | None = None
    independent: bool = False
    timeout: float | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolMark:
    """A method is a tool of a step."""

    step: Step
    options: ToolOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class HookMark:
    """A method runs at a moment of a step."""

    step: Step
    moment: str


def add_mark(function: Callable[..., Any], mark: ToolMark | HookMark) -> None:
    """Remember what a method was declared as; the class collects it."""
    marks: list[ToolMark | HookMark] = getattr(function, DECLARED, [])
    setattr(function, DECLARED, [*marks, mark])


@overload
def step(
    prompt: str | None = None,
    *,
    collect: type[ModelT] | Form[ModelT],
    to: Target = None,
    first: bool = False,
    patience: int | None = None,
    stuck: Step | str | None = None,
    on_idle: Idle | None = None,
    was: str | Sequence[str] = (),
    fallback: bool = False,
    tools: Sequence[BorrowedTools] = (),
) -> CollectStep[ModelT]: ...
@overload
def step(
    prompt: str | None = None,
    *,
    say: str | None = None,
    run: Callable[..., Any] | None = None,
    to: Target = None,
    first: bool = False,
    final: bool = False,
    awaits_user: bool = False,
    requires_tool: bool = False,
    patience: int | None = None,
    stuck: Step | str | None = None,
    handoff: str | None = None,
    on_idle: Idle | None = None,
    was: str | Sequence[str] = (),
    fallback: bool = False,
    tools: Sequence[BorrowedTools] = (),
) -> Step: ...
def step(
    prompt: str | None = None,
    *,
    say: str | None = None,
    run: Callable[..., Any] | None = None,
    collect: Any = None,
    to: Target = None,
    first: bool = False,
    final: bool = False,
    awaits_user: bool = False,
    requires_tool: bool = False,
    patience: int | None = None,
    stuck: Step | str | None = None,
    handoff: str | None = None,
    on_idle: Idle | None = None,
    was: str | Sequence[str] = (),
    fallback: bool = False,
    tools: Sequence[BorrowedTools] = (),
) -> Step:
    """A step of a journey. The first one declared is where the journey begins; those of base classes come before.

    Args:
        prompt: What the model shall do here; `$name` stands for a field or a property of the state.
        say: Exact words for the person, without a model request; `$name` stands for a field or a property. In a step
            that has tools or a prompt too, they are said on arrival, and the person answers before the model is asked.
        run: A method to run instead of a model request. It may return the step to go to, exact words to be said, or
            both as a pair.
        collect: A form, or a Pydantic model, to be filled here.
        to: Where a `say`, `run` or `collect` step goes on to.
        first: The journey begins here, wherever the step is declared.
        final: The journey is over here.
        awaits_user: Its tools wait for a message that the person sends after the journey has arrived: for a
            confirmation, a checkout, anything a person has to answer first.
        requires_tool: The model may not answer without calling a tool.
        patience: How many turns without a successful call are borne here.
        stuck: Where the journey goes then.
        handoff: To whom the conversation is handed over here, once `say` is said: from then on a person answers. When
            they hand it back, the journey goes on to `to`, or here if the step has a prompt or tools.
        on_idle: What is done when the person falls silent here, `remind(...)` and `expire(...)`, in place of the
            journey's own `on_idle`; `()` for nothing.
        was: Its earlier names; a conversation that was stored in one of them goes on here.
        fallback: A conversation that was stored in a step that is gone goes on here; without such a step, in the
            first one. Its `on_enter` runs, and all that is known is kept.
        tools: Tools that somebody else runs, such as `weather.tool("forecast")` of an `MCPServer`; they come after
            the step's own.
    """
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  as cheap as it gets, and documented
    source = Source(frame.f_code.co_filename, frame.f_lineno)
    form = None if collect is None else as_form(collect, source)
    options = StepOptions(
        prompt=prompt,
        say=say,
        run=run,
        collect=form,
        to=to,
        first=first,
        final=final,
        awaits_user=awaits_user,
        requires_tool=requires_tool,
        patience=patience,
        stuck=stuck,
        handoff=handoff,
        on_idle=on_idle,
        was=(was,) if isinstance(was, str) else tuple(was),
        fallback=fallback,
        tools=tuple(tools),
    )
    return Step(options, source) if form is None else CollectStep(options, source, form)


def as_form(collect: Any, source: Source) -> Form[Any]:
    """What a step collects, as a form.

    Raises:
        ConfigurationError: It is neither a form nor a Pydantic model.
    """
    if isinstance(collect, Form):
        return cast("Form[Any]", collect)
    form = getattr(collect, "form", None)
    if isinstance(form, Form):
        return cast("Form[Any]", form)
    if isinstance(collect, type) and hasattr(collect, "model_fields"):
        return Form(cast("Any", collect))
    raise ConfigurationError(f"{source}: collect={collect!r:.80}; expected a Pydantic model, or a Form of one")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """What was said of a field."""

    description: str = ""
    sensitive: bool = False
    depends_on: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    grounded: bool = False


@overload
def Field(
    default: T,
    *,
    description: str = "",
    sensitive: bool = False,
    was: str | Sequence[str] = (),
    grounded: bool = False,
) -> T: ...
@overload
def Field(
    *,
    default_factory: Callable[[], T],
    description: str = "",
    sensitive: bool = False,
    was: str | Sequence[str] = (),
    grounded: bool = False,
) -> T: ...
def Field(
    default: Any = dataclasses.MISSING,
    *,
    default_factory: Any = dataclasses.MISSING,
    description: str = "",
    sensitive: bool = False,
    was: str | Sequence[str] = (),
    grounded: bool = False,
) -> Any:
    """A field of the state, with more to say than a default.

    Args:
        default: The value it begins with; every conversation gets its own copy.
        default_factory: Makes that value.
        description: What it is.
        sensitive: Its value never appears in prompts, logs or traces.
        was: Its earlier names; a state stored under one of them is still read.
        grounded: Its value has to be the person's own words, in any usual notation: a tool that would set it to what
            nobody said is refused, and the model told to ask. Choices, flags and empty values are exempt.
    """
    former = (was,) if isinstance(was, str) else tuple(was)
    options = FieldOptions(description=description, sensitive=sensitive, was=former, grounded=grounded)
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata={FIELD: options})
    return _field(default, options)


@overload
def derived(*depends_on: str, description: str = "", sensitive: bool = False) -> None: ...
@overload
def derived(*depends_on: str, default: T, description: str = "", sensitive: bool = False) -> T: ...
def derived(*depends_on: str, default: Any = None, description: str = "", sensitive: bool = False) -> Any:
    """A field that follows from others: it falls back to its default as soon as one of them changes.

    Args:
        *depends_on: The fields it follows from.
        default: What it is until it is known.
        description: What it is.
        sensitive: Its value never appears in prompts, logs or traces.
    """
    return _field(default, FieldOptions(description=description, sensitive=sensitive, depends_on=depends_on))


def _field(default: Any, options: FieldOptions) -> Any:
    metadata = {FIELD: options}
    if is_changeable(default):
        return dataclasses.field(default_factory=copies_of(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def is_changeable(default: object) -> bool:
    """True if a default could be changed in place, as a list can, so that each state needs its own."""
    return type(default).__hash__ is None


def copies_of(default: Any) -> Callable[[], Any]:
    """Makes copies of a default."""
    return lambda: copy.deepcopy(default)


class _Marker:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


SAID = _Marker("Said")
INJECTED = _Marker("Injected")
KEY = _Marker("IdempotencyKey")

if TYPE_CHECKING:
    Injected: TypeAlias = Annotated[T, INJECTED]
    Said: TypeAlias = Annotated[T, SAID]
else:

    class Said(Generic[T]):
        """A parameter whose value has to occur in the person's own words, in whatever notation."""

        def __class_getitem__(cls, item: Any) -> Any:
            return Annotated[item, SAID]

    class Injected(Generic[T]):
        """A parameter that the program fills, by type, from what `agent(provide=...)` was given."""

        def __class_getitem__(cls, item: Any) -> Any:
            return Annotated[item, INJECTED]


IdempotencyKey: TypeAlias = Annotated[str, KEY]
"""A parameter that gets the call's idempotency key: the same text whenever this very call is run again."""
