"""Several runtimes on one PostgreSQL database: what each tells the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from corner_shop import Held, Ledger, Shop, echo, first_calls

from agent_runtime_core.interfaces import JSONObject, LLMStreamChunk
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.runtime import LocalHost, Runtime

# Nobody finds anything by looking in the time of a test.
NEVER = 3600.0


class Talker:
    """A model that streams its reply in pieces, and waits in the middle until it may go on."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()
        self.is_cancelled = False

    async def generate(self, messages: list[JSONObject], **_: Any) -> Any:
        raise AssertionError("this one streams")

    async def stream(self, messages: list[JSONObject], **_: Any) -> AsyncIterator[LLMStreamChunk]:
        yield LLMStreamChunk(delta="Hello")
        try:
            await self.may_go_on.wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        yield LLMStreamChunk(delta=" Ada.")


def web(url: str, **options: Any) -> Runtime:
    return Runtime(url, agents=[Shop.agent(Held(echo), provide=[Ledger()])], works=False, **options)


def worker(url: str, llm: Any, ledger: Ledger | None = None, **options: Any) -> Runtime:
    agents = [Shop.agent(llm, provide=[ledger or Ledger()])]
    return Runtime(url, agents=agents, host=LocalHost(sweep=NEVER, **options))


async def ready(*chats: Runtime) -> None:
    """Wait until they hear each other."""
    for each in chats:
        signals: Any = each._neighbours._signals  # pyright: ignore[reportPrivateUsage]
        await asyncio.wait_for(signals._is_heard.wait(), 10)


@pytest.mark.asyncio
async def test_a_process_that_only_accepts_is_answered_by_another_one_at_once(postgres_url: str) -> None:
    async with web(postgres_url) as front, worker(postgres_url, Held(echo)) as back:
        await ready(front, back)
        began = time.perf_counter()
        reply = await front.send("ada", "hi")

    assert reply.text == "You said: hi"
    assert time.perf_counter() - began < 3


@pytest.mark.asyncio
async def test_a_turn_elsewhere_is_streamed_as_it_happens(postgres_url: str) -> None:
    llm = Talker()
    async with web(postgres_url) as front, worker(postgres_url, llm) as back:
        await ready(front, back)
        heard: list[tuple[str, str]] = []
        async for event in front.stream("ada", "hi", message_id="m1"):
            heard.append((event.type.value, event.text))
            if event.text == "Hello":
                llm.may_go_on.set()

        assert heard[0] == ("run.started", "")
        assert [text for kind, text in heard if kind == "assistant.delta"] == ["Hello", " Ada."]
        assert ("assistant.message", "Hello Ada.") in heard
        assert heard[-1][0] == "run.succeeded"
        assert (await front.reply_to("ada", "m1")).text == "Hello Ada."


@pytest.mark.asyncio
async def test_whoever_watches_a_conversation_hears_of_its_turns_elsewhere(postgres_url: str) -> None:
    llm = Talker()
    async with web(postgres_url) as front, worker(postgres_url, llm) as back:
        await ready(front, back)
        watching = front.watch("ada", after="0")
        first = asyncio.ensure_future(anext(watching))
        await asyncio.sleep(0.2)
        await front.accept("ada", "hi")
        kinds = [(await first).event.type.value]
        while kinds[-1] != "run.succeeded":
            event = (await anext(watching)).event
            kinds.append(event.type.value)
            if event.text == "Hello":
                llm.may_go_on.set()

    assert kinds[0] == "run.started"
    assert kinds.count("assistant.delta") == 2
    assert kinds.count("run.started") == 1


@pytest.mark.asyncio
async def test_what_is_too_long_for_one_signal_arrives_whole(postgres_url: str) -> None:
    text = "ä€🙂\n" * 9_000 + "end"
    async with web(postgres_url) as front, worker(postgres_url, Held(echo)) as back:
        await ready(front, back)
        said = [event.text async for event in front.stream("ada", text) if event.type.value == "assistant.message"]

    assert said == [f"You said: {text}"]


