"""Values and questions of a form that its own model would refuse, or nobody could answer."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from agent_runtime_framework.journey import Ask, Journey, step


class Person(BaseModel):
    q1: str  # expect: missing-prompt
    x2: Annotated[str, Field(title="postcode")]
    age: Annotated[int, Field(ge=18)] = 0  # expect: form-default
    plan: Literal["basic", "premium"] = "gold"  # type: ignore[assignment]  # expect: form-default
    seats: Annotated[int, Ask(example="a few")]  # expect: form-example
    size: Annotated[int, Ask(example="4", prompt="How many are you, $plan people?")]  # expect: unknown-name
    extras: dict[str, Any]  # expect: unaskable
    rooms: list[dict[str, str]] = Field(default_factory=list)  # expect: unaskable
    pets: list[str] = Field(default_factory=list)
    street: Annotated[str, Ask(depends_on="town")]  # expect: form-circle
    town: Annotated[str, Ask(depends_on="street")]
    notes: str | None = None


class Signup(Journey):
    """Acme's desk."""

    details = step(collect=Person, to="done")
    done = step(say="Thank you, $town.", final=True)
