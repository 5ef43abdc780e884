"""Copies that later changes to the original do not reach."""

from __future__ import annotations

from typing import Any, cast


def snapshot(value: Any) -> Any:
    """The value with every list, tuple and dict in it copied; anything else is shared."""
    if type(value) is dict:
        items = cast("dict[Any, Any]", value).items()
        return {key: each if type(each) is str else snapshot(each) for key, each in items}
    if type(value) is list:
        value = cast("list[Any]", value)
        return [each if type(each) is str else snapshot(each) for each in value]
    if type(value) is tuple:
        return tuple(snapshot(each) for each in cast("tuple[Any, ...]", value))
    return value
