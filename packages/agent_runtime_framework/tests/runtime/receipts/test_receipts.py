"""What receipts say, what is read from them, and what is not in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.runtime.receipts.account import Account, account_of
from agent_runtime_framework.runtime.receipts.comparing import Path as Way
from agent_runtime_framework.runtime.receipts.comparing import compared, differences, path_of
from agent_runtime_framework.runtime.receipts.recording import changes_between
from agent_runtime_framework.runtime.receipts.words import in_words
from agent_runtime_framework.testing import ScriptedLLM, call, say


class Desk(Journey):
    """A desk."""

    name: str = ""
    age: int = 0

    ask = step("Ask.")
    offer = step("Offer.")
    pack = step(say="Packing.", to="done")
    done = step(say="Done.", final=True)

    def adult(self) -> bool | str:
        return self.age >= 18 or "Only adults can buy."

    @ask.tool(to="offer", effect="state")
    def save(self, name: str, age: int) -> str:
        """Save them."""
        self.name, self.age = name, age
        return f"Saved {name}."

    @offer.tool(effect="state")
    def rename(self, name: str) -> str:
        """Rename."""
        self.name = name
        return "Renamed."

    @offer.tool(to="pack", when=adult, effect="once")
    def buy(self) -> str:
        """Buy."""
        return "Bought."

    @offer.tool(effect="read")
    def look(self) -> str:
        """Look."""
        raise ValueError("secret-number 4711")


async def accounts(llm: ScriptedLLM, *texts: str) -> list[Account]:
    async with Runtime("memory://", [Desk.agent(llm)]) as chats:
        for text in texts:
            await chats.send("ada", text)
        return [account_of(each) for each in await chats.turns("ada")]


@pytest.mark.asyncio
async def test_moves_say_who_decided() -> None:
    llm = ScriptedLLM(call("save", name="Ada", age=30), say("Buy?"), call("buy"))
    first, second = await accounts(llm, "Ada, 30", "yes")

    assert [(each.before, each.to, each.tool) for each in first.moves] == [("ask", "offer", "save")]
    assert [(each.before, each.to, each.tool) for each in second.moves] == [
        ("offer", "pack", "buy"),
        ("pack", "done", None),
    ]
    assert (first.over, second.over) == (None, "completed")
    assert second.steps == ["offer", "pack", "done"]


@pytest.mark.asyncio
async def test_guards_and_refusals_tell_their_reasons() -> None:
    llm = ScriptedLLM(call("save", name="Kid", age=9), call("buy"), call("fly"), call("rename"), say("No."))
    (account,) = await accounts(llm, "Kid, 9")

    assert account.withheld == {"buy": "Only adults can buy."}
    assert [(each["name"], each["why"], each.get("reason")) for each in account.refused] == [
        ("buy", "withheld", "Only adults can buy."),
        ("fly", "unknown_tool", None),
        ("rename", "arguments", None),
    ]
    text = "\n".join(in_words(account))
    assert "buy was withheld: Only adults can buy." in text
    assert "buy was refused: Only adults can buy." in text
    assert "fly was refused: no tool of that name was offered" in text
    assert "moved to offer: the model called save, its code decided" in text


@pytest.mark.asyncio
async def test_a_receipt_holds_nobodys_words(tmp_path: Path) -> None:
    llm = ScriptedLLM(call("save", name="Adalbert", age=30), call("look"), say("Something was said."))
    async with Runtime(f"sqlite:///{tmp_path}/chat.db", [Desk.agent(llm)]) as chats:
        await chats.send("ada", "I am Adalbert")
        receipt = json.dumps((await chats.turns("ada"))[0].receipt)

    for words in ("Adalbert", "4711", "Saved", "Something"):
        assert words not in receipt
    assert '"why": "raised"' in receipt


@pytest.mark.asyncio
async def test_fields_are_named_by_what_happened_to_them() -> None:
    llm = ScriptedLLM(call("save", name="Ada", age=30), say("Buy?"), call("rename", name="Eve"), say("Eve it is."))
    first, second = await accounts(llm, "Ada, 30", "Eve, I mean")

    assert (first.fields, second.fields) == ({"set": ["name", "age"]}, {"changed": ["name"]})


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (None, {"step": "a", "x": 1}, {"set": ["x"]}),
        ({"x": 1}, {"x": None}, {"cleared": ["x"]}),
        ({"x": 1}, {"x": 1, "step": "b"}, {}),
        ({}, {"_journey": {"forms": {"f": {"answers": {"e": "a@b"}}}}}, {"set": ["f.e"]}),
        (
            {"_journey": {"forms": {"f": {"asks": {"e": 1}}}}},
            {"_journey": {"forms": {"f": {"asks": {"e": 2}}}}},
            {"asked_again": ["f.e"]},
        ),
    ],
)
def test_changes_between_states(before: JSONObject | None, after: JSONObject, found: JSONObject) -> None:
    assert changes_between(None if before is None else json.dumps(before), json.dumps(after)) == found


@pytest.mark.asyncio
async def test_the_same_prompt_has_the_same_hash() -> None:
    one = await accounts(ScriptedLLM(say("Who?")), "hi")
    other = await accounts(ScriptedLLM(say("Who are you?")), "hello")

    assert one[0].requests[0]["prompt"] == other[0].requests[0]["prompt"] is not None


@pytest.mark.asyncio
async def test_turns_of_one_path_do_not_differ_and_others_do() -> None:
    llm = ScriptedLLM(call("save", name="Ada", age=30), say("Buy?"), call("buy"))
    first, second = await accounts(llm, "Ada, 30", "yes")

    assert compared(first, first) == {}
    assert compared(first, second)["steps"] == {"first": ["ask", "offer"], "second": ["offer", "pack", "done"]}
    assert differences(path_of(first), path_of(first)) == []
    assert differences(path_of(first), path_of(second)) == [
        "now skips offer",
        "now enters pack",
        "now enters done",
        "now does not call save",
        "now calls buy",
        "the journey is completed instead of not over",
    ]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (Way(moves=("a", "verify", "b")), Way(moves=("a", "b")), ["now skips verify"]),
        (Way(calls=(("pay", "ok"),)), Way(calls=(("pay", "refused"),)), ["pay is refused instead of done"]),
        (Way(), Way(calls=(("pay", "refused"),)), ["now calls pay", "pay is refused"]),
    ],
)
def test_differences_are_said_in_words(one: Way, other: Way, said: list[str]) -> None:
    assert differences(one, other) == said
