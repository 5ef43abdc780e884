# ruff: noqa: RUF012  a journey copies its defaults
"""The state of a journey, stored and read again."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import pydantic
import pytest

from agent_runtime_framework.errors import StateError
from agent_runtime_framework.journey import Field, Journey, derived, step

ID = UUID("12345678-1234-5678-1234-567812345678")
NOON = datetime(2027, 3, 1, 12, tzinfo=timezone(timedelta(hours=1)))


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Address:
    street: str = ""
    since: date | None = None


@dataclass
class Household:
    home: Address = field(default_factory=Address)
    others: list[Address] = field(default_factory=list)


class Pet(pydantic.BaseModel):
    name: str
    colour: Colour = Colour.RED


class Everything(Journey):
    text: str = ""
    number: int = 0
    ratio: float = 0.0
    flag: bool = False
    money: Decimal = Decimal(0)
    id: UUID | None = None
    day: date | None = None
    at: datetime | None = None
    hour: time | None = None
    length: timedelta = timedelta()
    colour: Colour = Colour.RED
    level: Level | None = None
    kind: Literal["car", "home"] | None = None
    names: list[str] = []
    tags: set[str] = set()
    frozen: frozenset[int] = frozenset()
    pair: tuple[int, str] = (0, "")
    prices: dict[str, Decimal] = {}
    household: Household = Household()
    address: Address = Field(default_factory=Address)
    pet: Pet | None = None
    pets: list[Pet] = Field([])
    anything: Any = None
    small: Annotated[int, pydantic.Field(ge=0)] = 0
    shared: ClassVar[list[str]] = []

    start = step("Start.")
    end = step("End.", final=True)


VALUES: dict[str, Any] = {
    "text": "Grüße, 世界",
    "number": 10**20,
    "ratio": 0.1,
    "flag": True,
    "money": Decimal("12.50"),
    "id": ID,
    "day": date(2027, 3, 1),
    "at": NOON,
    "hour": time(9, 30),
    "length": timedelta(hours=3),
    "colour": Colour.BLUE,
    "level": Level.HIGH,
    "kind": "car",
    "names": ["Ada", "Bob"],
    "tags": {"b", "a"},
    "frozen": frozenset({1, 2}),
    "pair": (3, "three"),
    "prices": {"apple": Decimal("0.99")},
    "household": Household(Address("Main", date(2020, 1, 1)), [Address("Side")]),
    "address": Address("Main"),
    "pet": Pet(name="Rex", colour=Colour.BLUE),
    "pets": [Pet(name="Tom")],
    "anything": {"a": [1, None]},
    "small": 3,
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_equal_and_of_its_type(name: str):
    state = Everything(**{name: VALUES[name]})

    stored = json.loads(json.dumps(state.to_dict()))
    value = getattr(Everything.from_dict(stored), name)

    assert value == VALUES[name]
    assert type(value) is type(VALUES[name])


def test_a_whole_state_comes_back_equal():
    state = Everything(**VALUES)
    state.step = Everything.end

    again = Everything.from_dict(json.loads(json.dumps(state.to_dict())))

    assert again == state
    assert again.step is Everything.end


def test_a_state_in_another_step_is_another_state():
    state, other = Everything(), Everything()
    other.step = Everything.end

    assert state != other


def test_a_copy_shares_nothing():
    state = Everything()
    copied = state.copy()
    copied.names.append("Ada")
    copied.household.home.street = "Main"

    assert (state.names, state.household.home.street) == ([], "")


@pytest.mark.parametrize("name", ["names", "tags", "prices", "household", "pets", "address"])
def test_every_state_has_its_own_default(name: str):
    assert getattr(Everything(), name) is not getattr(Everything(), name)


def test_what_is_missing_gets_its_default():
    assert Everything.from_dict({}) == Everything()


def test_unknown_keys_are_kept_and_given_back():
    stored = {"text": "x", "later": {"a": 1}, "step": "end", "old": None}

    state = Everything.from_dict(stored)
    state.text = "y"

    assert state.to_dict().items() >= {"text": "y", "later": {"a": 1}, "step": "end", "old": None}.items()
    assert Everything.from_dict(state.to_dict()).to_dict() == state.to_dict()


class Renamed(Journey):
    surname: str = Field("", was=("last_name", "family_name"))
    mail: str = Field("", was="email")
    start = step("Start.")


@pytest.mark.parametrize("stored", [{"surname": "L"}, {"last_name": "L"}, {"family_name": "L"}])
def test_a_renamed_field_is_read_from_its_earlier_names(stored: dict[str, str]):
    state = Renamed.from_dict(stored)

    assert state.surname == "L"
    assert state.to_dict() == {"step": "start", "surname": "L", "mail": ""}


def test_the_present_name_wins_and_the_earlier_value_is_not_lost():
    state = Renamed.from_dict({"mail": "new", "email": "old"})

    assert state.mail == "new"
    assert state.to_dict()["email"] == "old"


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"number": "many"}, ["Everything", "number", "'many'", "valid integer"]),
        ({"household": {"home": {"since": "soon"}}}, ["household.home.since", "'soon'"]),
        ({"kind": "boat"}, ["kind", "'boat'", "'car' or 'home'"]),
    ],
)
def test_a_stored_value_that_no_longer_fits_is_named(stored: dict[str, Any], words: list[str]):
    with pytest.raises(StateError) as caught:
        Everything.from_dict(stored)

    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(("name", "value"), [("number", "12"), ("kind", "boat"), ("names", [1]), ("text", None)])
def test_a_value_that_does_not_fit_its_hint_is_found(name: str, value: Any):
    state = Everything()
    setattr(state, name, value)

    with pytest.raises(StateError, match="Everything"):
        type(state).state_fields.check(state)


def test_a_value_that_could_not_be_read_again_is_found():
    state = Everything()
    state.small = -1

    with pytest.raises(StateError, match="small is -1"):
        type(state).state_fields.check(state)


def test_something_that_is_no_data_is_not_stored():
    state = Everything()
    state.anything = object()

    with pytest.raises(StateError, match="cannot be kept"):
        state.to_dict()


class Secretive(Journey):
    card: str = Field("", sensitive=True)
    pin: int = Field(0, sensitive=True)
    start = step("Start.")


def test_sensitive_values_are_not_in_what_a_state_looks_like_nor_in_its_errors():
    state = Secretive(card="4111 1111")
    setattr(state, "pin", "1234-not")  # noqa: B010

    with pytest.raises(StateError) as caught:
        type(state).state_fields.check(state)
    with pytest.raises(StateError) as read:
        Secretive.from_dict({"pin": "1234-not"})

    assert [
        text for text in (repr(state), str(caught.value), str(read.value)) if "4111" in text or "1234" in text
    ] == []


def test_an_unknown_attribute_is_refused_with_the_name_that_was_meant():
    state = Everything()

    with pytest.raises(AttributeError, match=r"no field 'nubmer'.*did you mean 'number'"):
        state.nubmer = 3  # type: ignore[attr-defined]


def local_journey() -> type[Journey]:
    @dataclass
    class Local:
        size: int = 0

    class Inner(Journey):
        local: "Local | None" = None
        start = step("Start.")

    return Inner


def test_hints_of_a_class_inside_a_function_are_read():
    state = local_journey().from_dict({"local": {"size": 3}})

    assert state.local.size == 3  # type: ignore[attr-defined]


class Versioned(Journey):
    version = 2
    key = "other-name"
    start = step("Start.")


def test_version_and_key_are_the_class_s_own():
    assert Versioned().to_dict() == {"step": "start", "_version": 2}
    assert (Versioned.definition.key, Versioned.key, Versioned.definition.version) == ("other-name", "other-name", 2)


class Basket(Journey):
    """Items, and what follows from them."""

    total: Decimal | None = derived("items", "discount")
    note: str = derived("total", default="none")
    marks: list[int] = derived("total", default=[])
    items: list[str] = []
    discount: Decimal = Decimal(0)
    start = step("Start.")


def test_a_new_state_may_be_given_derived_values_in_any_order():
    state = Basket(total=Decimal(3), items=["tea"], note="n")

    assert (state.total, state.note) == (Decimal(3), "n")
    assert Basket.from_dict(state.to_dict()) == state


def test_assigning_a_source_lets_everything_fall_back_that_follows_from_it():
    state = Basket(total=Decimal(3), items=["tea"], note="n", marks=[1])

    state.items = ["tea", "milk"]

    assert (state.total, state.note, state.marks) == (None, "none", [])


def test_assigning_an_equal_value_changes_nothing():
    state = Basket(total=Decimal(3), items=["tea"])

    state.items = ["tea"]

    assert state.total == Decimal(3)


def test_a_default_that_was_fallen_back_to_is_a_copy():
    state = Basket()
    state.items = ["a"]
    state.total = Decimal(1)
    state.marks.append(1)

    assert Basket().marks == []


def test_a_change_in_place_lets_fall_back_what_was_not_set_anew():
    state = Basket(total=Decimal(3), items=["tea"], note="n")
    before = state.begin_watching()
    state.items.append("milk")

    state.settle_derived(before)

    assert (state.total, state.note) == (None, "none")


def test_a_value_set_anew_stays_even_if_it_is_the_same():
    state = Basket(total=Decimal(3), items=["tea"], note="n")
    before = state.begin_watching()
    state.items.append("free gift")
    state.total = Decimal(3)

    state.settle_derived(before)

    assert (state.total, state.note) == (Decimal(3), "n")


def test_no_change_in_place_leaves_everything():
    state = Basket(total=Decimal(3), items=["tea"])

    state.settle_derived(state.begin_watching())

    assert state.total == Decimal(3)
