"""Journeys that the offline model carries to their end, driven by the smallest engine that can."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from agent_runtime_core.interfaces import LLMClient
from agent_runtime_core.llm.offline import OfflineClient

TODAY = date(2026, 11, 24)  # a Tuesday
JSON = dict[str, Any]


def tool(tool_name: str, description: str = "", /, optional: Sequence[str] = (), **properties: JSON) -> JSON:
    required = [name for name in properties if name not in optional]
    schema = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": tool_name, "description": description, "parameters": schema}}


def text(description: str = "", **keywords: Any) -> JSON:
    return {"type": "string", "description": description, **keywords}


def whole(description: str = "", **keywords: Any) -> JSON:
    return {"type": "integer", "description": description, **keywords}


@dataclass(frozen=True)
class Step:
    prompt: str
    tools: Sequence[JSON] = ()


@dataclass
class Talk:
    """One conversation; `act` runs a call and may move `step`."""

    steps: Mapping[str, Step]
    act: Callable[[Talk, str, JSON], str]
    step: str
    client: LLMClient = field(default_factory=lambda: OfflineClient(today=lambda: TODAY))
    history: list[JSON] = field(default_factory=list[JSON])
    calls: list[tuple[str, JSON]] = field(default_factory=list[tuple[str, JSON]])
    memory: JSON = field(default_factory=dict[str, Any])

    async def say(self, words: str | None) -> str:
        if words is not None:
            self.history.append({"role": "user", "content": words})
        for _ in range(10):
            step = self.steps[self.step]
            messages = [{"role": "system", "content": step.prompt}, *self.history]
            response = await self.client.generate(messages, tools=list(step.tools) or None)
            self.history.append(response.message)
            if not response.tool_calls:
                return response.content
            for call in response.tool_calls:
                self._run(call.id, call.name, json.loads(call["function"]["arguments"]))
        raise AssertionError("the model does not come to an end")

    def _run(self, call_id: str, name: str, arguments: JSON) -> None:
        self.calls.append((name, arguments))
        try:
            result = self.act(self, name, arguments)
        except RuntimeError as error:
            result = f"Error executing {name}: {error}"
        self.history.append({"role": "tool", "tool_call_id": call_id, "name": name, "content": result})


def onboarding() -> Talk:
    def act(talk: Talk, name: str, arguments: JSON) -> str:
        talk.memory |= arguments
        if name == "save_name":
            talk.step = "email"
            return f"Great, {arguments['name']}! Now, what's your email?"
        talk.step = "complete"
        return f"Perfect! You're all set, {talk.memory['name']}!"

    save_name = tool("save_name", "Save the user's name", name=text("The user's name"))
    save_email = tool("save_email", "Save the user's email", email=text("The user's email"))
    steps = {
        "welcome": Step("Welcome! Ask for the user's name.", [save_name]),
        "email": Step("Collect the user's email using save_email tool.", [save_email]),
        "complete": Step("Thank the user for completing onboarding."),
    }
    return Talk(steps, act, "welcome")


@pytest.mark.asyncio
async def test_onboarding_ends_with_plain_answers() -> None:
    talk = onboarding()

    replies = [await talk.say(words) for words in ("hi", "I'm Ada Lovelace", "it's ada@example.org, thanks")]

    assert replies == [
        "Welcome! Could you tell me your name?",
        "Great, Ada Lovelace! Now, what's your email?",
        "Perfect! You're all set, Ada Lovelace! Thank you for completing onboarding.",
    ]
    assert talk.memory == {"name": "Ada Lovelace", "email": "ada@example.org"}


@pytest.mark.asyncio
async def test_one_sentence_fills_two_steps() -> None:
    talk = onboarding()

    await talk.say("I'm Ada Lovelace, ada@example.org")

    assert talk.calls == [("save_name", {"name": "Ada Lovelace"}), ("save_email", {"email": "ada@example.org"})]
    assert talk.step == "complete"


@pytest.mark.asyncio
async def test_what_is_no_answer_is_met_with_help_and_the_same_question() -> None:
    talk = onboarding()
    opening = await talk.say(None)

    replies = [await talk.say(words) for words in ("what can I say?", "who are you?", "I don't know", "Ada")]
    refused = await talk.say("ada at example")
    await talk.say("no, it's bob@example.org")

    assert opening == "Welcome! Could you tell me your name?"
    assert all(reply.endswith("Could you tell me your name?") for reply in replies[:3])
    assert "offline model" in replies[1]
    assert refused.startswith("That does not look like an email address")
    assert talk.memory == {"name": "Ada", "email": "bob@example.org"}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("words", "questions"),
    [
        (
            ["Guten Tag", "Ich heiße Ada Lovelace", "sie lautet ada@example.org, danke"],
            ["Herzlich willkommen! Wie heißen Sie?"],
        ),
        (["hola", "me llamo Ada Lovelace", "es ada@example.org, gracias"], ["¡Bienvenido! ¿Cómo se llama usted?"]),
    ],
)
async def test_the_language_follows_the_person(words: list[str], questions: list[str]) -> None:
    talk = onboarding()

    replies = [await talk.say(each) for each in words]

    assert replies[:1] == questions
    assert talk.memory == {"name": "Ada Lovelace", "email": "ada@example.org"}


def quote() -> Talk:
    def act(talk: Talk, name: str, arguments: JSON) -> str:
        talk.memory |= arguments
        talk.step = {"choose_kind": arguments.get("kind", ""), "accept_offer": "done", "decline_offer": "refused"}.get(
            name, "offer"
        )
        return "ok"

    persona = "You are Acme's quote desk. Brief and friendly.\n\n"
    steps = {
        "choose": Step(
            f"{persona}Find out what they want to insure.",
            [tool("choose_kind", "Record what they want to insure.", kind=text(enum=["car", "home"]))],
        ),
        "car": Step(
            f"{persona}Ask for the plate and the yearly mileage.",
            [tool("save_car", "Record the car.", plate=text("The car's plate"), mileage=whole("Yearly mileage in km"))],
        ),
        "home": Step(f"{persona}Ask for the living area.", [tool("save_home", area=whole("Living area in m2"))]),
        "offer": Step(
            f"{persona}Offer the policy for $480.",
            [tool("accept_offer", "Accept the offer."), tool("decline_offer", "Decline the offer.")],
        ),
        "done": Step(f"{persona}Tell the user that they are insured."),
        "refused": Step(f"{persona}Thank the user for their time."),
    }
    return Talk(steps, act, "choose")


@pytest.mark.asyncio
async def test_a_quote_takes_the_branch_that_was_named() -> None:
    talk = quote()

    replies = [await talk.say(words) for words in ("hello", "my car please", "W-123, 40000 km", "yes please")]

    assert replies == [
        "Hello! Could you tell me what you want to insure? You can choose car or home.",
        "Thank you. Could you tell me the plate and the yearly mileage?",
        "I can offer you the policy for $480. Would you like to accept the offer?",
        "You are insured.",
    ]
    assert talk.memory == {"kind": "car", "plate": "W-123", "mileage": 40000}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "words",
    [
        ["hi", "the second one", "120 m2", "no thanks"],
        ["hallo", "das Haus", "120 Quadratmeter", "nein danke"],
        ["hola", "la casa", "120 metros cuadrados", "no, gracias"],
    ],
)
async def test_a_no_declines_the_offer(words: list[str]) -> None:
    talk = quote()

    for each in words:
        await talk.say(each)

    assert talk.memory == {"kind": "home", "area": 120}
    assert talk.step == "refused"


@pytest.mark.asyncio
async def test_what_was_said_too_early_is_not_asked_for_again() -> None:
    talk = quote()
    await talk.say("hi")

    reply = await talk.say("car, W-123")
    await talk.say("about 40k")

    assert "plate" not in reply
    assert talk.calls[-1] == ("save_car", {"mileage": 40000, "plate": "W-123"})


@pytest.mark.asyncio
async def test_a_yes_is_used_once() -> None:
    talk = quote()
    for words in ("hi", "car", "W-123, 40000 km", "yes"):
        await talk.say(words)

    assert [name for name, _ in talk.calls] == ["choose_kind", "save_car", "accept_offer"]


def cart() -> Talk:
    def act(talk: Talk, name: str, arguments: JSON) -> str:
        match name:
            case "add_item":
                talk.memory[arguments["item"]] = arguments["quantity"]
                return f"Added {arguments['quantity']} {arguments['item']}."
            case "remove_item":
                if arguments["item"] not in talk.memory:
                    return f"Error: there are no {arguments['item']} in the cart"
                del talk.memory[arguments["item"]]
                return f"Removed {arguments['item']}."
            case _:
                talk.step = "done"
                return "ok"

    tools = [
        tool("add_item", "Add an item to the cart", item=text("What to add"), quantity=whole("How many")),
        tool("remove_item", "Remove an item from the cart", item=text("What to remove")),
        tool("checkout", "Check out and pay"),
    ]
    steps = {
        "shop": Step("Ask what the user wants to add, or whether to check out.", tools),
        "done": Step("Thank the user for the order."),
    }
    return Talk(steps, act, "shop")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["add two apples", "checkout"], {"apples": 2}),
        (["add two apples and three pears", "remove the apples", "that's all"], {"pears": 3}),
        (["can I have a coffee and two croissants", "check out please"], {"coffee": 1, "croissants": 2}),
        (["an orange", "add bananas", "five", "no, that's all thanks"], {"orange": 1, "bananas": 5}),
        (["2x milk", "remove milk and checkout"], {}),
        (["ich möchte zwei Äpfel und drei Birnen", "entferne die Birnen", "das ist alles"], {"Äpfel": 2}),
        (["añade dos manzanas y tres peras", "quita las peras", "eso es todo"], {"manzanas": 2}),
    ],
)
async def test_a_cart_is_filled_and_checked_out(words: list[str], expected: JSON) -> None:
    talk = cart()
    await talk.say("hi")

    for each in words:
        await talk.say(each)

    assert talk.memory == expected
    assert talk.step == "done"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "words", ["how much is it?", "I don't want to checkout", "show me the cart", "remove two", "???"]
)
async def test_nothing_is_called_without_evidence(words: str) -> None:
    talk = cart()
    await talk.say("hi")

    assert await talk.say(words)
    assert talk.calls == []


def booking(failures: list[str]) -> Talk:
    def act(talk: Talk, name: str, arguments: JSON) -> str:
        if failures:
            raise RuntimeError(failures.pop(0))
        talk.memory |= arguments
        talk.step = "done"
        return f"Your table is booked for {arguments['date']}."

    book = tool(
        "book_table",
        "Book a table",
        date=text("Date of the visit", format="date"),
        party_size=whole("Number of people", minimum=1, maximum=12),
        phone=text("Phone number"),
    )
    prompt = "Collect the date, the party size and a phone number, then call book_table."
    return Talk({"book": Step(prompt, [book]), "done": Step("Wish the user a nice evening.")}, act, "book")


@pytest.mark.asyncio
async def test_a_booking_recovers_from_a_refused_date_and_from_a_timeout() -> None:
    talk = booking(["that date is fully booked", "the booking service timed out"])

    replies = [
        await talk.say(words)
        for words in ("hi", "tomorrow for 4 people, 0664 1234567", "then friday", "yes, try again")
    ]

    assert replies == [
        "Hello! Could you tell me the date, the party size and a phone number?",
        "Sorry, that did not work: that date is fully booked. Could you tell me the date of the visit?",
        "Sorry, that did not work: the booking service timed out. Shall I try again?",
        "Your table is booked for 2026-11-27. I wish you a nice evening.",
    ]
    assert talk.memory == {"date": "2026-11-27", "party_size": 4, "phone": "0664 1234567"}


@pytest.mark.asyncio
async def test_a_failed_call_is_not_repeated_unasked() -> None:
    talk = booking(["that date is fully booked"])
    await talk.say("tomorrow for 4 people, 0664 1234567")

    await talk.say("hm")

    assert len(talk.calls) == 1


@pytest.mark.asyncio
async def test_answers_in_pieces_are_put_together_and_limits_are_told() -> None:
    talk = booking([])

    replies = [await talk.say(words) for words in ("hi", "friday for 20 people", "10", "123", "06641234567")]

    assert replies[1].startswith("It may be at most 12.")
    assert replies[3].startswith("That does not look like a phone number")
    assert talk.memory == {"date": "2026-11-27", "party_size": 10, "phone": "06641234567"}


def moved(talk: Talk, name: str, arguments: JSON) -> str:
    return "ok"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("I want a quote", "start_quote"),
        ("I had an accident", "file_claim"),
        ("can I talk to a human please", "talk_to_human"),
        ("Ich brauche ein Angebot", "start_quote"),
        ("quiero un presupuesto", "start_quote"),
        ("hello", None),
        ("help", None),
        ("yes", None),
    ],
)
async def test_a_tool_without_parameters_runs_when_its_name_was_said(words: str, expected: str | None) -> None:
    tools = [
        tool("start_quote", "Get a new insurance quote"),
        tool("file_claim", "File a claim for damage"),
        tool("talk_to_human", "Talk to a human"),
    ]
    talk = Talk({"route": Step("Find out what the user needs.", tools)}, moved, "route")

    await talk.say(words)

    assert [name for name, _ in talk.calls[:1]] == ([expected] if expected else [])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "words", ["Vienna, 80 m2", "80 square meters in Vienna", "Vienna and 80", "the city is Vienna, 80 m2"]
)
async def test_a_text_and_a_number_in_one_answer_are_told_apart(words: str) -> None:
    save_home = tool("save_home", "Save the home", city=text("The city"), size=whole("The size in square metres"))
    talk = Talk({"home": Step("Ask for the city and the size in square metres.", [save_home])}, moved, "home")
    await talk.say("hi")

    await talk.say(words)

    assert talk.calls == [("save_home", {"city": "Vienna", "size": 80})]


@pytest.mark.asyncio
async def test_a_no_thanks_is_no_thanks() -> None:
    talk = onboarding()
    await talk.say("hi")

    assert "welcome" not in (await talk.say("no thanks")).lower()


@pytest.mark.asyncio
async def test_a_correction_keeps_what_it_does_not_correct() -> None:
    def act(talk: Talk, name: str, arguments: JSON) -> str:
        talk.step = "confirm"
        return "ok"

    save = tool("save_details", "Save the day and the guests", date=text("The day"), guests=whole("How many guests"))
    steps = {
        "details": Step("Ask for which day the table is and for how many guests.", [save]),
        "confirm": Step("Ask whether the user wants to book it.", [tool("book", "Book the table"), save]),
    }
    talk = Talk(steps, act, "details")
    await talk.say("a table for 6 on friday")

    await talk.say("no, for 5 people")
    await talk.say("yes")

    assert talk.calls == [
        ("save_details", {"date": "2026-11-27", "guests": 6}),
        ("save_details", {"guests": 5, "date": "2026-11-27"}),
        ("book", {}),
    ]


CART = {
    "cart": Step(
        "Ask whether the user would like anything else.",
        [
            tool(
                "add_item",
                "Put an item into the cart",
                optional=["quantity"],
                item=text("The item", enum=["apple", "bread", "cheese"]),
                quantity=whole("How many", default=1),
            ),
            tool("checkout", "Go to the checkout"),
        ],
    ),
    "cart with a way back": Step(
        "Ask whether the user would like anything else.",
        [
            tool("add_item", "Put an item into the cart", item=text("The item", enum=["apple", "bread"])),
            tool("remove_item", "Take an item out of the cart", item=text("The item", enum=["apple", "bread"])),
        ],
    ),
}


def shopping(step: str = "cart") -> Talk:
    return Talk(CART, lambda talk, name, arguments: "Done.", step)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("words", "calls"),
    [
        ("two breads and three cheese", [("bread", 2), ("cheese", 3)]),
        ("an apple, two breads and 4 cheeses", [("apple", None), ("bread", 2), ("cheese", 4)]),
        ("2 apples", [("apple", 2)]),
    ],
)
async def test_every_item_of_a_list_keeps_its_quantity(words: str, calls: list[tuple[str, int | None]]) -> None:
    talk = shopping()
    await talk.say(None)
    await talk.say(words)

    assert [(arguments["item"], arguments.get("quantity")) for _, arguments in talk.calls] == calls


@pytest.mark.asyncio
@pytest.mark.parametrize("words", ["remove the apples", "please take out the apple", "delete the bread"])
async def test_who_wants_to_remove_something_is_not_given_more(words: str) -> None:
    talk = shopping()
    await talk.say("2 apples")
    reply = await talk.say(words)

    assert [name for name, _ in talk.calls] == ["add_item"]
    assert reply.startswith("There is nothing I can do with that at this point.")


@pytest.mark.asyncio
async def test_tool_that_undoes_is_called_where_there_is_one() -> None:
    talk = shopping("cart with a way back")
    await talk.say("add an apple")
    await talk.say("remove the apples")

    assert [name for name, _ in talk.calls] == ["add_item", "remove_item"]
