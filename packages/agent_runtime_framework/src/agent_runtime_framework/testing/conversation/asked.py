"""A model client that remembers what it was asked."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.executor.asking import LLMClient
from agent_runtime_framework.testing.scripted import ScriptedRequest


class Asked:
    """Hands requests on to another client, and keeps them.

    Attributes:
        client: Who answers.
        requests: What was asked, oldest first.
    """

    def __init__(self, client: LLMClient) -> None:
        self.client = client
        self.requests: list[ScriptedRequest] = []

    async def generate(
        self, messages: list[JSONObject], *, tools: list[JSONObject] | None = None, **kwargs: Any
    ) -> Any:
        """The other client's reply."""
        seen = ScriptedRequest(deepcopy(messages), deepcopy(tools), dict(kwargs))
        self.requests.append(seen)
        return await self.client.generate(messages, tools=tools, **kwargs)
