"""Reads a long-form agent: its methods are asked on real states, its moves are read from the source of its tools."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.definition import JourneyDefinition, Source, StepDefinition, ToolDefinition
from agent_runtime_framework.journey.source.code import is_authors, node_of, place_of
from agent_runtime_framework.journey.source.follow import Follower, World
from agent_runtime_framework.journey.source.places import Places, member_place
from agent_runtime_framework.journey.source.reading import Reading, ReadPrompt, ReadSchema
from agent_runtime_framework.journey.source.states import trial_states
from agent_runtime_framework.journey.source.values import UNKNOWN, At, Instance, Known, Notes, Values

MOST_STEPS = 400


def read_agent(agent: Any) -> Reading:
    """What a long-form agent is, as far as its states and its source tell.

    Its `get_initial_state`, `get_system_prompt`, `get_tool_schemas` and `is_terminal_state` are called; no tool is.

    Raises:
        ConfigurationError: It has no initial state with a step; the text says what is missing.
    """
    return _AgentReader(agent).read()


class _AgentReader:
    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.cls = cast("type[Any]", type(agent))
        self.initial: Any = self._initial_state()
        self.state = cast("type[Any]", type(self.initial))
        self.tools = self._tools_type()
        self.notes = Notes()
        self.places = Places([self.cls, self.tools, self.state, type(self.initial.step)])
        self.steps = self._declared_steps()
        self.is_closed = len(self.steps) > 1
        self.states: dict[str, tuple[Any, ...]] = {}
        self.offers: dict[str, tuple[ReadSchema, ...]] = {}
        self.prompts: dict[str, ReadPrompt] = {}
        self.moved_at: dict[tuple[str, str, str], Source] = {}
        self.methods: dict[tuple[str, str], Callable[..., Any]] = {}
        self.open_steps: set[str] = set()
        self.world = World(
            tools=self.tools, state=self.state, agent=self.cls, initial=self.initial.step, is_step=self._is_step
        )

    def read(self) -> Reading:
        """Read it all; steps that only turn up as targets of moves are read, too."""
        if self.tools is None:
            text = "the class of its tools cannot be told; annotate what create_tools returns"
            self.notes.add(self._place_of("create_tools"), text)
        self._note_moves_elsewhere()
        definitions: dict[str, StepDefinition] = {}
        waiting = list(self.steps.values())
        for step in waiting:
            if len(definitions) >= MOST_STEPS:
                break
            name = name_of(step)
            definitions[name] = self._step(step)
            for target in self._targets(definitions[name]):
                if target not in self.steps and not isinstance(self.initial.step, Enum):
                    self.steps[target] = target
                    waiting.append(target)
        definition = JourneyDefinition(
            key=str(self.agent.key),
            title=self.cls.__name__,
            persona="",
            initial=name_of(self.initial.step),
            steps=definitions,
            fields=tuple(name for name in cast("dict[str, Any]", vars(self.initial)) if name != "step"),
            source=place_of(self.cls),
        )
        return Reading(
            definition=definition,
            owner=self.cls,
            state=self.state,
            tools=self.tools,
            agent=self.agent,
            offers=self.offers,
            prompts=self.prompts,
            moved_at=self.moved_at,
            states=self.states,
            methods=self.methods,
            open_steps=frozenset(self.open_steps),
            notes=tuple(self.notes.found.values()),
        )

    def _initial_state(self) -> Any:
        initial: Any = self.agent.get_initial_state()
        if getattr(initial, "step", None) is None:
            raise ConfigurationError(
                f"{self.cls.__name__}.get_initial_state() gave {initial!r:.80}, which is in no step; expected a state "
                "with a field `step`"
            )
        return initial

    def _tools_type(self) -> type | None:
        for base in self.cls.__mro__:
            for generic in getattr(base, "__orig_bases__", ()):
                arguments = get_args(generic)
                if len(arguments) == 3 and isinstance(arguments[1], type):
                    return arguments[1]
        try:
            hinted = get_type_hints(self.cls.create_tools).get("return")
        except Exception:  # noqa: BLE001  hints that cannot be resolved tell nothing
            return None
        return hinted if isinstance(hinted, type) else None

    def _declared_steps(self) -> dict[str, Any]:
        step = self.initial.step
        if isinstance(step, Enum):
            return {name_of(each): each for each in type(step)}
        try:
            hint = get_type_hints(self.state).get("step")
        except Exception:  # noqa: BLE001  as above
            hint = None
        if get_origin(hint) is Literal:
            return {str(each): each for each in get_args(hint)}
        return {name_of(step): step}

    def _is_step(self, value: Any) -> bool:
        step = self.initial.step
        if isinstance(step, Enum):
            return isinstance(value, type(step)) or (isinstance(value, str) and value in self.steps)
        return value in self.steps if self.is_closed else isinstance(value, type(step))

    def _step(self, step: Any) -> StepDefinition:
        name = name_of(step)
        states = trial_states(self.initial, step)
        self.states[name] = tuple(states)
        self.offers[name] = tuple(self._offered(step, states))
        self.prompts[name] = self._prompt(step, states)
        fresh = self.prompts[name].texts
        return StepDefinition(
            name=name,
            prompt=self.places.words_of(step) or (fresh[0] if fresh else None),
            is_final=self._is_final(step, states),
            tools=tuple(self._tool(step, schema) for schema in self.offers[name]),
            to=tuple(self._moves_by_code(step)),
            source=member_place(step) or self.prompts[name].source or place_of(self.state),
        )

    def _is_final(self, step: Any, states: Iterable[Any]) -> bool:
        """True if the journey can be over in this step, whatever else has to be so."""
        over = [state for state in states if self._is_terminal(state)]
        for state in over:
            try:
                schemas = cast("list[Any]", self.agent.get_tool_schemas(state) or [])
            except Exception:  # noqa: BLE001  reported where the tools are read
                continue
            if schemas:
                names = ", ".join(str(_wire(each)["function"].get("name", "")) for each in schemas)
                place = member_place(step) or self._place_of("get_tool_schemas")
                self.notes.add(
                    place, f"the journey is over in `{name_of(step)}`, but offers {names}", "tools-at-the-end"
                )
                break
        return bool(over)

    def _is_terminal(self, state: Any) -> bool:
        try:
            return bool(self.agent.is_terminal_state(state))
        except Exception as error:  # noqa: BLE001  an author's method may raise anything; it is reported
            self._note_failure("is_terminal_state", state, error, "is-complete")
            return False

    def _offered(self, step: Any, states: Iterable[Any]) -> Iterable[ReadSchema]:
        found: dict[str, ReadSchema] = {}
        errors: list[Exception] = []
        succeeded = False
        for state in states:
            try:
                schemas = cast("list[Any]", self.agent.get_tool_schemas(state) or [])
                succeeded = True
            except Exception as error:  # noqa: BLE001  as above
                errors.append(error)
                continue
            self._note_twice(step, schemas)
            for schema in schemas:
                wire = _wire(schema)
                name = str(wire["function"].get("name", ""))
                place = self.places.of_schema(name) or self._place_of("get_tool_schemas")
                found.setdefault(name, ReadSchema(name=name, wire=wire, source=place))
        if errors and not succeeded:
            self._note_failure("get_tool_schemas", step, errors[0], "tools-fail")
        return found.values()

    def _note_twice(self, step: Any, schemas: Iterable[Any]) -> None:
        names = [str(_wire(schema)["function"].get("name", "")) for schema in schemas]
        for name in dict.fromkeys(each for each in names if names.count(each) > 1):
            place = self.places.of_schema(name) or self._place_of("get_tool_schemas")
            text = f"step {name_of(step)!r} offers two tools called {name!r}"
            self.notes.add(place, text, "duplicate-tool")

    def _prompt(self, step: Any, states: Iterable[Any]) -> ReadPrompt:
        place = self.places.of_prompt(step) or self._place_of("get_system_prompt")
        texts: list[str] = []
        errors: list[Exception] = []
        for state in states:
            try:
                text = self.agent.get_system_prompt(state)
            except Exception as error:  # noqa: BLE001  as above
                errors.append(error)
                continue
            if isinstance(text, str) and text not in texts:
                texts.append(text)
        if errors:
            self._note_prompt_error(step, place, errors[0], has_texts=bool(texts))
        return ReadPrompt(texts=tuple(texts), source=place)

    def _note_prompt_error(self, step: Any, place: Source, error: Exception, *, has_texts: bool) -> None:
        name = name_of(step)
        missing = error.args[0] if isinstance(error, KeyError) and error.args else None
        if missing is not None and self._is_step(missing):
            self.notes.add(member_place(step) or place, f"step {name!r} has no prompt", "missing-prompt")
        elif isinstance(error, KeyError | AttributeError | IndexError) and not has_texts:
            what = f"{missing!r}" if missing is not None else str(error)
            self.notes.add(place, f"the prompt of step {name!r} asks for {what}, which it is not given", "unknown-name")
        elif not has_texts:
            self._note_failure("get_system_prompt", step, error, "prompt-fails")

    def _note_failure(self, method: str, step: Any, error: Exception, code: str) -> None:
        where = name_of(getattr(step, "step", step))
        text = f"in step {where!r}, {method} fails with {type(error).__name__}: {str(error)[:100]}"
        self.notes.add(_raised_at(error) or self._place_of(method), text, code)

    def _tool(self, step: Any, schema: ReadSchema) -> ToolDefinition:
        named = inspect.getattr_static(self.tools, schema.name, None) if self.tools is not None else None
        named = cast("Any", getattr(named, "__func__", named))
        targets, method = self._moves_of(step, schema.name, named if inspect.isfunction(named) else None)
        if method is not None:
            self.methods[name_of(step), schema.name] = method
        return ToolDefinition(
            name=schema.name,
            function=method or self.cls.execute_tool,
            targets=targets,
            source=(place_of(method) if method is not None else None) or schema.source,
        )

    def _moves_of(
        self, step: Any, tool: str, named: Callable[..., Any] | None
    ) -> tuple[tuple[str, ...], Callable[..., Any] | None]:
        """Where a tool leads, and the method that it is: the one that execute_tool calls, or the one of its name."""
        follower = Follower(self.world, self.notes)
        agent, tools = self._instance("agent", self.cls), self._instance("tools", self.tools)
        ends = list(follower.follow(self.cls.execute_tool, [agent, tools, (Known(tool),), UNKNOWN], step).step)
        if self.tools is None:
            self.open_steps.add(name_of(step))
        method = self._method_among(follower.followed)
        if method is None and named is not None:
            # The way from execute_tool to the method was not found; that it leads there is what it is for.
            method = named
            ends = list(follower.follow(method, [tools], step).step)
        return tuple(dict.fromkeys(self._arrived(step, tool, ends))), method

    def _method_among(self, codes: Iterable[Any]) -> Callable[..., Any] | None:
        """The first method of the tools that was followed."""
        methods = inspect.getmembers(self.tools, inspect.isfunction) if self.tools is not None else []
        by_code = {inspect.unwrap(method).__code__: method for _, method in methods}
        return next((by_code[code] for code in codes if code in by_code), None)

    def _arrived(self, step: Any, tool: str, ends: Iterable[At]) -> Iterable[str]:
        for end in ends:
            if end.source is None:
                continue
            if not isinstance(end.value, Known):
                self.open_steps.add(name_of(step))
                continue
            value = end.value.value
            target = name_of(value)
            if isinstance(value, str) and not isinstance(value, Enum) and isinstance(self.initial.step, Enum):
                text = f"step is set to the text {value!r}; expected {type(self.initial.step).__name__}({value!r})"
                self.notes.add(end.source, text, "step-type")
            self.moved_at.setdefault((name_of(step), tool, target), end.source)
            yield target

    def _moves_by_code(self, step: Any) -> Iterable[str]:
        """Where methods of the agent, not its tools, move the state."""
        agent, state = self._instance("agent", self.cls), self._instance("state", self.state)
        calls: list[tuple[str, list[Values]]] = [
            ("get_system_prompt", [agent, state]),
            ("get_tool_schemas", [agent, state]),
            ("create_tools", [agent, state]),
            ("save_state", [agent, UNKNOWN, state]),
        ]
        for name, arguments in calls:
            method = inspect.getattr_static(self.cls, name, None)
            if inspect.isfunction(method) and is_authors(method):
                ends = Follower(self.world, Notes()).follow(method, arguments, step).step
                yield from (each for each in self._arrived(step, "", ends) if each != name_of(step))

    def _note_moves_elsewhere(self) -> None:
        for name in ("run", "turn", "load_state", "on_state_change"):
            method = inspect.getattr_static(self.cls, name, None)
            if not inspect.isfunction(method) or not is_authors(method):
                continue
            ends = Follower(self.world, Notes()).follow(method, [self._instance("agent", self.cls)], self.initial.step)
            places = [end.source for end in ends.step if end.source is not None]
            if places:
                self.notes.add(places[0], f"{name} of the agent moves the state; from which steps cannot be told")

    def _targets(self, step: StepDefinition) -> Iterable[str]:
        return [*step.to, *(target for tool in step.tools for target in tool.targets)]

    def _instance(self, role: Any, cls: type | None) -> Values:
        return UNKNOWN if cls is None else (Instance(role, cls),)

    def _place_of(self, method: str) -> Source:
        found = getattr(self.cls, method, None)
        place = place_of(found) if found is not None and node_of(inspect.unwrap(found)) is not None else None
        return place or place_of(self.cls) or Source("<unknown>", 1)


def _raised_at(error: Exception) -> Source | None:
    """The author's own line that raised it, or called what raised it."""
    place: Source | None = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if is_authors(frame.f_code):
            place = Source(frame.f_code.co_filename, line)
    return place


def _wire(schema: Any) -> JSONObject:
    if isinstance(schema, dict):
        wire = cast("JSONObject", schema)
        return wire if isinstance(wire.get("function"), dict) else {"type": "function", "function": wire}
    return schema.to_openai_format()


def name_of(step: Any) -> str:
    """The name under which a step is kept."""
    return str(step.value) if isinstance(step, Enum) else str(getattr(step, "name", step))
