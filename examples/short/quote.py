"""Branching, in the short form: what is insured decides which form follows; both ways meet at the offer.

agent-runtime chat examples/short/quote.py
"""

import sys
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from agent_runtime_framework import Journey, Step, derived, step
from agent_runtime_framework.journey import Form


class Car(BaseModel):
    plate: Annotated[str, Field(title="licence plate")]
    yearly_km: Annotated[int, Field(title="kilometres a year", gt=0, le=200_000)]


class Home(BaseModel):
    city: str
    square_metres: Annotated[int, Field(title="size in square metres", gt=0, le=1_000)]


class Quote(Journey):
    kind: Literal["car", "home"] | None = None
    price: int = derived("kind", default=0)

    def work_out(self) -> None:
        car, home = self.collected(Quote.car), self.collected(Quote.home)
        if self.kind == "car" and car:
            self.price = 180 + car.yearly_km // 100
        if self.kind == "home" and home:
            self.price = 60 + 2 * home.square_metres

    choose = step("Ask what the user wants to insure: a car or a home. Save it with choose_kind.")
    car = step(collect=Form(Car, confirm=False), to="pricing")
    home = step(collect=Form(Home, confirm=False), to="pricing")
    pricing = step(run=work_out, to="offer")
    offer = step(
        "Call accept_offer on a yes, decline_offer on a no, start_over for another insurance.",
        say="The insurance costs $price euros a year. Would you like to accept the offer?",
        awaits_user=True,
    )
    insured = step(say="The $kind is insured for $price euros a year. Thank you!", final=True)
    declined = step(say="Nothing was bought. Goodbye!", final=True)

    @choose.tool(to=[car, home], effect="state")
    def choose_kind(self, kind: Literal["car", "home"]) -> tuple[Step, str]:
        """Save what is to be insured."""
        self.kind = kind
        return self.car if kind == "car" else self.home, f"A {kind} insurance."

    @offer.tool(to=insured, effect="state")
    def accept_offer(self) -> None:
        """The user accepts the offer."""

    @offer.tool(to=declined, effect="state")
    def decline_offer(self) -> None:
        """The user declines the offer."""

    @offer.tool(to=choose, effect="state")
    def start_over(self) -> None:
        """The user wants to insure something else."""
        self.kind = None
        self.forms.clear()


if __name__ == "__main__":
    from agent_runtime_framework.cli.main import main

    sys.exit(main(["chat", __file__, *sys.argv[1:]]))
