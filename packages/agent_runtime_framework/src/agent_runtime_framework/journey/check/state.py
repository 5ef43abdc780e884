"""Does the state survive being kept, and does each conversation have its own?"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
from collections.abc import Iterator
from typing import Any, cast, get_type_hints

from agent_runtime_framework.journey.check.finding import ERROR, WARNING, Finding, Findings, Severity
from agent_runtime_framework.journey.definition import Source
from agent_runtime_framework.journey.source import Reading
from agent_runtime_framework.journey.source.code import class_node_of, file_of, is_authors, node_of, place_of
from agent_runtime_framework.state.serializer import StateSerializer

_CHANGERS = frozenset(
    {"append", "add", "update", "extend", "insert", "setdefault", "pop", "clear", "remove", "discard"}
)


def find(reading: Reading) -> Findings:
    """All of it."""
    if not reading.is_long_form and (unfit := list(_field_types(reading))):
        yield from unfit
    else:
        yield from _kept(reading)
    if reading.is_long_form:
        yield from _own_initial_state(reading)
        yield from _views(reading)
        yield from _decorator(reading)
    for owner in dict.fromkeys((reading.state, reading.tools, reading.owner)):
        if owner is not None:
            yield from _shared(owner)


def _kept(reading: Reading) -> Findings:
    for states in reading.states.values():
        for number, state in enumerate(states):
            finding = _round_trip(reading, state, is_fresh=number == 0)
            if finding is not None:
                yield finding
                # The same mistake shows in every step and state.
                return


def _round_trip(reading: Reading, state: Any, *, is_fresh: bool) -> Finding | None:
    name = reading.state.__name__
    # A sample of ours may be a value the author's code never makes; only a fresh state is beyond doubt.
    severity = ERROR if is_fresh else WARNING
    try:
        data = state.to_dict()
    except Exception as error:  # noqa: BLE001  an author's method may raise anything; it is reported
        return _state_finding(reading, "to_dict", "to-dict", severity, f"{name}.to_dict() fails with {_told(error)}")
    try:
        text = json.dumps(data)
    except (TypeError, ValueError) as error:
        message = f"what {name}.to_dict() gives is no JSON: {error}"
        return _state_finding(reading, "to_dict", "not-json", ERROR, message)
    try:
        again: object = cast("Any", reading.state).from_dict(json.loads(text))
    except Exception as error:  # noqa: BLE001  as above
        message = f"{name}.from_dict() refuses what to_dict() gave, with {_told(error)}"
        return _state_finding(reading, "from_dict", "from-dict", severity, message)
    before, after = _public(state), _public(again)
    lost = [each for each in before if not _is_same(before[each], after.get(each, ...))]
    if lost:
        shown = ", ".join(f"{each} ({before[each]!r:.40} comes back as {after.get(each)!r:.40})" for each in lost)
        message = f"{name} does not survive being kept: {shown}"
        return _state_finding(reading, "to_dict", "round-trip", ERROR, message)
    return None


def _is_same(one: Any, other: Any) -> bool:
    """True if nothing was lost; a class without `__eq__` of its own is compared by what it consists of."""
    if type(one) is not type(other):
        return False
    if one == other:
        return True
    ours, theirs = StateSerializer.serialize(one), StateSerializer.serialize(other)
    return ours == theirs or getattr(one, "__dict__", 1) == getattr(other, "__dict__", 2)


def _state_finding(reading: Reading, method: str, code: str, severity: Severity, message: str) -> Finding:
    found = getattr(reading.state, method)
    source = place_of(found) if is_authors(getattr(found, "__func__", found)) else place_of(reading.state)
    hints = {
        "to-dict": "write every field as JSON: text, numbers, lists, dicts; StateSerializer.serialize helps",
        "not-json": "turn it into text, numbers, lists or dicts; StateSerializer.serialize helps",
        "from-dict": "read what to_dict writes, and what older versions wrote: data.get(name, default)",
        "round-trip": "write it in to_dict and read it in from_dict; what is not written is lost after every turn",
    }
    return Finding(code=code, severity=severity, message=message, hint=hints[code], source=source)


def _public(state: object) -> dict[str, Any]:
    return {name: value for name, value in vars(state).items() if not name.startswith("_")}


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:120]}"


def _field_types(reading: Reading) -> Findings:
    """Fields of a journey class that cannot become JSON and come back."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    try:
        hints = get_type_hints(reading.state, include_extras=True)
    except Exception as error:  # noqa: BLE001  a hint may be any expression
        yield Finding(
            code="field-type",
            severity=ERROR,
            message=f"the type hints of {reading.state.__name__} cannot be read: {error}",
            hint="import what they name, where the class is",
            source=place_of(reading.state),
        )
        return
    for name in reading.definition.fields:
        try:
            TypeAdapter(hints[name])
        except (PydanticSchemaGenerationError, PydanticUserError):
            shown = getattr(hints[name], "__name__", hints[name])
            yield Finding(
                code="field-type",
                severity=ERROR,
                message=f"the field {name} is a {shown}, which cannot be kept as JSON",
                hint="keep an id or plain values, and give tools the object with Injected[...]",
                source=_place_of_field(reading.state, name),
            )