@pytest.mark.asyncio
async def test_a_turn_elsewhere_is_cancelled_at_once(postgres_url: str) -> None:
    llm = Talker()
    async with web(postgres_url) as front, worker(postgres_url, llm) as back:
        await ready(front, back)
        stream = front.stream("ada", "hi", message_id="m1")
        while (await anext(stream)).text != "Hello":
            pass
        assert await front.cancel("ada")
        reply = await asyncio.wait_for(front.reply_to("ada", "m1"), 5)

        assert reply.status == "cancelled"
        assert llm.is_cancelled


@pytest.mark.asyncio
async def test_a_message_that_interrupts_stops_the_turn_elsewhere(postgres_url: str) -> None:
    llm = Talker()
    async with web(postgres_url) as front, worker(postgres_url, llm) as back:
        await ready(front, back)
        stream = front.stream("ada", "first", message_id="m1")
        while (await anext(stream)).text != "Hello":
            pass
        await front.accept("ada", "second", message_id="m2", policy="interrupt")
        first = await asyncio.wait_for(front.reply_to("ada", "m1"), 5)
        llm.may_go_on.set()
        second = await asyncio.wait_for(front.reply_to("ada", "m2"), 5)

        assert (first.status, second.status) == ("superseded", "answered")


@pytest.mark.asyncio
async def test_a_turn_that_is_given_back_is_continued_elsewhere_at_once(postgres_url: str) -> None:
    ledger, llm = Ledger(), Held(first_calls("add", "look"))
    ledger.may_go_on.clear()
    async with web(postgres_url) as front, worker(postgres_url, llm) as heir:
        leaving = worker(postgres_url, llm, ledger, grace=0)
        async with leaving:
            await ready(front, leaving)
            held: Any = heir.host
            held._is_closing = True  # for now it takes up nothing
            await front.accept("ada", "hi", message_id="m1")
            await asyncio.wait_for(ledger.has_begun.wait(), 5)
            await ready(heir)
            held._is_closing = False
        reply = await asyncio.wait_for(front.reply_to("ada", "m1"), 5)

        assert reply.text == "1 Seen."
        assert [turn.attempts for turn in await front.turns("ada")] == [1]


@pytest.mark.asyncio
async def test_a_worker_takes_no_more_than_it_was_told_to_and_the_others_the_rest(postgres_url: str) -> None:
    models = [Held(echo), Held(echo)]
    for model in models:
        model.may_reply.clear()
    one, two = (worker(postgres_url, model, concurrency=3) for model in models)
    async with web(postgres_url) as front, one, two:
        await ready(front, one, two)
        sending = [asyncio.ensure_future(front.send(f"c{number}", "hi")) for number in range(10)]
        await asyncio.gather(*(model.is_asked.wait() for model in models))
        await asyncio.sleep(0.5)
        taken = [len(model.requests) for model in models]
        for model in models:
            model.may_reply.set()
        replies = await asyncio.wait_for(asyncio.gather(*sending), 10)

    assert taken == [3, 3]
    assert [reply.status for reply in replies] == ["answered"] * 10


@pytest.mark.asyncio
async def test_nobody_is_told_of_what_nobody_asked_for(postgres_url: str) -> None:
    async with worker(postgres_url, Held(echo)) as back, worker(postgres_url, Held(echo)) as other:
        await ready(back, other)
        told: list[str] = []
        signals: Any = other._neighbours._signals  # pyright: ignore[reportPrivateUsage]
        signals._heard = told.append
        assert (await back.send("ada", "hi")).text == "You said: hi"
        await asyncio.sleep(0.3)

    assert told == []


def test_a_process_that_leaves_all_to_others_has_no_host(postgres_url: str) -> None:
    with pytest.raises(ConfigurationError, match="works=False leaves all turns to other processes"):
        web(postgres_url, host=LocalHost())
