"""Looping: items are added until there are enough, then comes the checkout; the way back is open.

agent-runtime chat examples/cart.py
"""

import sys
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

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

PRICES = {"apple": 1, "bread": 4, "cheese": 9, "coffee": 7}


class Step(StrEnum):
    ADD_ITEM = "add_item"
    MORE_ITEMS = "more_items"
    CHECKOUT = "checkout"
    ORDERED = "ordered"


@dataclass
class CartState(BaseJourneyState[Step]):
    step: Step = Step.ADD_ITEM
    items: dict[str, int] = field(default_factory=dict[str, int])
    address: str = ""

    @property
    def total(self) -> int:
        return sum(PRICES[name] * quantity for name, quantity in self.items.items())

    @property
    def listing(self) -> str:
        return ", ".join(f"{quantity} x {name}" for name, quantity in self.items.items()) or "nothing"

    def is_complete(self) -> bool:
        return self.step == Step.ORDERED

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step.value, "items": dict(self.items), "address": self.address}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(
            step=StateSerializer.deserialize_enum(data.get("step", "add_item"), Step),
            items=dict(data.get("items", {})),
            address=data.get("address", ""),
        )


class CartTools(BaseJourneyTools[CartState]):
    async def add_item(self, item: str, quantity: int = 1) -> ToolResult:
        if not 0 < quantity <= 50:
            return ToolResult.fail(f"{quantity} is not possible; a cart takes 1 to 50 of a kind.")
        self.state.items[item] = self.state.items.get(item, 0) + quantity
        self.state.step = Step.MORE_ITEMS
        await self._notify_state_change()
        return ToolResult.ok(f"The cart holds {self.state.listing}.")

    async def empty_cart(self) -> str:
        self.state.items.clear()
        self.state.step = Step.ADD_ITEM
        await self._notify_state_change()
        return "The cart is empty."

    async def checkout(self) -> str:
        self.state.step = Step.CHECKOUT
        await self._notify_state_change()
        return f"{self.state.listing} come to {self.state.total} euros."

    async def place_order(self, address: str) -> str:
        self.state.address = address
        self.state.step = Step.ORDERED
        await self._notify_state_change()
        return f"Ordered {self.state.listing} for {self.state.total} euros, to {address}."


PROMPTS = {
    Step.ADD_ITEM: "We have apples, bread, cheese and coffee. Ask what the user wants and how many. Use add_item.",
    Step.MORE_ITEMS: (
        "The cart holds {listing}, {total} euros in all. Ask whether the user would like anything else. "
        "Use add_item for more, checkout when that is all, empty_cart to start again."
    ),
    Step.CHECKOUT: "{listing} come to {total} euros. Ask for the delivery address. Use place_order.",
    Step.ORDERED: "The order is placed: {listing}, to {address}. Thank the user.",
}

ADD_ITEM = (
    ToolSchemaBuilder("add_item")
    .description("Put an item into the cart")
    .param("item", "string", "The item", required=True, enum=list(PRICES))
    .param("quantity", "integer", "How many", default=1)
    .build()
)
EMPTY_CART = ToolSchemaBuilder("empty_cart").description("Start again with an empty cart").build()
CHECKOUT = ToolSchemaBuilder("checkout").description("Go to the checkout").build()
PLACE_ORDER = (
    ToolSchemaBuilder("place_order")
    .description("Order what is in the cart")
    .param("address", "string", "The delivery address", required=True)
    .build()
)

TOOLS = {
    Step.ADD_ITEM: [ADD_ITEM],
    Step.MORE_ITEMS: [ADD_ITEM, EMPTY_CART, CHECKOUT],
    Step.CHECKOUT: [PLACE_ORDER, ADD_ITEM, EMPTY_CART],
}


class CartAgent(JourneyAgent[CartState, CartTools, Step]):
    @property
    def key(self) -> str:
        return "cart"

    def get_initial_state(self) -> CartState:
        return CartState()

    def get_system_prompt(self, state: CartState) -> str:
        return PROMPTS[state.step].format(listing=state.listing, total=state.total, address=state.address)

    def get_tool_schemas(self, state: CartState) -> list[ToolSchema]:
        return TOOLS.get(state.step, [])

    def create_tools(self, state: CartState, ctx: AgentContext) -> CartTools:
        return CartTools(state)

    async def execute_tool(self, tools: CartTools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)


if __name__ == "__main__":
    from agent_runtime_framework.cli.main import main

    sys.exit(main(["chat", __file__, *sys.argv[1:]]))
