"""Rules of text: what people write comes back, whatever it is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.store.delivery import DurableStore, Entry
from agent_runtime_framework.store.protocol import Store
from agent_runtime_framework.testing.stores.bench import DeliveryRules, PlainRules, rule
from agent_runtime_framework.testing.stores.samples import ME, TTL, end, message, said, say, taken, texts, turn

TEXTS = {
    "an emoji of several characters": "👩‍👩‍👧 🇩🇪",
    "accents that are characters of their own": "e\u0301 a\u0308",
    "writing from right to left": "שלום \u202eabc",
    "quotes and backslashes": "'; DROP TABLE messages; -- \" \\ \\u0041 %s ? $1 {x}",
    "white space": " \n\r\n\t\u2028\u2029\ufeff ",
    "an empty text": "",
    "a long text": "ä" * 300_000,
}
NO_DATABASE_TAKES = {"NUL": "a\x00c", "half a character": "a\ud800c"}
NAMES = ["ada", "Ada", "ada ", "a%", "a_a", "a'a", "ä", "a\u0308", "x" * 255, "🙂"]


class TextRules(PlainRules):
    """Text is kept as it is; what no database takes is mended, and never breaks a conversation."""

    @pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
    @rule
    async def test_text_comes_back_as_it_was(self, store: Store, text: str) -> None:
        block: JSONObject = {"role": "user", "content": [{"type": "text", "text": text}]}
        await store.commit(turn(0, said(text), block, state=f'{{"said":"{len(text)} 🙂"}}'))

        stored = await store.load("ada", "intake")
        assert stored.messages == [said(text), block]
        assert stored.state == f'{{"said":"{len(text)} 🙂"}}'

    @pytest.mark.parametrize("text", NO_DATABASE_TAKES.values(), ids=list(NO_DATABASE_TAKES))
    @rule
    async def test_text_that_no_database_takes_is_mended(self, store: Store, text: str) -> None:
        await store.commit(turn(0, {"role": "user", "content": [{"type": "text", "text": text}]}))

        found = (await store.load("ada", "intake")).messages[0]["content"][0]["text"]
        assert (found[:1], found[-1:]) == ("a", "c")

    @rule
    async def test_names_that_are_alike_are_not_the_same(self, store: Store) -> None:
        for name in NAMES:
            await say(store, name, conversation=name)
            await store.save_state("agents", name, json.dumps({"name": name}))

        for name in NAMES:
            assert texts(await store.load(name, "intake")) == [name]
            assert json.loads((await store.load("agents", name)).state or "{}") == {"name": name}


class DurableTextRules(DeliveryRules):
    """The same of messages that are delivered."""

    @pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
    @rule
    async def test_a_message_is_delivered_as_it_came(self, durable: DurableStore, text: str) -> None:
        claim = (await durable.accept(message("m1", text), ME)).claim
        assert claim is not None
        assert claim.bodies == (said(text),)
        entry = Entry(no=0, kind="tool", name="näme", call_id="c1", outcome={"text": text}, notes={"text": text})
        await durable.record(claim, [entry], TTL)
        await durable.release(claim)

        again = await taken(durable)
        assert (again.bodies, again.entries) == ((said(text),), (entry,))
        await durable.finish(again, end(again, text))
        outcome = await durable.outcome("ada", "m1")
        assert outcome is not None
        assert outcome.reply == text

    @pytest.mark.parametrize("text", NO_DATABASE_TAKES.values(), ids=list(NO_DATABASE_TAKES))
    @rule
    async def test_a_message_that_no_database_takes_is_answered_all_the_same(
        self, durable: DurableStore, text: str
    ) -> None:
        claim = (await durable.accept(message("m1", text), ME)).claim
        assert claim is not None
        await durable.record(claim, [Entry(no=0, kind="model", outcome={"text": text})], TTL)
        finished = replace(end(claim, text), receipt={"stopped_reason": text})
        await durable.finish(claim, finished)

        outcome = await durable.outcome("ada", "m1")
        assert outcome is not None
        assert (outcome.status, (outcome.reply or "")[:1]) == ("answered", "a")

    @rule
    async def test_message_ids_that_are_alike_are_not_the_same(self, durable: DurableStore) -> None:
        for name in NAMES:
            assert (await durable.accept(message(name))).is_new

        order = list[str]()
        claim = await durable.claim("ada", ME)
        while claim is not None:
            order += claim.message_ids
            claim = await durable.finish(claim, end(claim), ME)
        assert order == NAMES
