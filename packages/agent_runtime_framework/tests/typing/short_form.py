"""What a type checker makes of a journey: no error where the code is right, one where it is wrong.

Never run; `test_typing.py` has it checked. A comment that ignores an error which is none is an error too.
"""

from datetime import date
from decimal import Decimal
from typing import Literal, Protocol, assert_type

from pydantic import BaseModel

from agent_runtime_framework import (
    AgentContext,
    Field,
    IdempotencyKey,
    Injected,
    Journey,
    Step,
    ToolRetry,
    derived,
    step,
)
from agent_runtime_framework.journey import CollectStep


class Payments(Protocol):
    async def charge(self, amount: Decimal, key: str) -> str: ...


class Home(BaseModel):
    city: str
    square_metres: int


class Quote(Journey):
    """Acme's quote desk. Brief and friendly."""

    key = "quote"
    version = 2

    kind: Literal["car", "home"] | None = None
    plate: str = ""
    age: int | None = None
    drivers: list[str] = Field(default_factory=list[str], description="Who drives")
    card: str = Field("", sensitive=True, was="credit_card")
    price: Decimal | None = derived("kind", "plate")
    note: str = derived("price", default="")

    choose = step("Find out what they want to insure.")
    car = step("Ask for the plate and the age.", requires_tool=True, patience=3, stuck="handoff")
    offer = step("Offer the policy for $price.", awaits_user=True)
    home = step(collect=Home, to=offer)
    done = step(say="You are insured.", final=True)
    handoff = step(say="A colleague will call you.", final=True)

    def adult(self) -> bool | str:
        return (self.age or 0) >= 18 or "Only adults can buy."

    def priced(self) -> bool:
        return self.price is not None

    @choose.tool(to=[car, home])
    async def pick(self, kind: Literal["car", "home"]) -> Step:
        """Record what they want to insure."""
        self.kind = kind
        return self.car if kind == "car" else self.home

    @car.tool(to=offer)
    def save_car(self, plate: str, age: int, first_driven: date | None = None) -> str:
        if age > 120:
            raise ToolRetry("nobody is that old")
        self.plate, self.age = plate, age
        self.price = Decimal(100)
        return f"Saved, driven since {first_driven}."

    @car.tool
    def add_driver(self, name: str) -> None:
        self.drivers.append(name)

    @offer.tool(to="done", when=[adult, priced], effect="once", timeout=10)
    async def buy(self, pay: Injected[Payments], key: IdempotencyKey, ctx: AgentContext) -> tuple[Step, str]:
        return self.done, await pay.charge(self.price or Decimal(0), f"{key} {ctx.run_id}")

    @offer.on_enter
    async def count(self) -> None: ...

    @offer.on_exit
    def forget(self) -> None: ...


quote = Quote(kind="car", plate="W-1", drivers=["Ada"])
assert_type(quote.kind, Literal["car", "home"] | None)
assert_type(quote.price, Decimal | None)
assert_type(quote.drivers, list[str])
assert_type(quote.note, str)
assert_type(quote.step, Step)
assert_type(Quote.offer, Step)
assert_type(Quote.home, CollectStep[Home])
assert_type(quote.collected(Quote.home), Home | None)
assert_type(Quote.from_dict({}), Quote)


class FakePayments:
    async def charge(self, amount: Decimal, key: str) -> str:
        return f"{amount} {key}"


async def use() -> None:
    agent = Quote.agent(provide={Payments: FakePayments()})
    assert_type(await agent.chat("hi"), str)
    assert_type(await agent.state_of(), Quote)
    await quote.buy(FakePayments(), "key", AgentContext.from_text("hi"))
    await quote.buy("no bank", "key", AgentContext.from_text("hi"))  # pyright: ignore[reportArgumentType]
    await quote.pick("boat")  # pyright: ignore[reportArgumentType]


quote.kind = "boat"  # pyright: ignore[reportAttributeAccessIssue]
quote.plate = 3  # pyright: ignore[reportAttributeAccessIssue]
quote.colour = "red"  # pyright: ignore[reportAttributeAccessIssue]
quote.drivers.append(3)  # pyright: ignore[reportArgumentType]
Quote(colour="red")  # pyright: ignore[reportCallIssue]
Quote("car")  # pyright: ignore[reportCallIssue]
Quote(price="12")  # pyright: ignore[reportArgumentType]


class Wrong(Journey):
    price: Decimal = derived("kind")  # pyright: ignore[reportAssignmentType]
    age: int = Field("")  # pyright: ignore[reportAssignmentType]
    name: str = Field(description="A name")  # pyright: ignore[reportCallIssue, reportUnknownVariableType]
    names: list[str] = Field(default_factory=list[int])  # pyright: ignore[reportAssignmentType]

    start = step("Start.")
    wait = step(say="Hi.", finel=True)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]
    form = step(collect=dict, to=start)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]
    both = step(collect=Home, say="Hi.")  # pyright: ignore[reportCallIssue, reportUnknownVariableType]

    async def looked_up(self) -> bool:
        return True

    def older(self, than: int) -> bool:
        return than > 3

    def unsure(self) -> int:
        return 1

    @start.tool(effect="never")  # pyright: ignore[reportArgumentType]
    def one(self) -> None: ...

    @start.tool(when=looked_up)  # pyright: ignore[reportArgumentType]
    def two(self) -> None: ...

    @start.tool(when=older)  # pyright: ignore[reportArgumentType]
    def three(self) -> None: ...

    @start.tool(when="older")  # pyright: ignore[reportArgumentType]
    def four(self) -> None: ...

    @start.tool(when=[unsure])  # pyright: ignore[reportArgumentType]
    def five(self) -> None: ...

    @start.tool(where=start)  # pyright: ignore[reportCallIssue, reportUntypedFunctionDecorator]
    def six(self) -> None: ...
