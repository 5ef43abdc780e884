"""Looping, in the short form: items are added until there are enough, then comes the checkout; the way back is open.

agent-runtime chat examples/short/cart.py
"""

import sys
from typing import Annotated, Literal

import pydantic

from agent_runtime_framework import Field, Journey, step

PRICES = {"apple": 1, "bread": 4, "cheese": 9, "coffee": 7}


class Cart(Journey):
    items: dict[str, int] = Field(default_factory=dict[str, int])
    address: str = ""

    @property
    def total(self) -> int:
        return sum(PRICES[name] * quantity for name, quantity in self.items.items())

    @property
    def listing(self) -> str:
        return ", ".join(f"{quantity} x {name}" for name, quantity in self.items.items()) or "nothing"

    start = step("We have apples, bread, cheese and coffee. Ask what the user wants and how many. Use add_item.")
    more_items = step(
        "The cart holds $listing, $total euros in all. Ask whether the user would like anything else. "
        "Use add_item for more, go_to_checkout when that is all, empty_cart to start again."
    )
    checkout = step("$listing come to $total euros. Ask for the delivery address. Use place_order.", awaits_user=True)
    ordered = step("The order is placed: $listing, to $address. Thank the user.", final=True)

    @start.tool(to=more_items, effect="state")
    @more_items.tool(to=more_items, effect="state")
    @checkout.tool(to=more_items, effect="state")
    def add_item(
        self,
        item: Literal["apple", "bread", "cheese", "coffee"],
        quantity: Annotated[int, pydantic.Field(gt=0, le=50)] = 1,
    ) -> str:
        """Put an item into the cart.

        Args:
            item: The item
            quantity: How many
        """
        self.items[item] = self.items.get(item, 0) + quantity
        return f"The cart holds {self.listing}."

    @more_items.tool(to=start, effect="state")
    @checkout.tool(to=start, effect="state")
    def empty_cart(self) -> str:
        """Start again with an empty cart."""
        self.items.clear()
        return "The cart is empty."

    @more_items.tool(to=checkout, effect="state")
    def go_to_checkout(self) -> str:
        """Go to the checkout."""
        return f"{self.listing} come to {self.total} euros."

    @checkout.tool(to=ordered, effect="state")
    def place_order(self, address: str) -> str:
        """Order what is in the cart.

        Args:
            address: The delivery address
        """
        self.address = address
        return f"Ordered {self.listing} for {self.total} euros, to {address}."


if __name__ == "__main__":
    from agent_runtime_framework.cli.main import main

    sys.exit(main(["chat", __file__, *sys.argv[1:]]))
