"""Time per call of our clients beside the vendors' SDKs alone, against the same FakeProvider.

    python -m benchmarks.llm_overhead [--calls 400] [--rounds 5]

Both sides run in turn, call by call, in one process, so that what the machine does meanwhile hits both. The figure is
the ratio of the medians; at most 1.10 is the budget.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from agent_runtime_core.fake_provider import FakeProvider, RecordedRequest, Reply, call
from agent_runtime_core.llm.anthropic import AnthropicClient
from agent_runtime_core.llm.openai import OpenAIClient
from benchmarks.measure import note

TEXT = "It is a pleasure to meet you. " * 10
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": f"tool_{number}",
            "description": "Record what they said.",
            "parameters": {"type": "object", "properties": {"value": {"type": "string"}}, "required": ["value"]},
        },
    }
    for number in range(6)
]
NATIVE_TOOLS: list[dict[str, Any]] = [
    {"name": each["function"]["name"], "description": "Record it.", "input_schema": each["function"]["parameters"]}
    for each in TOOLS
]
HISTORY = [
    {"role": "user" if number % 2 == 0 else "assistant", "content": f"message {number}: {TEXT}"} for number in range(19)
]
MESSAGES = [{"role": "system", "content": TEXT}, *HISTORY]

Run = Callable[[], Awaitable[None]]


def answer(request: RecordedRequest) -> Reply:
    del request
    return Reply(TEXT, calls=[call("tool_1", value="Ada")])


async def drain(stream: Any) -> None:
    async for _ in stream:
        pass


def openai_pairs(fake: FakeProvider) -> dict[str, tuple[Run, Run]]:
    ours, sdk = OpenAIClient("k", "fake", base_url=fake.openai_url), AsyncOpenAI(api_key="k", base_url=fake.openai_url)
    plain: dict[str, Any] = {"model": "fake", "messages": MESSAGES, "tools": TOOLS}

    async def our_generate() -> None:
        await ours.generate(MESSAGES, tools=TOOLS)

    async def sdk_generate() -> None:
        await sdk.chat.completions.create(**plain)

    async def our_stream() -> None:
        await drain(ours.stream(MESSAGES, tools=TOOLS))

    async def sdk_stream() -> None:
        streamed: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
        await drain(await sdk.chat.completions.create(**plain, **streamed))

    return {"openai generate": (our_generate, sdk_generate), "openai stream": (our_stream, sdk_stream)}


def anthropic_pairs(fake: FakeProvider) -> dict[str, tuple[Run, Run]]:
    ours = AnthropicClient("k", "fake", base_url=fake.anthropic_url)
    sdk = AsyncAnthropic(api_key="k", base_url=fake.anthropic_url)
    plain: dict[str, Any] = {
        "model": "fake",
        "max_tokens": 4096,
        "system": TEXT,
        "messages": HISTORY,
        "tools": NATIVE_TOOLS,
    }

    async def our_generate() -> None:
        await ours.generate(MESSAGES, tools=TOOLS)

    async def sdk_generate() -> None:
        await sdk.messages.create(**plain)

    async def our_stream() -> None:
        await drain(ours.stream(MESSAGES, tools=TOOLS))

    async def sdk_stream() -> None:
        await drain(await sdk.messages.create(**plain, stream=True))

    return {"anthropic generate": (our_generate, sdk_generate), "anthropic stream": (our_stream, sdk_stream)}


async def timed(run: Run) -> float:
    began = time.perf_counter()
    await run()
    return time.perf_counter() - began


async def compare(ours: Run, sdk: Run, calls: int) -> tuple[float, float]:
    for _ in range(20):
        await ours()
        await sdk()
    pairs = [(await timed(ours), await timed(sdk)) for _ in range(calls)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


async def main(calls: int = 400, rounds: int = 5) -> None:
    """All of it."""
    with FakeProvider(respond=answer) as fake:
        for name, (ours, sdk) in {**openai_pairs(fake), **anthropic_pairs(fake)}.items():
            pairs = [await compare(ours, sdk, calls) for _ in range(rounds)]
            mine, theirs = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
            ratios = sorted(round(ours / sdk, 3) for ours, sdk in pairs)
            print(
                f"{name:20} ours {mine:6.3f} ms   sdk {theirs:6.3f} ms   ratio {mine / theirs:5.3f}   rounds {ratios}"
            )
            note(f"{name} / the vendor's SDK alone", mine / theirs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time per call of our clients beside the vendors' SDKs alone.")
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    asyncio.run(main(options.calls, options.rounds))
