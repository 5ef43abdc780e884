"""The difference between two JSON objects as a JSON Patch (RFC 6902)."""

from __future__ import annotations

import json
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject


def patch(before: JSONObject, after: JSONObject) -> list[JSONObject]:
    """The operations that make one object into the other; a list that changed is replaced whole."""
    return _patch(before, after, "")


def _patch(before: JSONObject, after: JSONObject, path: str) -> list[JSONObject]:
    found: list[JSONObject] = [{"op": "remove", "path": _at(path, name)} for name in before if name not in after]
    for name, value in after.items():
        here = _at(path, name)
        if name not in before:
            found.append({"op": "add", "path": here, "value": value})
        elif isinstance(value, dict) and isinstance(before[name], dict):
            found += _patch(before[name], cast("JSONObject", value), here)
        elif not _is_same(before[name], value):
            found.append({"op": "replace", "path": here, "value": value})
    return found


def _at(path: str, name: str) -> str:
    return f"{path}/{name.replace('~', '~0').replace('/', '~1')}"


def _is_same(one: Any, other: Any) -> bool:
    # For Python, 1 and True are equal; for JSON they are not.
    return one is other or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
