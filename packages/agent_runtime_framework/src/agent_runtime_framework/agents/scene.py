"""A journey's turn as the loop sees it: prompt, tools and state, read afresh from the author's code."""

from __future__ import annotations

import json
import marshal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, cast

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.errors import ConfigurationError, StateError, StateTooNew
from agent_runtime_framework.events import Emitter
from agent_runtime_framework.state.base import BaseJourneyState
from agent_runtime_framework.state.serializer import StateSerializer
from agent_runtime_framework.state.versions import VERSION
from agent_runtime_framework.toolcalls import MAPPING, Effect, ToolCall
from agent_runtime_framework.tools.approval import approval_rule
from agent_runtime_framework.tools.effect import effect_of
from agent_runtime_framework.tools.offer import Offer
from agent_runtime_framework.tools.schema import ToolSchema

if TYPE_CHECKING:
    from agent_runtime_framework.journey.definition import IdleRule

StateT = TypeVar("StateT", bound=BaseJourneyState[Any])
ToolsT = TypeVar("ToolsT")
T = TypeVar("T")
_StateIn = TypeVar("_StateIn", bound=BaseJourneyState[Any], contravariant=True)
_ToolsIn = TypeVar("_ToolsIn", contravariant=True)


class JourneyCode(Protocol[_StateIn, _ToolsIn]):
    """What an author writes, whichever base class they use."""

    def get_system_prompt(self, state: _StateIn) -> str:
        """The instructions of the current step."""
        ...

    def get_tool_schemas(self, state: _StateIn) -> Sequence[ToolSchema]:
        """The tools of the current step."""
        ...

    async def execute_tool(self, tools: _ToolsIn, name: str, arguments: JSONObject) -> Any:
        """Run a tool by name."""
        ...