def _place_of_field(owner: type, name: str) -> Source | None:
    for base in owner.__mro__:
        node, path = class_node_of(base), file_of(base)
        for statement in node.body if node is not None and path is not None else ():
            if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == name:
                return Source(cast("str", path), statement.lineno)
    return place_of(owner)


def _own_initial_state(reading: Reading) -> Findings:
    if reading.agent.get_initial_state() is reading.agent.get_initial_state():
        yield Finding(
            code="shared-initial-state",
            severity=ERROR,
            message="get_initial_state gives the same object every time, so all conversations share one state",
            hint=f"make a new one: return {reading.state.__name__}()",
            source=place_of(cast("Any", reading.owner).get_initial_state),
        )


def _views(reading: Reading) -> Findings:
    """Methods that only look, and change the state all the same."""
    for name in ("get_system_prompt", "get_tool_schemas"):
        method = getattr(reading.agent, name)
        for states in reading.states.values():
            state = states[0] if states else None
            try:
                before = dict(vars(state).items())
                method(state)
            except Exception:  # noqa: BLE001  what fails is reported elsewhere
                continue
            if {**vars(state)} != before:
                yield Finding(
                    code="view-changes-state",
                    severity=ERROR,
                    message=f"{name} changes the state; it is called before every model request, and for previews",
                    hint="change the state in a tool",
                    source=place_of(method.__func__),
                )
                break


def _decorator(reading: Reading) -> Findings:
    state = reading.state
    own = inspect.get_annotations(state)
    if "step" in own and "__dataclass_fields__" not in vars(state) and "__init__" not in vars(state):
        yield Finding(
            code="no-dataclass",
            severity=WARNING,
            message=f"{state.__name__} declares fields, but is no dataclass, so they belong to the class",
            hint="write @dataclass above it",
            source=place_of(state),
        )


def _shared(owner: type) -> Iterator[Finding]:
    """Lists, dicts and sets that belong to a class, and that its methods change."""
    node, path = class_node_of(owner), file_of(owner)
    if node is None or path is None or not is_authors(owner):
        return
    fields = _field_names(owner)
    shared: dict[str, int] = {}
    for statement in node.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        name = target.id if isinstance(target, ast.Name) else ""
        if name and name not in fields and isinstance(vars(owner).get(name), list | dict | set):
            shared[name] = statement.lineno
    changed = {name for method in vars(owner).values() for name in _changed(method)}
    for name, line in shared.items():
        if name in changed and not _is_set_in_init(owner, name):
            yield Finding(
                code="shared-state",
                severity=ERROR,
                message=f"{owner.__name__}.{name} belongs to the class, so all conversations share what is put into it",
                hint="make it a field of the state",
                source=Source(path, line),
            )


def _field_names(owner: Any) -> list[str]:
    return [each.name for each in dataclasses.fields(owner)] if dataclasses.is_dataclass(owner) else []


def _changed(method: Any) -> Iterator[str]:
    node = node_of(inspect.unwrap(method)) if inspect.isfunction(method) else None
    for each in ast.walk(node) if node else ():
        match each:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=name), attr=changer)) if changer in _CHANGERS:
                yield name
            case ast.Subscript(value=ast.Attribute(attr=name), ctx=ast.Store() | ast.Del()):
                yield name
            case ast.AugAssign(target=ast.Attribute(attr=name)):
                yield name
            case _:
                pass


def _is_set_in_init(owner: type, name: str) -> bool:
    node = node_of(vars(owner)["__init__"]) if "__init__" in vars(owner) else None
    return node is not None and any(
        isinstance(each, ast.Attribute) and each.attr == name and isinstance(each.ctx, ast.Store)
        for each in ast.walk(node)
    )
