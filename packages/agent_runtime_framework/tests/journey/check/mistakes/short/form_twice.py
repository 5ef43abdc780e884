"""Two fields that a form would call the same."""

from pydantic import BaseModel

from agent_runtime_framework.journey import Journey, step


class Address(BaseModel):
    city: str


class Order(BaseModel):
    item: str
    address: Address
    address_city: str = ""  # expect: form


class Delivery(Journey):
    """Acme's desk."""

    where = step(collect=Order, to="done")
    done = step(say="Thank you.", final=True)
