from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.server.patches import patch

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab/~", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)
OBJECTS: Any = st.dictionaries(st.text("ab/~", max_size=2), JSON, max_size=3)


def applied(document: JSONObject, operations: list[JSONObject]) -> JSONObject:
    """What a patch makes of a document, by the book."""
    changed: Any = deepcopy(document)
    for each in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in each["path"].split("/")[1:]]
        place = changed
        for part in way:
            place = place[part]
        assert (last in place) == (each["op"] != "add")
        if each["op"] == "remove":
            del place[last]
        else:
            place[last] = each["value"]
    return changed


@given(before=OBJECTS, after=OBJECTS)
def test_a_patch_makes_one_object_into_the_other(before: JSONObject, after: JSONObject) -> None:
    made = applied(before, patch(before, after))

    assert repr(sorted_in(made)) == repr(sorted_in(after))


@given(document=OBJECTS)
def test_nothing_is_changed_where_nothing_has_changed(document: JSONObject) -> None:
    assert patch(document, deepcopy(document)) == []


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (1, 1.0), ([1], [True])])
def test_values_that_only_python_takes_for_the_same_are_not(before: object, after: object) -> None:
    assert patch({"a": before}, {"a": after}) == [{"op": "replace", "path": "/a", "value": after}]


def sorted_in(value: Any) -> Any:
    """The same with the keys of every object in order; how they are ordered says nothing in JSON."""
    if isinstance(value, dict):
        return {name: sorted_in(value[name]) for name in sorted(value)}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  any JSON
    if isinstance(value, list):
        return [sorted_in(each) for each in value]  # pyright: ignore[reportUnknownVariableType]  any JSON
    return value
