"""What a form asks for: the fields of a Pydantic model, each with its question, its schema and its conditions."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union, cast, get_args, get_origin

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

Condition: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Takes the answers so far, by name; False leaves the question out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How a field is asked for; stands in its `Annotated[...]`.

    Attributes:
        prompt: The question, in the very words the person hears.
        when: Whether it is asked at all, from the answers so far.
        depends_on: Fields it follows from: when one of them changes, the answer is dropped and asked for again.
        reconfirm: A changed field in `depends_on` does not drop the answer; the person is asked whether it still holds.
        sensitive: The answer appears in no prompt, log, event or stored message.
        grounded: Whether a value that the person never said is questioned instead of saved; None leaves it to the form.
        example: An answer that would do, shown after one that did not.
    """

    prompt: str = ""
    when: Condition | None = None
    depends_on: str | Sequence[str] = ()
    reconfirm: bool = False
    sensitive: bool = False
    grounded: bool | None = None
    example: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """`depends_on`, as a tuple."""
        return (self.depends_on,) if isinstance(self.depends_on, str) else tuple(self.depends_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One question of a form.

    Attributes:
        name: Its name in the form; the parts of a nested one are joined by `_`.
        path: Where the answer goes in the model's input.
        ask: What its author said of it.
        schema: The JSON Schema of an answer.
        label: What a person calls it.
        choices: The answers there are, if it is a choice; their JSON values.
        is_required: False if it may be skipped.
        is_sensitive: True if its answer must not be shown.
        gate: The field that has to be answered with yes first, for the parts of an optional group.
        is_gate: True if it only asks whether a group is given at all.
        adapter_for: The annotation an answer is validated against; None for a gate.
    """

    name: str
    path: tuple[str, ...]
    ask: Ask
    schema: JSONObject
    label: str
    choices: tuple[Any, ...] = ()
    is_required: bool = True
    is_sensitive: bool = False
    gate: str | None = None
    is_gate: bool = False
    adapter_for: Any = None
    sources: tuple[str, ...] = field(default=())

    @property
    def is_flag(self) -> bool:
        """True if it is answered with yes or no."""
        return self.schema.get("type") == "boolean"


def fields_of(model: type[BaseModel]) -> tuple[FormField, ...]:
    """The questions of a model, in the order of its fields; those of nested models stand where these stand.

    Raises:
        ConfigurationError: A field cannot be described as JSON Schema, or depends on one that does not exist.
    """
    found = _with_short_labels(tuple(_walk(model, ())))
    names = [each.name for each in found]
    for each in found:
        if names.count(each.name) > 1:
            raise ConfigurationError(f"{model.__name__} has two fields that a form calls {each.name!r}; rename one")
        for source in each.sources:
            if source not in names:
                raise ConfigurationError(
                    f"{model.__name__}.{each.name} depends on {source!r}, which is no field; "
                    f"the fields are: {', '.join(names)}"
                )
    return found


def _walk(
    model: type[BaseModel], path: tuple[str, ...], gate: str | None = None, prefix: str = ""
) -> Iterator[FormField]:
    schemas = _schemas_of(model)
    for name, info in model.model_fields.items():
        own = f"{prefix}{name}"
        here = (*path, _key_in_input(model, name, info))
        nested = _nested_model(info.annotation)
        if nested is None:
            yield _question(own, here, info, schemas[name], gate)
            continue
        if info.is_required() or _is_plain(info.annotation):
            yield from _walk(nested, here, gate, f"{own}_")
            continue
        yield _group_gate(own, here, info, gate)
        yield from _walk(nested, here, own, f"{own}_")


def _with_short_labels(found: tuple[FormField, ...]) -> tuple[FormField, ...]:
    """The part of a group is called by its own name where that tells it from all others."""
    own = [each.path[-1].replace("_", " ") for each in found]
    return tuple(
        replace(each, label=short if own.count(short) == 1 else f"{short} ({each.path[-2].replace('_', ' ')})")
        if len(each.path) > 1 and each.label == each.name.replace("_", " ")
        else each
        for each, short in zip(found, own, strict=True)
    )


def _schemas_of(model: type[BaseModel]) -> Mapping[str, JSONObject]:
    from pydantic.errors import PydanticInvalidForJsonSchema

    try:
        whole = model.model_json_schema(by_alias=False)
    except PydanticInvalidForJsonSchema as error:
        raise ConfigurationError(
            f"{model.__name__} cannot be asked for: {error}; give the field a type that is JSON, or exclude it"
        ) from error
    definitions = whole.get("$defs")
    shared = {"$defs": definitions} if definitions else {}
    return {name: {**each, **(shared if "$ref" in str(each) else {})} for name, each in whole["properties"].items()}


def _question(own: str, path: tuple[str, ...], info: FieldInfo, schema: JSONObject, gate: str | None) -> FormField:
    ask = ask_of(info)
    return FormField(
        name=own,
        path=path,
        ask=ask,
        schema=_described(schema, info),
        label=_label(own, info),
        choices=choices_of(info.annotation),
        is_required=info.is_required(),
        is_sensitive=ask.sensitive or _is_secret(info.annotation),
        gate=gate,
        adapter_for=_annotated(info),
        sources=ask.sources,
    )


def _group_gate(own: str, path: tuple[str, ...], info: FieldInfo, gate: str | None) -> FormField:
    ask = ask_of(info)
    label = _label(own, info)
    schema: JSONObject = {"type": "boolean", "description": f"whether the person gives {label}"}
    return FormField(
        name=own, path=path, ask=ask, schema=schema, label=label, is_required=False, gate=gate, is_gate=True,
        sources=ask.sources,
    )  # fmt: skip


def ask_of(info: FieldInfo) -> Ask:
    """What was said of a field; what stands later adds to, or overrides, what its type brings along."""
    said = [each for each in info.metadata if isinstance(each, Ask)]
    nothing = Ask()
    given = {
        each.name: value
        for one in said
        for each in fields(nothing)
        if (value := getattr(one, each.name)) != getattr(nothing, each.name)
    }
    return Ask(**given)


def _annotated(info: FieldInfo) -> Any:
    from typing import Annotated

    notes = tuple(each for each in info.metadata if not isinstance(each, Ask))
    return Annotated[(info.annotation, *notes)] if notes else info.annotation  # pyright: ignore[reportInvalidTypeForm]


def _described(schema: JSONObject, info: FieldInfo) -> JSONObject:
    kept = {name: value for name, value in schema.items() if name not in ("title", "default")}
    members: list[JSONObject] = [each for each in kept.get("anyOf", ()) if each.get("type") != "null"]
    if len(members) == 1:
        del kept["anyOf"]
        kept = {**members[0], **kept}
    if info.title:
        kept["title"] = info.title
    return kept


def _label(own: str, info: FieldInfo) -> str:
    return info.title or own.replace("_", " ")


def choices_of(annotation: Any) -> tuple[Any, ...]:
    """The values of an enum or a `Literal`, as JSON; empty for everything else."""
    kind = without_none(annotation)
    if get_origin(kind) is Literal:
        return tuple(each.value if isinstance(each, Enum) else each for each in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(each.value for each in kind)
    return ()


def without_none(annotation: Any) -> Any:
    """The annotation without `| None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return rest[0] if len(rest) == 1 else annotation
    return annotation


def _is_plain(annotation: Any) -> bool:
    return without_none(annotation) is annotation


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    from pydantic import BaseModel, RootModel

    kind = without_none(annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, RootModel):
        return kind
    return None


def _is_secret(annotation: Any) -> bool:
    return hasattr(without_none(annotation), "get_secret_value")


def _key_in_input(model: type[BaseModel], name: str, info: FieldInfo) -> str:
    """The key under which the model takes the field: its alias, if it has one."""
    config = cast("Mapping[str, Any]", model.model_config)
    if config.get("populate_by_name") or config.get("validate_by_name"):
        return name
    alias: Any = info.validation_alias if info.validation_alias is not None else info.alias
    if alias is None or isinstance(alias, str):
        return alias or name
    for choice in getattr(alias, "choices", ()):
        if isinstance(choice, str):
            return choice
    raise ConfigurationError(
        f"{model.__name__}.{name} is read from {alias!r}; a form needs a plain alias, or populate_by_name=True"
    )
