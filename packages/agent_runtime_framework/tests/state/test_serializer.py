import json
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_framework.errors import ConfigurationError, StateError
from agent_runtime_framework.state import StateSerializer


class Color(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


class Opening(Enum):
    NOON = time(12)


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Address:
    city: str
    parts: list[Any] = field(default_factory=list[Any])


class Money:
    def to_dict(self) -> dict[str, Any]:
        return {"amount": Decimal("1.50")}


@pytest.mark.parametrize(
    ("value", "serialized"),
    [
        (None, None),
        (Color.RED, "red"),
        (Size.SMALL, 1),
        (Opening.NOON, "12:00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (Decimal("1.50"), "1.50"),
        (PurePosixPath("a/b"), "a/b"),
        ((1, Color.RED), [1, "red"]),
        (Point(1, 2), [1, 2]),
        (deque([1]), [1]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", Color.RED}), ["b", "red"]),
        ({"b", 1, None}, [None, 1, "b"]),
        (OrderedDict(a=(1,)), {"a": [1]}),
        (MappingProxyType({Color.RED: UUID(int=2)}), {"red": "00000000-0000-0000-0000-000000000002"}),
        (Money(), {"amount": "1.50"}),
        (
            Address("Bern", [Color.RED, Address("Thun")]),
            {"city": "Bern", "parts": ["red", {"city": "Thun", "parts": []}]},
        ),
        ([Address("Bern")], [{"city": "Bern", "parts": []}]),
    ],
)
def test_value_becomes_json(value: Any, serialized: Any):
    result = StateSerializer.serialize(value)

    assert result == serialized
    assert type(result) is type(serialized)
    json.dumps(result)


@pytest.mark.parametrize("value", [object(), Address, 1 + 2j, {(1, 2): 3}])
def test_anything_else_is_unchanged(value: Any):
    assert StateSerializer.serialize(value) == value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_json_is_unchanged(value: Any):
    assert StateSerializer.serialize(value) == value


def test_no_container_is_shared():
    address = Address("Bern", [[]])

    result = StateSerializer.serialize(address)
    result["parts"][0].append(1)

    assert address.parts == [[]]


@pytest.mark.parametrize("value", [b"abc", bytearray(b"abc"), memoryview(b"abc"), {"a": [b"abc"]}])
def test_bytes_are_refused_with_a_way_out(value: Any):
    with pytest.raises(ConfigurationError, match=r"of 3 bytes cannot be kept in a state.*base64"):
        StateSerializer.serialize(value)


def test_a_value_that_contains_itself_is_refused():
    address = Address("Bern")
    address.parts.append(address)

    with pytest.raises(ConfigurationError, match="a Address contains itself"):
        StateSerializer.serialize(address)


@pytest.mark.parametrize("value", [Color.RED, "red"])
def test_enum_comes_back_from_member_and_value(value: Any):
    assert StateSerializer.deserialize_enum(value, Color) is Color.RED


def test_unknown_enum_value_lists_the_known_ones():
    with pytest.raises(StateError, match="'blue' is no Color; expected one of: 'red'"):
        StateSerializer.deserialize_enum("blue", Color)