class JourneyScene(Generic[StateT, ToolsT]):
    """One turn of a journey.

    Args:
        journey: The author's code.
        state: The state; changed in place by tools.
        make_tools: Makes the tools for the state.
        emitter: Told of steps and checkpoints.
        on_state_change: Awaited when a tool says that the state has changed.
        version: The version of the state that this code writes.
        found: The version that wrote the state.

    Attributes:
        state: The state.
        mended: What had to be done to the state before the turn could go on with it.
        handoff: To whom the conversation is handed over in this turn, and why; None if it is not.
    """

    settles = False
    is_ready = True

    def __init__(
        self,
        journey: JourneyCode[StateT, ToolsT],
        state: StateT,
        make_tools: Callable[[StateT], ToolsT],
        emitter: Emitter,
        on_state_change: Callable[[StateT], Awaitable[None]] | None = None,
        *,
        version: int = 1,
        found: int | None = None,
    ) -> None:
        self.state = state
        self.handoff: JSONObject | None = None
        self.mended: JSONObject = {} if found in (None, version) else {"migrated_from": found}
        self._version = version
        self._journey = journey
        self._make_tools = make_tools
        self._emitter = emitter
        self._on_state_change = on_state_change
        self._step: object = step_of(state)
        self._step_told = self._step
        self._tools: ToolsT | None = None
        self._offer: Offer | None = None

    async def settle(self) -> tuple[list[str], bool]:
        return [], False

    async def prepare(self) -> None:
        pass

    def hear(self, earlier: Sequence[JSONObject], incoming: list[JSONObject]) -> list[JSONObject]:
        return incoming

    async def in_silence(self, rule: IdleRule) -> list[str]:
        if rule.to is not None:
            self.state.set_step(rule.to)
            self._tools = None
            if self._emitter:
                self._report_step()
        return [] if rule.say is None else [rule.say]

    def worded(self, text: str) -> str:
        return text

    def begin(self) -> None:
        pass

    def end(self) -> None:
        pass

    def effect_of(self, call: ToolCall) -> Effect:
        return effect_of(getattr(self._tools_now(), call.name, None))

    def entered(self) -> list[str]:
        before, self._step_told = self._step_told, step_of(self.state)
        return [step_name(self._step_told) or ""] if self._step_told != before else []

    def redo(self, changed: JSONObject, gone: Sequence[str]) -> None:
        redo_on(self.state, changed, gone)
        self._tools = None

    def dumped(self) -> str:
        return dump_state(self.state, self._version)

    def require_fit(self) -> None:
        text = dump_state(self.state)
        load_state(type(self.state), text, where=", as it is after this turn,")

    def notes(self) -> JSONObject:
        return {}

    def recall(self, notes: JSONObject, earlier: Sequence[JSONObject], heard: Sequence[JSONObject]) -> None:
        pass

    def view(self) -> tuple[str, Offer]:
        return self._journey.get_system_prompt(self.state), self.offer()

    def offer(self) -> Offer:
        offer = Offer(self._journey.get_tool_schemas(self.state) or ())
        rules = {name: rule for name in offer.tools if (rule := approval_rule(getattr(self._tools_now(), name, None)))}
        offer.approvals = rules
        self._offer = offer
        return offer

    def refresh(self) -> None:
        self._tools = None

    async def run(self, call: ToolCall) -> object:
        tools = self._tools_now()
        result = await self._journey.execute_tool(tools, call.name, self._converted(call))
        self._adopt(tools)
        if self._emitter:
            self._report_step()
        return result

    def _converted(self, call: ToolCall) -> JSONObject:
        """The arguments as the hints of the tool say, where its schema was derived from them."""
        tool = (self._offer or self.offer()).tools.get(call.name)
        return call.arguments if tool is None or tool.convert is None else tool.convert(call.arguments)

    def snapshot(self) -> Snapshot:
        return snapshot_of(self.state)

    def restore(self, snapshot: Snapshot | None) -> None:
        if snapshot is None or self._is_unchanged(snapshot):
            return
        put_back(self.state, snapshot)
        self._tools = None

    def _is_unchanged(self, snapshot: Snapshot) -> bool:
        try:
            return snapshot_of(self.state) == snapshot
        except StateError:
            return False

    def _tools_now(self) -> ToolsT:
        if self._tools is None:
            self._tools = self._make_tools(self.state)
            if getattr(self._tools, "on_state_change", _MISSING) is None:
                cast("Any", self._tools).on_state_change = self._checkpoint
        return self._tools

    def _adopt(self, tools: ToolsT) -> None:
        """Follow tools that replaced their state instead of changing it."""
        held = getattr(tools, "state", self.state)
        if held is not self.state:
            if not isinstance(held, type(self.state)):
                raise StateError(f"a tool replaced the state by {held!r:.80}; expected a {type(self.state).__name__}")
            self.state = cast("StateT", held)

    async def _checkpoint(self, state: StateT) -> None:
        if self._emitter:
            self._emitter.emit(EventType.STATE_CHECKPOINT, {"state": state_dict(state)})
        if self._on_state_change is not None:
            await self._on_state_change(state)

    def _report_step(self) -> None:
        step = step_of(self.state)
        if step != self._step:
            payload = {"step": step_name(step), "previous": step_name(self._step)}
            self._step = step
            self._emitter.emit(EventType.STEP_ENTERED, payload)


_MISSING = object()


def step_of(state: BaseJourneyState[Any]) -> object:
    """The step a state is in, or None if it has none."""
    return getattr(state, "step", None)


def step_name(step: object) -> str | None:
    """A step as it is stored and shown: an enum member's value, anything else as text."""
    if step is None:
        return None
    return str(getattr(step, "value", step))


def dump_state(state: BaseJourneyState[Any], version: int = 1) -> str:
    """A state as JSON text.

    Args:
        state: The state.
        version: The version that writes it; a `Journey` names its own.

    Raises:
        StateError: `to_dict` raised, or gave something that is not JSON.
    """
    name = type(state).__name__
    try:
        data = cast("object", state.to_dict())
        if not isinstance(data, MAPPING):
            raise TypeError(f"to_dict returned {data!r:.80}; expected a dict")
        return _encode(data if version == 1 else {**cast("JSONObject", data), VERSION: version})
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as error:
        raise StateError(
            f"the state cannot be kept: {name}.to_dict() must give a JSON object ({type(error).__name__}: {error})"
        ) from error


def state_dict(state: BaseJourneyState[Any], version: int = 1) -> JSONObject:
    """A state as a JSON object that shares nothing with it.

    Raises:
        StateError: As with `dump_state`.
    """
    return json.loads(dump_state(state, version))


