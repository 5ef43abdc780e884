"""Business events: what a conversation has to know and nobody in it said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agent_runtime_core.interfaces import JSONObject


def event_message(event: str | Mapping[str, Any]) -> JSONObject:
    """An event as the message the model reads.

    It comes from the system: no form takes it for the person's words, and no answer is found in it.
    """
    told = event if isinstance(event, str) else json.dumps(dict(event), ensure_ascii=False, default=str)
    return {"role": "system", "content": f"This happened meanwhile; the person did not say it: {told}"}
