"""A function as a tool: its JSON Schema from hints and docstring, and its arguments validated by Pydantic.

Needs Pydantic, which is imported when a schema is first derived. Descriptions of parameters come from
`Annotated[…, Field(description=…)]` or, through `docstring_parser`, from Google, NumPy and reST docstrings.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, cast, get_type_hints

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.strict_schema import strict_schema
from agent_runtime_core.tools import ToolParameter, ToolSchema

if TYPE_CHECKING:
    from docstring_parser import DocstringParam
    from pydantic import TypeAdapter

_PREVIEW_CHARS = 80
_SAYS_WHAT = {"type", "$ref", "enum", "const", "oneOf", "allOf"}

MISSING_LIBRARY = (
    "deriving a tool's schema needs Pydantic and docstring_parser: pip install 'agent_runtime_core[schemas]'"
)


@lru_cache(maxsize=1_000)
def schema_of(function: Callable[..., Any], name: str | None, strict: bool) -> CallableSchema:
    """The schema of a function; the same object for the same function."""
    return CallableSchema(function, name=name, strict=strict)


class CallableSchema(ToolSchema):
    """A tool described by a function.

    `parameters` say what `ToolParameter` can say; the whole schema is in `json_schema`.

    Args:
        function: The function; `self` of a method is left out.
        name: What the model calls it; the function's own name by default.
        hidden: Parameters the model does not see, because somebody else fills them.
        owner: The class whose nested classes the hints may name.
        names: What else the hints may name, besides the globals of the function's module.
        strict: Describe it as OpenAI's strict mode wants it: every parameter required, nothing else allowed.

    Raises:
        ConfigurationError: A parameter has no hint, is one a model cannot fill (`*args`, positional-only), or is of a
            type that JSON cannot hold.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        hidden: Collection[str] = (),
        owner: type | None = None,
        names: Mapping[str, Any] | None = None,
        strict: bool = False,
    ) -> None:
        try:
            from docstring_parser import parse
        except ImportError as error:
            raise ConfigurationError(MISSING_LIBRARY) from error

        self.function = function
        self.strict = strict
        self.name = name or function.__name__
        docstring = parse(inspect.getdoc(function) or "")
        about = "\n\n".join(text for text in (docstring.short_description, docstring.long_description) if text)
        signature = _visible(function, hidden)
        hints = _hints(function, signature, {**_nested_classes(owner), **(names or {})})
        self._adapter = _adapter(self.name, signature, hints, {each.arg_name: each for each in docstring.params})
        schema = _plain_schema(self.name, self._adapter)
        self.json_schema: JSONObject = strict_schema(schema, self.name) if strict else schema
        # Where null means nothing else, it means that the model would rather have left the parameter out.
        self._droppable = frozenset(
            key
            for key, each in signature.items()
            if each.default is not inspect.Parameter.empty and not _takes_null(schema["properties"][key])
        )
        super().__init__(self.name, about, _parameters(schema))

    def to_openai_format(self) -> JSONObject:
        function: JSONObject = {"name": self.name, "description": self.description, "parameters": self.json_schema}
        if self.strict:
            function["strict"] = True
        return {"type": "function", "function": function}

    def bind(self, arguments: Mapping[str, Any]) -> JSONObject:
        """The arguments as the function takes them: validated, and coerced to their types.

        Raises:
            pydantic.ValidationError: They do not fit.
        """
        given = arguments
        if self._droppable:
            given = {name: value for name, value in given.items() if value is not None or name not in self._droppable}
        return self._adapter.validate_python(given)

    def problems(self, arguments: Mapping[str, Any]) -> list[str]:
        """What does not fit, as sentences for the model that name field, value and what fits."""
        from pydantic import ValidationError

        try:
            self.bind(arguments)
        except ValidationError as error:
            return [_sentence(each) for each in error.errors(include_url=False)]
        except RecursionError:
            return ["the arguments are nested too deeply"]
        return []


def _adapter(
    name: str,
    signature: Mapping[str, inspect.Parameter],
    hints: Mapping[str, Any],
    documented: Mapping[str, DocstringParam],
) -> TypeAdapter[JSONObject]:
    try:
        from typing import NotRequired

        from pydantic import ConfigDict, Field, TypeAdapter, with_config
        from pydantic.errors import PydanticUserError
        from typing_extensions import TypedDict
    except ImportError as error:
        raise ConfigurationError(MISSING_LIBRARY) from error
    fields: dict[str, Any] = {}
    for key, parameter in signature.items():
        text = documented[key].description if key in documented else None
        default = _default_in_schema(parameter.default)
        hint = (
            Annotated[hints[key], Field(description=text, json_schema_extra=default)] if text or default else hints[key]
        )
        fields[key] = hint if parameter.default is inspect.Parameter.empty else NotRequired[hint]
    shape: Any = TypedDict(name, fields)  # pyright: ignore[reportArgumentType]  made at run time
    try:
        # A model that is asked for a text often sends a bare number.
        return TypeAdapter(with_config(ConfigDict(coerce_numbers_to_str=True))(shape))
    except (PydanticUserError, TypeError) as error:
        raise ConfigurationError(_unfit(name, error)) from error


