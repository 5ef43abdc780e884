"""How much of a request a provider can read from its cache, over a journey of five steps."""

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from agent_runtime_core.fake_provider import FakeProvider, Reply, call
from agent_runtime_core.llm.client import ProviderClient

PERSONA = "You are the quote desk of Acme. Brief, friendly, never pushy. You never give advice on other companies. " * 6
STEPS = {name: f"Now: {name.replace('_', ' ')}. {'Ask for one thing at a time. ' * 3}" for name in (
    "find_out_the_kind", "ask_for_the_plate", "ask_for_the_mileage", "offer_the_policy", "take_the_payment",
)}  # fmt: skip
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": f"finish_{step}",
            "description": f"Record what the person answered when asked to {step}, and go on.",
            "parameters": {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]},
        },
    }
    for step in STEPS
]


async def journey(client: ProviderClient, fake: FakeProvider, *, is_laid_out: bool) -> list[dict[str, Any]]:
    """The bodies of all requests of a journey that goes one step further with every turn."""
    turns: list[dict[str, Any]] = []
    names = list(STEPS)
    for index, step in enumerate(names):
        turns.append({"role": "user", "content": f"Well, my answer to {step} is this one."})
        for at, scripted in ((step, True), (names[min(index + 1, 4)], False)):
            offered = [f"finish_{at}"]
            fake.script(
                Reply(calls=[call(offered[0], answer="this one")]) if scripted else Reply(f"Noted. Next: {at}.")
            )
            if is_laid_out:
                head = {"type": "text", "text": PERSONA, "cache_control": {"type": "ephemeral"}}
                system: Any = [head, {"type": "text", "text": STEPS[at]}]
                options: dict[str, Any] = {"tools": TOOLS, "allowed_tools": offered}
            else:
                system = f"{STEPS[at]}\n\n{PERSONA}"
                options = {"tools": [tool for tool in TOOLS if tool["function"]["name"] in offered]}
            reply = await client.generate([{"role": "system", "content": system}, *turns], **options)
            turns.append(reply.message)
            if reply.tool_calls:
                turns.append({"role": "tool", "tool_call_id": reply.tool_calls[0].id, "content": "Recorded."})
    return [request.body for request in fake.requests]


def tokens(body: Mapping[str, Any]) -> list[str]:
    """The request as the model reads it: tools, system prompt, messages; cache marks are no part of it."""
    messages = [[each["role"], _blocks(each.get("content")), each.get("tool_calls")] for each in body["messages"]]
    parts = [*body["tools"], *_blocks(body.get("system")), *messages]
    return re.findall(r"\w+|[^\w\s]", json.dumps(parts))


def _blocks(content: Any) -> list[Any]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    return [{key: value for key, value in block.items() if key != "cache_control"} for block in blocks]


def shared(before: list[str], after: list[str]) -> int:
    pairs = zip(before, after, strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(before), len(after)))


def cached_share(bodies: list[dict[str, Any]]) -> float:
    """Tokens shared with the request before, of all tokens of the requests behind the first."""
    read = [tokens(body) for body in bodies]
    common = sum(shared(before, after) for before, after in pairwise(read))
    return common / sum(len(each) for each in read[1:])


@pytest.mark.asyncio
async def test_most_of_a_laid_out_request_was_in_the_one_before(fake: FakeProvider, make_client: Any) -> None:
    client = make_client(default_model="claude-opus-5-5")
    if client.provider == "openai":
        client._is_openai = client._tail_last = True

    bodies = await journey(client, fake, is_laid_out=True)

    assert len(bodies) == 10
    assert cached_share(bodies) >= 0.8
    assert len({json.dumps(body["tools"]) for body in bodies}) == 1


@pytest.mark.asyncio
async def test_half_of_an_ordinary_request_was_not(fake: FakeProvider, make_client: Any) -> None:
    bodies = await journey(make_client(), fake, is_laid_out=False)

    assert cached_share(bodies) < 0.6
