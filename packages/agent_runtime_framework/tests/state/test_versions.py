from __future__ import annotations

from typing import Any

import pytest

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError, StateError, StateTooNew
from agent_runtime_framework.state.versions import migrate, up_to_date, version_of, versions_of


class Three:
    version = 3

    @migrate(2, 3)
    @staticmethod
    def renamed(state: JSONObject) -> JSONObject:
        return {"c": state["b"]}

    @migrate(1, 2)
    @staticmethod
    def doubled(state: JSONObject) -> JSONObject:
        return {"b": state["a"] * 2}


def brought(owner: type, state: JSONObject) -> tuple[JSONObject, int]:
    versions = versions_of(owner)
    return up_to_date(state, versions.current, versions.bring)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"a": 1}, ({"c": 2}, 1)),
        ({"a": 1, "_version": 1}, ({"c": 2}, 1)),
        ({"b": 5, "_version": 2}, ({"c": 5}, 2)),
        ({"c": 7, "_version": 3}, ({"c": 7}, 3)),
    ],
)
def test_a_state_goes_through_every_migration_from_its_version_on(
    stored: JSONObject, expected: tuple[JSONObject, int]
) -> None:
    before = dict(stored)

    assert brought(Three, stored) == expected
    assert stored == before


def test_a_migration_can_be_called_by_itself() -> None:
    assert Three.doubled({"a": 4}) == {"b": 8}


def test_a_nested_value_of_the_stored_state_is_not_shared_with_a_migration() -> None:
    class Owner:
        version = 2

        @migrate(1, 2)
        def emptied(state: JSONObject) -> JSONObject:  # pyright: ignore[reportGeneralTypeIssues]  it works without, too
            state["list"].clear()
            return state

    stored = {"list": [1]}

    assert brought(Owner, stored)[0] == {"list": []}
    assert stored == {"list": [1]}


def test_the_state_of_a_later_version_is_refused() -> None:
    with pytest.raises(StateTooNew, match=r"version 4, and this code is version 3; nothing was changed") as caught:
        brought(Three, {"_version": 4})

    assert (caught.value.found, caught.value.current) == (4, 3)


def test_a_failing_migration_is_named_with_its_line() -> None:
    with pytest.raises(
        StateError, match=r"@migrate\(1, 2\) 'doubled' failed \(.*test_versions.py:\d+\): KeyError: 'a'"
    ):
        brought(Three, {"_version": 1})


def test_a_migration_that_returns_nothing_is_named() -> None:
    class Owner:
        version = 2

        @migrate(1, 2)
        @staticmethod
        def forgot(state: JSONObject) -> Any:
            state["b"] = 1

    with pytest.raises(StateError, match=r"'forgot' returned NoneType .*; expected the state"):
        brought(Owner, {})


def test_a_version_from_before_all_migrations_says_which_one_is_missing() -> None:
    class Owner:
        version = 3

        @migrate(2, 3)
        @staticmethod
        def same(state: JSONObject) -> JSONObject:
            return state

    with pytest.raises(StateError, match=r"no migration from version 1; .* `@migrate\(1, 2\)`"):
        brought(Owner, {})


@pytest.mark.parametrize("stored", [True, "2", 0, -1, 1.0, None])
def test_what_is_no_version_is_refused(stored: object) -> None:
    with pytest.raises(StateError, match="_version in the stored state"):
        version_of({"_version": stored})


def test_a_class_inherits_migrations_and_adds_its_own() -> None:
    class Four(Three):
        version = 4

        @migrate(3, 4)
        @staticmethod
        def marked(state: JSONObject) -> JSONObject:
            return {**state, "d": 1}

    assert brought(Four, {"a": 1})[0]["d"] == 1
    assert versions_of(Three).current == 3


def same(state: JSONObject) -> JSONObject:
    return state


def owner(version: Any, *pairs: tuple[int, int]) -> type:
    functions = {f"m{index}": migrate(*pair)(renamed_copy(same)) for index, pair in enumerate(pairs)}
    return type("Owner", (), {"version": version, **functions})


def renamed_copy(function: Any) -> Any:
    return type(function)(function.__code__, function.__globals__, function.__name__)


@pytest.mark.parametrize(
    ("version", "pairs", "words"),
    [
        (True, [], "version True is no whole number"),
        ("2", [], "version '2' is no whole number"),
        (0, [], "version 0 is not possible"),
        (-1, [], "version -1 is not possible"),
        (4, [(1, 2), (3, 4)], r"nothing leads from version 2 to 3, write `@migrate\(2, 3\)`"),
        (3, [(1, 2)], r"its last migration, .*, leads to 2; write `@migrate\(2, 3\)`, or set `version = 2`"),
        (1, [(1, 2)], r"leads to 2; set `version = 2`"),
        (3, [(1, 2), (1, 3)], "two migrations from version 1"),
        (3, [(1, 3), (2, 3)], "nothing leads from version 3 to 2"),
    ],
)
def test_versions_that_do_not_fit_together_are_refused_when_the_class_is_made(
    version: Any, pairs: list[tuple[int, int]], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        versions_of(owner(version, *pairs))


def test_a_chain_may_leave_numbers_out() -> None:
    assert brought(owner(5, (1, 3), (3, 5)), {"x": 1}) == ({"x": 1}, 1)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((2, 1), "leads back"),
        ((1, 1), "leads back"),
        ((0, 1), "version 0 is not possible"),
        ((True, 2), "version True is no whole number"),
        ((1, "2"), "version '2' is no whole number"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused_with_the_line(pair: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"test_versions.py:\d+: .*{words}"):
        migrate(*pair)(same)


async def waits(state: JSONObject) -> JSONObject:
    return state


def wants_self(self: Any, state: JSONObject) -> JSONObject:
    return state


@pytest.mark.parametrize(
    ("function", "words"), [(waits, "is async"), (wants_self, "other parameters"), (3, "is given 3; expected")]
)
def test_a_function_that_cannot_migrate_is_refused(function: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        migrate(1, 2)(function)
