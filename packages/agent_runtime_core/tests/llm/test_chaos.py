"""A provider that fails three times in ten, over a thousand turns."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from agent_runtime_core.errors import ProviderError
from agent_runtime_core.fake_provider import FakeProvider, Fault, RecordedRequest, Reply

TURNS = 1_000
FAULT_RATE = 0.3


def faults(seed: int) -> Iterator[Reply | Fault]:
    """Answers of a provider on a bad day."""
    dice = random.Random(seed)
    kinds: list[Any] = [
        Fault(429, retry_after=1),
        Fault(500),
        Fault(503, retry_after=0.5),
        Fault(529),
        Fault(kind="reset"),
        Fault(kind="empty"),
        Reply("this never gets to its end", cut_at=30),
        Reply("this never gets to its end", cut_at=30, cut="clean"),
        Reply("this never gets to its end", garbled_at=0),
    ]
    while True:
        yield dice.choice(kinds) if dice.random() < FAULT_RATE else Reply("answer")


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_nearly_every_turn_is_answered_with_few_requests(make_client: Any, waits: Any, stream: bool) -> None:
    bad_day = faults(seed=20)

    def respond(request: RecordedRequest) -> Reply | Fault:
        return next(bad_day)

    async with FakeProvider(respond=respond) as fake:
        probe = make_client()
        address = fake.openai_url if probe.provider == "openai" else fake.anthropic_url
        async with make_client(base_url=address) as client:
            outcomes = Counter([await turn(client, stream=stream, number=number) for number in range(TURNS)])
            requests = len(fake.requests)

    failures = {outcome: count for outcome, count in outcomes.items() if outcome != "answer"}
    assert outcomes["answer"] >= 0.995 * TURNS, failures
    assert requests <= 1.6 * TURNS
    assert waits.time > 0


async def turn(client: Any, *, stream: bool, number: int) -> str:
    messages = [{"role": "user", "content": f"turn {number}"}]
    try:
        if not stream:
            return (await client.generate(messages)).content
        return "".join([chunk.delta async for chunk in client.stream(messages)])
    except ProviderError as error:
        return type(error).__name__
