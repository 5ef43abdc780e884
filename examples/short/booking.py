"""Error recovery, in the short form: the restaurant's system does not answer the first time; a step is there for that.

agent-runtime chat examples/short/booking.py
"""

import sys
from datetime import date as Date
from typing import Annotated, Protocol

from pydantic import Field

from agent_runtime_framework import IdempotencyKey, Injected, Journey, Step, derived, step

MOST_ATTEMPTS = 3


class Restaurant(Protocol):
    async def reserve(self, date: Date, guests: int, attempt: int, key: str) -> str: ...


class FlakyRestaurant:
    """A booking system that does not answer the first attempt."""

    async def reserve(self, date: Date, guests: int, attempt: int, key: str) -> str:
        if attempt == 1:
            raise TimeoutError("the restaurant's system does not answer")
        return f"T-{date:%Y%m%d}-{guests}"


class Booking(Journey):
    date: Date | None = None
    guests: int = 0
    attempts: int = derived("date", "guests", default=0)
    reference: str = derived("date", "guests", default="")

    details = step("Ask for which day the table is and for how many guests. Save both with save_details.")
    confirm = step(
        "A table for $guests on $date. Ask whether the user wants to book it. "
        "Call book on a yes, save_details if something has to be changed.",
        awaits_user=True,
    )
    retry = step(
        "The restaurant's system did not answer. Ask whether the user wants to try again. "
        "Call try_again on a yes, cancel_booking on a no, save_details for another day.",
        awaits_user=True,
    )
    booked = step("The table for $guests on $date is booked, reference $reference. Thank the user.", final=True)
    given_up = step("Nothing was booked. Say sorry, and goodbye.", final=True)

    @details.tool(to=confirm, effect="state")
    @confirm.tool(to=confirm, effect="state")
    @retry.tool(to=confirm, effect="state")
    def save_details(self, date: Date, guests: Annotated[int, Field(gt=0, le=12)]) -> str:
        """Save the day and the number of guests.

        Args:
            date: The day, as YYYY-MM-DD
            guests: How many guests
        """
        self.date, self.guests = date, guests
        return f"A table for {guests} on {date}."

    @confirm.tool(to=[booked, retry, given_up], effect="once")
    async def book(self, restaurant: Injected[Restaurant], key: IdempotencyKey) -> tuple[Step, str]:
        """Book the table."""
        assert self.date is not None
        self.attempts += 1
        try:
            self.reference = await restaurant.reserve(self.date, self.guests, self.attempts, key)
        except TimeoutError as error:
            # An expected failure is a step of the journey: it is kept, shown and left again like any other.
            return self.retry if self.attempts < MOST_ATTEMPTS else self.given_up, f"That did not work: {error}."
        return self.booked, f"Booked, reference {self.reference}."

    @retry.tool(to=[booked, retry, given_up], effect="once")
    async def try_again(self, restaurant: Injected[Restaurant], key: IdempotencyKey) -> tuple[Step, str]:
        """Try to book the table again."""
        return await self.book(restaurant, key)

    @retry.tool(to=given_up, effect="state")
    def cancel_booking(self) -> str:
        """Do not book anything."""
        return "Nothing was booked."


def booking() -> object:
    return Booking.agent(provide={Restaurant: FlakyRestaurant()})


if __name__ == "__main__":
    from agent_runtime_framework.cli.main import main

    sys.exit(main(["chat", f"{__file__}:booking", *sys.argv[1:]]))