def _unfit(name: str, error: Exception) -> str:
    reason = str(error).strip().split("\n", 1)[0]
    return f"a parameter of tool {name!r} is of a type that a model cannot fill: {reason}"


def _nested_classes(owner: type | None) -> dict[str, Any]:
    """Classes that were declared in a class; its other attributes would hide the types they are named after."""
    bases = reversed(owner.__mro__) if owner is not None else ()
    return {name: each for base in bases for name, each in vars(base).items() if isinstance(each, type)}


def _hints(
    function: Callable[..., Any], signature: Mapping[str, inspect.Parameter], names: dict[str, Any]
) -> dict[str, Any]:
    name = function.__name__
    try:
        hints = get_type_hints(function, localns=names, include_extras=True)
    except (NameError, TypeError, SyntaxError) as error:
        raise ConfigurationError(f"the hints of tool {name!r} cannot be read: {error}") from error
    missing = [key for key in signature if key not in hints]
    if missing:
        raise ConfigurationError(
            f"parameter {missing[0]!r} of tool {name!r} has no type hint; a model has to be told what to send"
        )
    return hints


def _plain_schema(name: str, adapter: TypeAdapter[JSONObject]) -> JSONObject:
    from pydantic.errors import PydanticUserError

    try:
        schema = cast("JSONObject", _without_titles(adapter.json_schema()))
    except PydanticUserError as error:
        raise ConfigurationError(_unfit(name, error)) from error
    return {"type": "object", "properties": {}, "required": [], **schema}


def _parameters(schema: JSONObject) -> list[ToolParameter]:
    required = set(schema["required"])
    return [
        ToolParameter(
            name=name,
            type=_type_of(each),
            description=each.get("description", ""),
            required=name in required,
            enum=each.get("enum"),
            items=each.get("items"),
            default=each.get("default"),
        )
        for name, each in schema["properties"].items()
    ]


def _type_of(schema: JSONObject) -> str:
    """The one type a `ToolParameter` can name; for a choice of types, the first that is not null."""
    choices = (schema, *schema.get("anyOf", ()))
    return next((each["type"] for each in choices if each.get("type", "null") != "null"), "object")


def _visible(function: Callable[..., Any], hidden: Collection[str]) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(function).parameters)
    if next(iter(parameters), None) == "self":
        del parameters["self"]
    for parameter in parameters.values():
        if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
            raise ConfigurationError(
                f"parameter {parameter} of tool {function.__name__!r} cannot be filled by a model; "
                "expected parameters that are passed by name"
            )
    return {name: parameter for name, parameter in parameters.items() if name not in hidden}


def _default_in_schema(default: object) -> JSONObject:
    if default is inspect.Parameter.empty or default is None:
        return {}
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        return {"default": to_jsonable_python(default)}
    except PydanticSerializationError:
        return {}


def _without_titles(node: Any) -> Any:
    """The schema without the titles Pydantic makes up, which tell a model nothing."""
    if isinstance(node, dict):
        entries = cast("JSONObject", node)
        kept = {key: _without_titles(value) for key, value in entries.items() if key != "properties"}
        if isinstance(kept.get("title"), str):
            del kept["title"]
        if "properties" in entries:
            kept["properties"] = {key: _without_titles(value) for key, value in entries["properties"].items()}
        return kept
    return [_without_titles(each) for each in cast("list[Any]", node)] if isinstance(node, list) else node


def _takes_null(schema: JSONObject) -> bool:
    """True if null is a value of its own here, or if the schema does not say what is."""
    choices: list[JSONObject] = schema.get("anyOf") or [schema]
    return any(
        each.get("type") == "null" or None in each.get("enum", ()) or not each.keys() & _SAYS_WHAT for each in choices
    )


def _sentence(error: Any) -> str:
    path = ".".join(str(part) for part in error["loc"]) or "the arguments"
    if error["type"] == "missing":
        return f"'{path}' is missing"
    shown = repr(error["input"])
    shown = shown if len(shown) <= _PREVIEW_CHARS else f"{shown[:_PREVIEW_CHARS]}…"
    return f"'{path}' is {shown}: {error['msg'][:1].lower()}{error['msg'][1:]}"
