"""Journeys put together from parts, and changed by deriving from them."""

from typing import Any

import pytest

from agent_runtime_framework.journey import Journey, Step, step
from agent_runtime_framework.testing import call, say


class Named(Journey, abstract=True):
    """A part that asks for a name, and goes on to wherever the whole goes on."""

    name: str = ""
    ask_name = step("Ask for the name.")

    def is_known(self) -> bool | str:
        return self.name != "Mallory" or "Mallory is banned."

    @ask_name.tool(to="after_name")
    def save_name(self, name: str) -> str:
        """Save the name."""
        self.name = name
        return f"Hello {name}."


class Timed(Journey, abstract=True):
    day: str = ""
    ask_day = step("Ask for the day.")

    @ask_day.tool(to="after_day", when=lambda self: True)
    def save_day(self, day: str) -> None:
        self.day = day


class Booking(Named, Timed):
    """We take bookings."""

    guests: int = 0
    after_name = step("Ask for the number of guests.")
    after_day = step(say="Booked for $name on $day.", final=True)

    @after_name.tool(to="ask_day", when=Named.is_known)
    def save_guests(self, guests: int) -> None:
        self.guests = guests


class Bare:
    """A part without fields may be any class."""

    thanks = step(say="Thank you.", final=True)

    def polite(self) -> bool:
        return True


class Polite(Bare, Journey):
    start = step("Start.", first=True)

    @start.tool(to=Bare.thanks, when=Bare.polite)
    def finish(self) -> None: ...


class Strict(Booking):
    after_name = step("Ask for the number of guests, at most 4.", first=True)

    def is_known(self) -> bool | str:
        return "Nobody is known."

    def save_name(self, name: str, title: str = "") -> str:
        self.name = f"{title} {name}".strip()
        return self.name


def tools(journey: type[Journey], name: str) -> list[str]:
    return [tool.name for tool in journey.definition.steps[name].tools]


def test_steps_come_in_reading_order_parts_first():
    assert list(Booking.definition.steps) == ["ask_name", "ask_day", "after_name", "after_day"]
    assert Booking.definition.initial == "ask_name"


def test_fields_and_tools_of_all_parts_are_there():
    assert set(Booking.definition.fields) == {"name", "day", "guests"}
    assert [tools(Booking, name) for name in ("ask_name", "ask_day", "after_name")] == [
        ["save_name"],
        ["save_day"],
        ["save_guests"],
    ]


@pytest.mark.asyncio
async def test_a_composed_journey_runs_through_all_parts(hold: Any):
    held = await hold(
        Booking,
        call("save_name", name="Ada"),
        call("save_guests", guests=2),
        call("save_day", day="Monday"),
    )

    assert held.replies == ["Booked for Ada on Monday."]
    assert held.entered == ["after_name", "ask_day", "after_day"]


@pytest.mark.asyncio
async def test_a_part_may_be_a_plain_class_and_any_step_the_first(hold: Any):
    held = await hold(Polite, call("finish"))

    assert held.state.step is Bare.thanks
    assert Polite.definition.initial == "start"


def test_an_overridden_step_keeps_its_place_and_its_tools():
    definition = Strict.definition

    assert definition.steps["after_name"].prompt == "Ask for the number of guests, at most 4."
    assert tools(Strict, "after_name") == ["save_guests"]
    assert list(definition.steps) == list(Booking.definition.steps)
    assert definition.initial == "after_name"
    assert Booking.definition.initial == "ask_name"


@pytest.mark.asyncio
async def test_an_overridden_tool_runs_with_its_own_parameters_where_it_was_declared(hold: Any):
    class Here(Strict):
        ask_name = step("Ask for name and title.", first=True)

    held = await hold(Here, call("save_name", name="Lovelace", title="Countess"), say("ok"))

    assert held.state.name == "Countess Lovelace"
    assert held.state.step.name == "after_name"


@pytest.mark.asyncio
async def test_an_overridden_guard_counts(hold: Any):
    held = await hold(Strict, call("save_guests", guests=2), say("no"))

    assert held.refused == ["save_guests"]
    assert "Nobody is known." in held.llm.requests[0].system


def test_a_tool_can_be_taken_away():
    class Less(Booking):
        save_guests = None  # type: ignore[assignment]

    assert tools(Less, "after_name") == []
    assert tools(Booking, "after_name") == ["save_guests"]


def test_one_method_may_be_a_tool_of_several_steps():
    class Twice(Journey):
        one = step("One.")
        two = step("Two.")

        @one.tool(to=two)
        @two.tool(to=one)
        def change(self) -> None: ...

    assert [tools(Twice, name) for name in ("one", "two")] == [["change"], ["change"]]
    assert [move.target for move in Twice.definition.moves()] == ["two", "one"]


def test_the_persona_is_the_docstring_of_the_class_or_of_the_journey_it_is_derived_from():
    class Silent(Booking):
        pass

    class Speechless(Named):
        after_name = step("Thank them.")

    personas = [each.definition.persona for each in (Booking, Silent, Speechless, Polite)]
    assert personas == ["We take bookings.", "We take bookings.", "", ""]


def test_a_step_is_the_same_object_in_class_and_state():
    state = Booking()
    found: Step = state.ask_name

    assert found is Booking.ask_name is state.step
    assert (str(found.value), repr(found)) == ("ask_name", "<step Named.ask_name>")
