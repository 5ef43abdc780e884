"""A field that depends on one there is not."""

from typing import Annotated

from pydantic import BaseModel

from agent_runtime_framework.journey import Ask, Journey, step


class Address(BaseModel):
    city: str
    street: Annotated[str, Ask(depends_on="town")]  # expect: form


class Delivery(Journey):
    """Acme's desk."""

    where = step(collect=Address, to="done")
    done = step(say="Thank you.", final=True)
