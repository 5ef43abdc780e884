"""Copies of JSON that later changes to the original do not reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast


def snapshot(value: Any) -> Any:
    """`value` with its dicts and lists copied all the way down; anything else is shared.

    Unlike `copy.deepcopy` it never fails: what is no JSON is left to whoever has to store it.
    """
    if isinstance(value, dict):
        return {key: snapshot(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [snapshot(item) for item in cast("list[Any]", value)]
    return value


def snapshots(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages, copied into a list of their own."""
    return [snapshot(dict(message)) for message in messages]
