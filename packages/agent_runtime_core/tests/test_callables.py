"""A function as a tool: what the model is told of it, and what the function gets."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import jsonschema
import pytest
from pydantic import BaseModel, Field

from agent_runtime_core.callables import CallableSchema
from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.tools import ToolSchema


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(BaseModel):
    width: int = Field(gt=0, description="In centimetres")
    height: int = 10


@dataclass
class Address:
    street: str
    city: str = "Berlin"


def parameters(function: Any, **options: Any) -> JSONObject:
    return CallableSchema(function, **options).to_openai_format()["function"]["parameters"]


def of_hint(hint: Any) -> JSONObject:
    def tool(value: Any) -> None: ...

    tool.__annotations__["value"] = hint
    return parameters(tool)["properties"]["value"]


def bound(hint: Any, value: Any) -> Any:
    def tool(value: Any) -> None: ...

    tool.__annotations__["value"] = hint
    return CallableSchema(tool).bind({"value": value})["value"]


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Literal["car", "home"], {"type": "string", "enum": ["car", "home"]}),
        (date, {"type": "string", "format": "date"}),
        (datetime, {"type": "string", "format": "date-time"}),
        (UUID, {"type": "string", "format": "uuid"}),
        (str | None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (Annotated[int, Field(ge=1, description="Count")], {"type": "integer", "minimum": 1, "description": "Count"}),
    ],
)
def test_a_hint_becomes_a_schema(hint: Any, schema: JSONObject):
    assert of_hint(hint) == schema


def test_enums_and_nested_models_are_described():
    def paint(colour: Colour, size: Size, address: Address) -> None: ...

    schema = parameters(paint)

    assert schema["$defs"]["Colour"]["enum"] == ["red", "blue"]
    assert schema["$defs"]["Size"]["properties"]["width"]["description"] == "In centimetres"
    assert schema["$defs"]["Address"]["required"] == ["street"]


@pytest.mark.parametrize(
    ("hint", "sent", "got"),
    [
        (int, "42", 42),
        (float, "1.5", 1.5),
        (bool, "yes", True),
        (str, 12345, "12345"),
        (date, "2027-03-01", date(2027, 3, 1)),
        (datetime, "2027-03-01T10:00:00", datetime(2027, 3, 1, 10)),  # noqa: DTZ001  as it was sent
        (Decimal, "12.50", Decimal("12.50")),
        (UUID, "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
        (Colour, "red", Colour.RED),
        (Size, {"width": "3"}, Size(width=3)),
        (Address, {"street": "Main"}, Address("Main")),
        (list[date], ["2027-03-01"], [date(2027, 3, 1)]),
        (set[int], [1, 2], {1, 2}),
        (str | None, None, None),
    ],
)
def test_an_argument_is_converted_to_its_type(hint: Any, sent: Any, got: Any):
    assert bound(hint, sent) == got


@pytest.mark.parametrize(
    ("hint", "sent", "sentence"),
    [
        (int, "many", "'value' is 'many': input should be a valid integer"),
        (Literal["car", "home"], "boat", "'value' is 'boat': input should be 'car' or 'home'"),
        (Annotated[int, Field(ge=18)], 12, "'value' is 12: input should be greater than or equal to 18"),
        (list[int], [1, "x"], "'value.1' is 'x': input should be a valid integer"),
        (Size, {"width": 0}, "'value.width' is 0: input should be greater than 0"),
        (Size, {}, "'value.width' is missing"),
    ],
)
def test_an_error_names_field_value_and_what_fits(hint: Any, sent: Any, sentence: str):
    def tool(value: Any) -> None: ...

    tool.__annotations__["value"] = hint

    (problem,) = CallableSchema(tool).problems({"value": sent})

    assert problem.startswith(sentence)


def test_a_missing_argument_is_named_and_a_fitting_call_has_no_problems():
    def save(name: str, age: int = 3) -> None: ...

    schema = CallableSchema(save)

    assert schema.problems({}) == ["'name' is missing"]
    assert schema.problems({"name": "Ada"}) == []


def test_a_long_value_is_shown_in_part():
    def save(age: int) -> None: ...

    (problem,) = CallableSchema(save).problems({"age": "x" * 1_000})

    assert len(problem) < 250


def test_endless_nesting_is_a_problem_not_a_crash():
    def save(data: Any, tree: dict[str, Any]) -> None: ...

    deep: Any = 1
    for _ in range(100_000):
        deep = {"a": deep}

    assert isinstance(CallableSchema(save).problems({"data": 1, "tree": deep}), list)


def google(plate: str, mileage: int = 0) -> None:
    """Save the car.

    Ask for both first.

    Args:
        plate: The licence plate.
        mileage: Kilometres
            a year.

    Returns:
        Nothing.
    """


def numpy(plate: str, mileage: int = 0) -> None:
    """Save the car.

    Ask for both first.

    Parameters
    ----------
    plate : str
        The licence plate.
    mileage : int
        Kilometres
        a year.
    """


def rest(plate: str, mileage: int = 0) -> None:
    """Save the car.

    Ask for both first.

    :param plate: The licence plate.
    :param mileage: Kilometres
        a year.
    :returns: Nothing.
    """


@pytest.mark.parametrize("function", [google, numpy, rest])
def test_docstrings_of_every_style_are_read(function: Any):
    wire = CallableSchema(function).to_openai_format()["function"]
    properties = wire["parameters"]["properties"]

    assert wire["description"] == "Save the car.\n\nAsk for both first."
    assert properties["plate"] == {"type": "string", "description": "The licence plate."}
    assert properties["mileage"] == {"type": "integer", "default": 0, "description": "Kilometres\na year."}


def test_a_description_in_the_hint_and_one_in_the_docstring_agree_on_the_docstring():
    def save(plate: Annotated[str, Field(description="From the hint")]) -> None:
        """Save.

        Args:
            plate: From the docstring.
        """

    assert parameters(save)["properties"]["plate"]["description"] == "From the docstring."


def test_defaults_make_a_parameter_optional_and_are_told():
    def order(item: str, colour: Colour = Colour.RED, note: str | None = None) -> None: ...

    schema = parameters(order)

    assert schema["required"] == ["item"]
    assert schema["properties"]["colour"]["default"] == "red"
    assert "default" not in schema["properties"]["note"]


def test_null_for_a_parameter_that_could_be_left_out_leaves_it_out():
    def order(item: str, quantity: int = 1, note: str | None = "none", anything: Any = 3) -> None: ...

    schema = CallableSchema(order)
    arguments = {"item": "tea", "quantity": None, "note": None, "anything": None}

    assert schema.bind(arguments) == {"item": "tea", "note": None, "anything": None}


def test_null_for_a_parameter_that_is_needed_is_a_problem():
    def order(item: str) -> None: ...

    assert CallableSchema(order).problems({"item": None}) == ["'item' is None: input should be a valid string"]


def test_what_is_not_declared_does_not_reach_the_function():
    def order(item: str) -> None: ...

    assert CallableSchema(order).bind({"item": "tea", "extra": 1}) == {"item": "tea"}


def test_hidden_parameters_are_not_described():
    def pay(amount: int, bank: object, key: str) -> None: ...

    assert list(parameters(pay, hidden={"bank", "key"})["properties"]) == ["amount"]


def test_made_up_titles_are_left_out_but_a_field_called_title_stays():
    class Book(BaseModel):
        title: str

    def add(book: Book, title: str) -> None: ...

    add.__annotations__["book"] = Book
    schema = parameters(add)

    assert list(schema["properties"]) == ["book", "title"]
    assert schema["$defs"]["Book"]["properties"] == {"title": {"type": "string"}}
    assert "title" not in schema


def test_a_nested_class_can_be_named_and_an_attribute_does_not_hide_a_type():
    class Owner:
        date = None

        class Kind(Enum):
            A = "a"

        def save(self, kind: "Kind", day: "date") -> None: ...

    schema = CallableSchema(Owner.save, owner=Owner)

    assert schema.bind({"kind": "a", "day": "2027-03-01"}) == {"kind": Owner.Kind.A, "day": date(2027, 3, 1)}


def untyped(name) -> None: ...


def starred(*names: str) -> None: ...


def positional(name: str, /) -> None: ...


def unknown(name: "Nowhere") -> None: ...  # noqa: F821


class Socket:
    pass


def unfit(socket: Socket) -> None: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (untyped, ["'name'", "'untyped'", "no type hint"]),
        (starred, ["*names", "'starred'", "passed by name"]),
        (positional, ["name: str", "'positional'", "passed by name"]),
        (unknown, ["'unknown'", "Nowhere"]),
        (unfit, ["'unfit'", "Socket"]),
    ],
)
def test_a_function_that_a_model_cannot_call_is_an_error(function: Any, words: list[str]):
    with pytest.raises(ConfigurationError) as caught:
        CallableSchema(function)

    assert [word for word in words if word not in str(caught.value)] == []


class Tools:
    async def save_car(self, plate: str, bought: date) -> str:
        """Save the car."""
        return f"{plate} {bought}"


def test_from_callable_takes_methods_of_classes_and_of_objects():
    schema = ToolSchema.from_callable(Tools.save_car)

    assert schema is ToolSchema.from_callable(Tools().save_car)
    assert schema.name == "save_car"
    assert [(each.name, each.type, each.required) for each in schema.parameters] == [
        ("plate", "string", True),
        ("bought", "string", True),
    ]
    assert ToolSchema.from_callable(Tools.save_car, name="car").name == "car"


class Leaf(BaseModel):
    size: Size
    colour: Colour = Colour.RED
    default: str = "a field called default"


def grow(
    kind: Literal["oak", "elm"],
    leaf: Annotated[Leaf, Field(description="The first")],
    names: set[str],
    owner: Address | Size,
    note: str | None = None,
    count: int = 2,
) -> None:
    """Grow a tree."""


def test_strict_mode_asks_for_everything_and_allows_nothing_else():
    function = CallableSchema(grow, strict=True).to_openai_format()["function"]
    schema = function["parameters"]

    assert function["strict"] is True
    assert strict_faults(schema) == []
    assert schema["properties"]["count"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert schema["$defs"]["Leaf"]["properties"]["default"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    jsonschema.Draft202012Validator.check_schema(schema)


def test_in_strict_mode_null_stands_for_what_is_left_out():
    schema = CallableSchema(grow, strict=True)
    leaf = {"size": {"width": 1, "height": 2}, "colour": "blue", "default": "x"}
    sent = {"kind": "oak", "leaf": leaf, "names": [], "owner": {"width": 1, "height": 1}, "note": None, "count": None}

    assert "count" not in schema.bind(sent)


def free(table: dict[str, int]) -> None: ...


def anything(value: Any) -> None: ...


def pair(pair: tuple[int, str]) -> None: ...


@pytest.mark.parametrize(("function", "word"), [(free, "free keys"), (anything, "any type"), (pair, "tuple")])
def test_what_strict_mode_cannot_say_is_an_error(function: Any, word: str):
    with pytest.raises(ConfigurationError, match=word):
        CallableSchema(function, strict=True)


def strict_faults(node: Any, path: str = "") -> list[str]:
    """What a provider would reject: the documented rules of strict mode."""
    if isinstance(node, list):
        return [fault for i, each in enumerate(node) for fault in strict_faults(each, f"{path}[{i}]")]
    if not isinstance(node, dict):
        return []
    faults = [f"{path}: {key}" for key in ("default", "oneOf", "uniqueItems", "discriminator") if key in node]
    if "$ref" in node and len(node) > 1:
        faults.append(f"{path}: $ref beside {sorted(node)}")
    if node.get("type") == "object":
        if node.get("additionalProperties") is not False:
            faults.append(f"{path}: open")
        if set(node.get("required", ())) != set(node.get("properties", ())):
            faults.append(f"{path}: optional properties")
    for key in ("properties", "$defs"):
        for name, each in node.get(key, {}).items():
            faults += strict_faults(each, f"{path}.{name}")
    for key in ("anyOf", "items", "allOf"):
        faults += strict_faults(node.get(key), f"{path}.{key}")
    return faults
