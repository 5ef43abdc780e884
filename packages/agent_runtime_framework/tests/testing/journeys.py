"""The journeys these tests talk to."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel

from agent_runtime_framework.journey import Journey, Step, derived, step


class Quote(Journey):
    """Acme's quote desk."""

    kind: Literal["car", "home"] | None = None
    plate: str = ""
    yearly_km: int = 0
    age: int = 0
    city: str = ""
    price: Decimal | None = derived("kind", "plate")

    choose = step("Ask what they want to insure: a car or a home.")
    car = step("Ask for the plate, the yearly kilometres and their age.", patience=2, stuck="given_up")
    home = step("Ask for the city.")
    offer = step("Offer the policy for $price.", awaits_user=True)
    done = step(say="You are insured.", final=True)
    given_up = step(say="Somebody will call you.", final=True)

    def adult(self) -> bool | str:
        return self.age >= 18 or "Only adults can buy."

    @choose.tool(to=[car, home])
    async def pick(self, kind: Literal["car", "home"]) -> Step:
        """Record what they want to insure."""
        self.kind = kind
        return self.car if kind == "car" else self.home

    @car.tool(to=offer)
    async def save_car(self, plate: str, yearly_km: int, age: int) -> str:
        """Record the car."""
        if yearly_km > 200_000:
            raise ValueError("nobody drives that far")
        self.plate, self.yearly_km, self.age = plate, yearly_km, age
        self.price = Decimal(180 + yearly_km // 100)
        return f"The price is {self.price}."

    @home.tool(to=offer)
    async def save_home(self, city: str) -> str:
        """Record the home."""
        self.city, self.age, self.price = city, 99, Decimal(60)
        return "The price is 60."

    @offer.tool(to=done, when=adult, effect="once")
    async def accept(self) -> str:
        """The person accepts the offer."""
        return "Bought."

    @offer.tool(to=choose)
    async def start_over(self) -> None:
        """The person wants to insure something else."""


class Person(BaseModel):
    """Who they are."""

    name: str
    age: int
    newsletter: bool
