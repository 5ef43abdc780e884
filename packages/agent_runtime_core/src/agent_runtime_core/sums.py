"""How usages are added up, here and in the framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard, cast

from agent_runtime_core.interfaces import JSONObject


def add_usage(*usages: Mapping[str, Any] | None) -> JSONObject:
    """The sum of several usages; the originals stay as they are.

    Numbers are added, dicts are added key by key, None counts as nothing, and of anything else the last one stays.
    """
    total: JSONObject = {}
    for usage in usages:
        if usage:
            add_into(total, usage)
    return total


def add_into(total: JSONObject, usage: Mapping[str, Any]) -> None:
    """Add one more usage to a sum, in place, as `add_usage` does."""
    for key, value in usage.items():
        known = total.get(key)
        if _is_number(value):
            total[key] = known + value if _is_number(known) else value
        # A dict is told at once, where the abstract class alone takes ten times as long.
        elif isinstance(value, (dict, Mapping)):
            nested = cast("JSONObject", known) if isinstance(known, dict) else {}
            add_into(nested, cast("Mapping[str, Any]", value))
            total[key] = nested
        elif value is not None or key not in total:
            total[key] = value


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
