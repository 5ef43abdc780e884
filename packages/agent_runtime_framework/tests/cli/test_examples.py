"""Every example is carried to its end by the offline model, with answers as people give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_runtime_core.llm import get_llm_client
from agent_runtime_framework.cli.targets import load_agent

CONVERSATIONS = {
    "onboarding": (
        "onboarding.py",
        ["hi", "I'm Ada Lovelace", "it's ada@example.org, thanks", "the premium one please"],
        {"step": "complete", "name": "Ada Lovelace", "email": "ada@example.org", "plan": "premium"},
    ),
    "onboarding, mistyped": (
        "onboarding.py",
        ["Ada", "ada at example", "ada@example.org", "free"],
        {"step": "complete", "name": "Ada", "email": "ada@example.org", "plan": "free"},
    ),
    "quote for a car": (
        "quote.py:QuoteAgent",
        ["hello", "my car", "the plate is AB 123 CD", "about 12,000 km a year", "yes"],
        {"step": "insured", "kind": "car", "plate": "AB 123 CD", "yearly_km": 12000, "price": 300},
    ),
    "quote for a home": (
        "quote.py",
        ["a home please", "Berlin", "80", "no thanks"],
        {"step": "declined", "kind": "home", "city": "Berlin", "square_metres": 80, "price": 220},
    ),
    "quote, begun again": (
        "quote.py",
        ["a home", "Berlin", "80", "start over", "car"],
        {"step": "car", "kind": "car", "city": "", "price": 0},
    ),
    "cart": (
        "cart.py",
        ["hi", "I would like two apples", "yes, one coffee", "no, that is all", "12 Main Street, Springfield", "bye"],
        {"step": "ordered", "items": {"apple": 2, "coffee": 1}, "address": "12 Main Street, Springfield"},
    ),
    "booking": (
        "booking.py",
        ["hi", "a table for 4 on 2027-03-01", "yes please", "yes, try again"],
        {"step": "booked", "date": "2027-03-01", "guests": 4, "attempts": 2, "reference": "T-20270301-4"},
    ),
    "booking, cancelled": (
        "booking.py",
        ["2027-03-01 for four people", "yes", "no"],
        {"step": "given_up", "attempts": 1, "reference": ""},
    ),
    "short onboarding": (
        "short/onboarding.py",
        ["hi", "I'm Ada Lovelace", "ada at example", "it's ada@example.org, thanks", "the premium one please"],
        {"step": "complete", "name": "Ada Lovelace", "email": "ada@example.org", "plan": "premium"},
    ),
    "short quote for a car": (
        "short/quote.py",
        ["hello", "my car", "the plate is AB 123 CD", "about 12,000 km a year", "yes"],
        {"step": "insured", "kind": "car", "price": 300},
    ),
    "short quote for a home": (
        "short/quote.py",
        ["a home please", "Berlin", "80", "no thanks"],
        {"step": "declined", "kind": "home", "price": 220},
    ),
    "short quote, begun again": (
        "short/quote.py",
        ["a home", "Berlin", "80", "start over", "car"],
        {"step": "car", "kind": "car", "price": 0},
    ),
    "short cart": (
        "short/cart.py",
        ["hi", "I would like two apples", "yes, one coffee", "no, that is all", "12 Main Street, Springfield", "bye"],
        {"step": "ordered", "items": {"apple": 2, "coffee": 1}, "address": "12 Main Street, Springfield"},
    ),
    "short booking": (
        "short/booking.py:booking",
        ["hi", "a table for 4 on 2027-03-01", "yes please", "yes, try again"],
        {"step": "booked", "date": "2027-03-01", "guests": 4, "attempts": 2, "reference": "T-20270301-4"},
    ),
    "short booking, cancelled": (
        "short/booking.py:booking",
        ["2027-03-01 for four people", "yes", "no"],
        {"step": "given_up", "attempts": 1, "reference": ""},
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_the_offline_model_carries_it_to_its_end(name: str, examples: Path) -> None:
    target, said, expected = CONVERSATIONS[name]
    agent: Any = load_agent(str(examples / target))
    agent.llm_client = get_llm_client("offline")
    for text in said:
        await agent.chat(text, name)
    state = (await agent.state_of(name)).to_dict()
    assert {key: state[key] for key in expected} == expected


@pytest.mark.parametrize("file", ["onboarding.py", "quote.py", "cart.py", "booking.py"])
def test_every_step_can_be_left_or_ends_the_journey(file: str, examples: Path) -> None:
    agent: Any = load_agent(str(examples / file))
    state = agent.get_initial_state()
    for step in type(state.step):
        state.step = step
        assert bool(agent.get_tool_schemas(state)) != agent.is_terminal_state(state), step
        assert agent.get_system_prompt(state)


@pytest.mark.parametrize("name", ["onboarding", "quote", "cart", "booking"])
def test_the_short_form_says_it_in_fewer_lines(name: str, examples: Path) -> None:
    long, short = (_lines_of_code(examples / folder / f"{name}.py") for folder in ("", "short"))

    assert short < long * 0.65


def _lines_of_code(file: Path) -> int:
    return sum(1 for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
