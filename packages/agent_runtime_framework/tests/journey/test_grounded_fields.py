"""`Field(grounded=True)`: what goes into the field has to be the person's own words."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest

from agent_runtime_framework.journey import Field, Journey, step
from agent_runtime_framework.testing import ScriptedLLM, call, say

pytestmark = pytest.mark.asyncio

REFUSAL = "Error: the person did not say {}; ask them, and assume nothing"


class Quote(Journey):
    plate: str = Field("", grounded=True)
    drivers: list[str] = Field(default_factory=list[str], grounded=True)
    begins: date | None = Field(None, grounded=True)
    mileage: Decimal | None = Field(None, grounded=True)
    kind: Literal["car", "van"] | None = Field(None, grounded=True)
    ran: int = 0

    car = step("Ask for the car.")
    done = step(say="Thank you.", final=True)

    @car.tool(to=done, effect="state")
    async def save(self, plate: str) -> None:
        """Save the plate."""
        self.ran += 1
        self.plate = plate.upper()

    @car.tool(effect="state")
    async def note(self, what: str) -> None:
        """Note the plate under another name."""
        self.plate = what

    @car.tool(effect="state")
    async def add(self, who: str) -> None:
        """Add a driver."""
        self.drivers.append(who)

    @car.tool(effect="state")
    async def details(
        self, begins: date | None = None, mileage: Decimal | None = None, kind: Literal["car", "van"] | None = None
    ) -> None:
        """Save the rest."""
        self.begins, self.mileage, self.kind = begins, mileage, kind


async def told(said: str, asked: Any) -> tuple[str, Quote]:
    llm = ScriptedLLM(asked, say("Well?"))
    agent = Quote.agent(llm)
    await agent.chat(said)
    return (llm.requests[1].messages[-1]["content"] if len(llm.requests) > 1 else "", await agent.state_of())


async def test_tool_does_not_run_with_a_value_for_the_field_that_nobody_said():
    answer, state = await told("a car, please", call("save", plate="W-999"))

    assert answer == REFUSAL.format("plate")
    assert (state.plate, state.ran, state.step) == ("", 0, Quote.car)


async def test_value_in_another_notation_is_saved():
    _, state = await told("it's w 123 ab", call("save", plate="w-123 ab"))

    assert (state.plate, state.step) == ("W-123 AB", Quote.done)


async def test_value_that_came_by_another_name_is_taken_back():
    answer, state = await told("a car, please", call("note", what="W-999"))

    assert answer == REFUSAL.format("plate")
    assert state.plate == ""


async def test_value_added_to_a_list_is_taken_back():
    answer, state = await told("I drive, and so does Ada", call("add", who="Grace"))

    assert answer == REFUSAL.format("drivers")
    assert state.drivers == []


async def test_value_added_to_a_list_that_was_said_stays():
    _, state = await told("I drive, and so does Ada", call("add", who="Ada"))

    assert state.drivers == ["Ada"]


@pytest.mark.parametrize(
    ("said", "arguments", "unsaid"),
    [
        ("from the third of May 2027", {"begins": "2027-05-03"}, ""),
        ("from May on", {"begins": "2027-05-03"}, "begins"),
        ("ab dem 3. Mai 2027", {"begins": "2027-05-03"}, ""),
        ("vierzigtausend im Jahr", {"mileage": 40000}, ""),
        ("cuarenta mil al año", {"mileage": 40000}, ""),
        ("quarante mille", {"mileage": 45000}, "mileage"),
        ("something with room for ten", {"kind": "van"}, ""),
    ],
)
async def test_dates_and_numbers_are_known_in_words_and_choices_are_exempt(
    said: str, arguments: dict[str, Any], unsaid: str
):
    answer, _ = await told(said, call("details", **arguments))

    assert answer == (REFUSAL.format(unsaid) if unsaid else "Done.")


async def test_value_that_the_person_agreed_to_is_saved():
    agent = Quote.agent(ScriptedLLM(say("Is it W-123?"), call("save", plate="W-123")))
    await agent.chat("hello")

    assert await agent.chat("yes, exactly") == "Thank you."


def corpus(name: str) -> list[tuple[str, str, str]]:
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    rows = [(language, json.loads(value), said) for language, value, said in (line.split("\t") for line in lines)]
    return [row for row in rows if isinstance(row[1], str) and "-" not in row[1]]  # dates count from today


async def test_hardly_any_true_answer_is_refused_in_any_language():
    rows = corpus("true_answers.tsv")
    refused = [row for row in rows if (await told(row[2], call("note", what=row[1])))[0].startswith("Error")]

    assert len(rows) >= 200
    assert len({language for language, *_ in rows}) >= 5
    assert len(refused) <= 0.02 * len(rows), refused


async def test_nearly_all_invented_answers_are_refused():
    rows = corpus("invented_values.tsv")
    saved = [row for row in rows if (await told(row[2], call("note", what=row[1])))[1].plate]

    assert len(saved) <= 0.03 * len(rows), saved
