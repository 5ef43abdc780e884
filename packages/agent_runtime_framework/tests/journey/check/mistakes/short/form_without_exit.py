"""A form that leads nowhere."""

from pydantic import BaseModel

from agent_runtime_framework.journey import Journey, step


class Person(BaseModel):
    name: str


class Mistake(Journey):
    """A friendly desk."""

    ask = step(collect=Person)  # expect: declaration
    done = step("Say thank you.", final=True)
