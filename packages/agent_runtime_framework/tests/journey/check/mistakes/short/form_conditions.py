"""Conditions of a form that do not say what they should."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel

from agent_runtime_framework.journey import Ask, Journey, step


def sometimes(answers: Any) -> bool:
    return answers["kind"] == "home" and answers["citty"] == "Wien"


class Insurance(BaseModel):
    kind: Literal["car", "home"]
    plate: Annotated[str, Ask(when=lambda a: a["kin"] == "car")] = ""  # expect: when-unknown
    city: Annotated[str, Ask(when=lambda a: a["kind"] == "house")] = ""  # expect: when-never
    street: Annotated[str, Ask(when=sometimes)] = ""  # expect: when-unknown
    seats: Annotated[int, Ask(when=lambda a: a["kind"] == "car")]  # expect: when-required
    garage: Annotated[bool, Ask(when=lambda a: False)] = False  # expect: never-asked
    colour: Annotated[str, Ask(when=lambda a: a["colour"] is not None)] = ""  # expect: when-unknown
    value: Annotated[int, Ask(when=lambda a: len(3))] = 0  # type: ignore[arg-type]  # expect: when-fails
    years: Annotated[int, Ask(when=lambda a: a["kind"] == "car" and (a["seats"] or 0) > 4)] = 0


class Quote(Journey):
    """Acme's desk."""

    details = step(collect=Insurance, to="done")
    done = step(say="Thank you.", final=True)
