"""Error recovery: the restaurant's system does not answer the first time, and the journey has a step for that.

agent-runtime chat examples/booking.py
"""

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

from agent_runtime_framework import (
    AgentContext,
    BaseJourneyState,
    BaseJourneyTools,
    JourneyAgent,
    StateSerializer,
    ToolResult,
    ToolSchema,
    ToolSchemaBuilder,
)

MOST_ATTEMPTS = 3


class Step(StrEnum):
    DETAILS = "details"
    CONFIRM = "confirm"
    RETRY = "retry"
    BOOKED = "booked"
    GIVEN_UP = "given_up"


@dataclass
class BookingState(BaseJourneyState[Step]):
    step: Step = Step.DETAILS
    date: str = ""
    guests: int = 0
    attempts: int = 0
    reference: str = ""

    def is_complete(self) -> bool:
        return self.step == Step.BOOKED

    def is_terminal(self) -> bool:
        return self.step in (Step.BOOKED, Step.GIVEN_UP)

    def to_dict(self) -> dict[str, Any]:
        return {name: StateSerializer.serialize(value) for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        values = dict(data)
        values["step"] = StateSerializer.deserialize_enum(data.get("step", "details"), Step)
        return cls(**values)


class Restaurant(Protocol):
    async def reserve(self, date: str, guests: int, attempt: int) -> str: ...


class FlakyRestaurant:
    """A booking system that does not answer the first attempt."""

    async def reserve(self, date: str, guests: int, attempt: int) -> str:
        if attempt == 1:
            raise TimeoutError("the restaurant's system does not answer")
        return f"T-{date.replace('-', '')}-{guests}"


class BookingTools(BaseJourneyTools[BookingState]):
    async def save_details(self, date: str, guests: int) -> ToolResult:
        if not 0 < guests <= 12:
            return ToolResult.fail(f"A table has room for 1 to 12 guests, not for {guests}.")
        self.state.date = date
        self.state.guests = guests
        self.state.attempts = 0
        self.state.step = Step.CONFIRM
        await self._notify_state_change()
        return ToolResult.ok(f"A table for {guests} on {date}.")

    async def book(self) -> str:
        restaurant: Restaurant = self._require_backend()
        self.state.attempts += 1
        try:
            self.state.reference = await restaurant.reserve(self.state.date, self.state.guests, self.state.attempts)
        except TimeoutError as error:
            # An expected failure is a step of the journey: it is kept, shown and left again like any other.
            self.state.step = Step.RETRY if self.state.attempts < MOST_ATTEMPTS else Step.GIVEN_UP
            await self._notify_state_change()
            return f"That did not work: {error}."
        self.state.step = Step.BOOKED
        await self._notify_state_change()
        return f"Booked, reference {self.state.reference}."

    async def try_again(self) -> str:
        return await self.book()

    async def cancel_booking(self) -> str:
        self.state.step = Step.GIVEN_UP
        await self._notify_state_change()
        return "Nothing was booked."


PROMPTS = {
    Step.DETAILS: "Ask for which day the table is and for how many guests. Save both with save_details.",
    Step.CONFIRM: (
        "A table for {guests} on {date}. Ask whether the user wants to book it. "
        "Call book on a yes, save_details if something has to be changed."
    ),
    Step.RETRY: (
        "The restaurant's system did not answer. Ask whether the user wants to try again. "
        "Call try_again on a yes, cancel_booking on a no, save_details for another day."
    ),
    Step.BOOKED: "The table for {guests} on {date} is booked, reference {reference}. Thank the user.",
    Step.GIVEN_UP: "Nothing was booked. Say sorry, and goodbye.",
}

SAVE_DETAILS = (
    ToolSchemaBuilder("save_details")
    .description("Save the day and the number of guests")
    .param("date", "string", "The day, as YYYY-MM-DD", required=True)
    .param("guests", "integer", "How many guests", required=True)
    .build()
)
BOOK = ToolSchemaBuilder("book").description("Book the table").build()
TRY_AGAIN = ToolSchemaBuilder("try_again").description("Try to book the table again").build()
CANCEL = ToolSchemaBuilder("cancel_booking").description("Do not book anything").build()

TOOLS = {
    Step.DETAILS: [SAVE_DETAILS],
    Step.CONFIRM: [BOOK, SAVE_DETAILS],
    Step.RETRY: [TRY_AGAIN, CANCEL, SAVE_DETAILS],
}


class BookingAgent(JourneyAgent[BookingState, BookingTools, Step]):
    @property
    def key(self) -> str:
        return "booking"

    def get_initial_state(self) -> BookingState:
        return BookingState()

    def get_system_prompt(self, state: BookingState) -> str:
        return PROMPTS[state.step].format(date=state.date, guests=state.guests, reference=state.reference)

    def get_tool_schemas(self, state: BookingState) -> list[ToolSchema]:
        return TOOLS.get(state.step, [])

    def create_tools(self, state: BookingState, ctx: AgentContext) -> BookingTools:
        return BookingTools(state, backend_client=FlakyRestaurant())

    async def execute_tool(self, tools: BookingTools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)


if __name__ == "__main__":
    from agent_runtime_framework.cli.main import main

    sys.exit(main(["chat", __file__, *sys.argv[1:]]))