def load_state(
    state_class: type[StateT],
    text: str | JSONObject,
    *,
    where: str = "",
    read: Callable[[JSONObject], StateT] | None = None,
) -> StateT:
    """The state that `dump_state` wrote.

    Args:
        state_class: What it has to fit.
        text: The stored state.
        where: Where it was found, for the error's text.
        read: Makes the state; by default the class's `from_dict`.

    Raises:
        StateTooNew: A later version of the journey wrote it.
        StateError: It no longer fits the class; what is stored is not touched.
    """
    return read_stored(state_class.__name__, text, where, state_class.from_dict if read is None else read)


def read_stored(name: str, text: str | JSONObject, where: str, read: Callable[[JSONObject], T]) -> T:
    """What `read` makes of a stored state.

    Args:
        name: Of the class it has to fit.
        text: The stored state.
        where: Where it was found, for the error's text.
        read: Makes the state.

    Raises:
        StateTooNew: A later version of the journey wrote it.
        StateError: It no longer fits; what is stored is not touched.
    """
    data: Any = None
    try:
        data = json.loads(text) if isinstance(text, str) else text
        return read(data)
    except StateTooNew as error:
        raise StateTooNew(error.found, error.current, where) from error
    except Exception as error:  # from_dict is the author's, and may stumble over old data in any way
        raise StateError(
            f"the stored state{where} no longer fits {name}: {_said_by(error)}. It was left as version "
            f"{_version_in(data)} wrote it; let {name} accept it, or migrate it: give the journey another `version` "
            "and a function `@migrate(...)` that leads to it. `agent-runtime check MODULE:NAME --store URL` lists all "
            "conversations that the present code cannot go on with"
        ) from error


def _said_by(error: Exception) -> str:
    return str(error) if isinstance(error, StateError) else f"{type(error).__name__}: {error}"


def _version_in(data: object) -> object:
    return cast("JSONObject", data).get(VERSION, 1) if isinstance(data, dict) else 1


Snapshot: TypeAlias = bytes | str
"""A state as it was, to be put back within the same process; never stored."""


def snapshot_of(state: BaseJourneyState[Any]) -> Snapshot:
    """The state as it is now.

    Raises:
        StateError: As with `dump_state`.
    """
    try:
        # Several times as fast as JSON, and as strict: what it cannot hold is looked at again as JSON.
        return marshal.dumps(state.to_dict())
    except Exception:  # noqa: BLE001  to_dict is the author's; what is wrong with it is said by dump_state
        return dump_state(state)


def copy_of(state: StateT) -> StateT:
    """A state like this one that shares nothing with it.

    Raises:
        StateError: As with `dump_state`.
    """
    return load_state(type(state), state_dict(state))


def put_back(state: BaseJourneyState[Any], snapshot: Snapshot) -> None:
    """Make `state` what it was when `snapshot` was taken, in place."""
    data: JSONObject = marshal.loads(snapshot) if isinstance(snapshot, bytes) else json.loads(snapshot)
    earlier = load_state(type(state), data)
    if hasattr(earlier, "__dict__"):
        values = cast("dict[str, Any]", state.__dict__)
        values.clear()
        values.update(earlier.__dict__)
        return
    if not is_dataclass(earlier):
        raise ConfigurationError(f"{type(state).__name__} cannot be put back after a failed tool; make it a dataclass")
    for each in fields(earlier):
        object.__setattr__(state, each.name, getattr(earlier, each.name))


def redo_on(state: BaseJourneyState[Any], changed: JSONObject, gone: Sequence[str]) -> None:
    """Give parts of a state the values that were recorded, in place.

    Raises:
        StateError: The state cannot be so.
    """
    data = {**state_dict(state), **changed}
    put_back(state, json.dumps({name: value for name, value in data.items() if name not in gone}))


def _to_json(value: object) -> object:
    plain = StateSerializer.serialize(value)
    if plain is value:
        raise TypeError(f"{value!r:.80} ({type(value).__name__}) is not JSON")
    return plain


_encode = json.JSONEncoder(ensure_ascii=False, default=_to_json, separators=(",", ":")).encode
