"""Tokens, prices and limits."""

import copy
import logging
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.testing import MockLLMClient
from agent_runtime_core.usage import PricedClient, TokenCounts, UsageLimit, add_usage, estimate_cost, with_cost

OPENAI = {
    "prompt_tokens": 1000,
    "completion_tokens": 100,
    "total_tokens": 1100,
    "prompt_tokens_details": {"cached_tokens": 400},
    "completion_tokens_details": {"reasoning_tokens": 30},
}
ANTHROPIC = {
    "input_tokens": 100,
    "output_tokens": 50,
    "cache_read_input_tokens": 800,
    "cache_creation_input_tokens": 20,
}

numbers = st.integers(0, 10**9)
usages = st.dictionaries(st.sampled_from("abc"), st.none() | numbers, max_size=3) | st.fixed_dictionaries(
    {"details": st.dictionaries(st.sampled_from("xyz"), st.none() | numbers, max_size=3)}
)


def test_usages_are_added_key_by_key() -> None:
    first = {"prompt_tokens": 1, "details": {"cached": 1, "audio": None}, "cost": 0.5, "tier": "default", "only": 7}
    second = {"prompt_tokens": 2, "details": {"cached": 2, "new": {"deep": 1}}, "cost": 0.25, "tier": "flex"}
    assert add_usage(first, None, second, {"details": None}) == {
        "prompt_tokens": 3,
        "details": {"cached": 3, "new": {"deep": 1}, "audio": None},
        "cost": 0.75,
        "tier": "flex",
        "only": 7,
    }


@pytest.mark.parametrize(
    ("first", "second", "total"),
    [
        (None, 5, 5),
        (5, None, 5),
        (None, None, None),
        ({"a": 1}, None, {"a": 1}),
        (5, {"a": 1}, {"a": 1}),
        (True, True, True),
        ([1], [2], [2]),
    ],
)
def test_odd_values_do_not_break_the_sum(first: Any, second: Any, total: Any) -> None:
    assert add_usage({"x": first}, {"x": second}) == {"x": total}


def test_nothing_adds_up_to_nothing() -> None:
    assert add_usage() == add_usage(None, {}) == {}


@given(usages, usages, usages)
def test_order_of_adding_does_not_matter_and_nothing_is_changed(a: Any, b: Any, c: Any) -> None:
    before = copy.deepcopy([a, b, c])
    assert add_usage(add_usage(a, b), c) == add_usage(a, add_usage(b, c)) == add_usage(a, b, c)
    assert [a, b, c] == before


def test_sum_shares_nothing_with_its_parts() -> None:
    part = {"details": {"n": 1}}
    add_usage(part)["details"]["n"] = 5
    assert part == {"details": {"n": 1}}


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (OPENAI, TokenCounts(input=1000, output=100, cache_read=400, reasoning=30)),
        (ANTHROPIC, TokenCounts(input=920, output=50, cache_read=800, cache_write=20)),
        (
            {"prompt_tokens": 920, "prompt_tokens_details": {"cached_tokens": 800, "cache_write_tokens": 20}},
            TokenCounts(input=920, cache_read=800, cache_write=20),
        ),
        ({"prompt_tokens": 920, **ANTHROPIC}, TokenCounts(input=920, output=50, cache_read=800, cache_write=20)),
        ({"prompt_tokens": None, "completion_tokens": "many", "prompt_tokens_details": None}, TokenCounts()),
        (None, TokenCounts()),
    ],
)
def test_counts_are_read_in_everybodys_words(usage: Any, counts: TokenCounts) -> None:
    assert TokenCounts.of(usage) == counts


def test_price_comes_from_the_table() -> None:
    full = {"prompt_tokens": 1_000_000, "completion_tokens": 0}
    cached = {**full, "prompt_tokens_details": {"cached_tokens": 1_000_000}}
    assert estimate_cost(full, "gpt-4o") == 2.5
    assert estimate_cost(cached, "gpt-4o") == 1.25
    assert estimate_cost(full, "openai/gpt-4o") == estimate_cost(full, "gpt-4o", "openai") == 2.5


@pytest.mark.parametrize("model", ["", "my-own-model", "ollama/llama3", "http://127.0.0.1:8080/v1"])
def test_unknown_model_has_no_price(model: str) -> None:
    assert estimate_cost(OPENAI, model) is None
    assert with_cost({"prompt_tokens": 5}, model) == {"prompt_tokens": 5}


def test_costs_are_summed_with_the_usage() -> None:
    one = with_cost({"prompt_tokens": 1_000_000}, "gpt-4o")
    other = with_cost({"prompt_tokens": 1_000_000}, "gpt-4o-mini")
    assert add_usage(one, other)["cost_usd"] == pytest.approx(2.65)


def test_cost_that_the_provider_told_stays() -> None:
    assert with_cost({"prompt_tokens": 5, "cost_usd": 1.0}, "gpt-4o")["cost_usd"] == 1.0


def test_missing_table_is_named_with_the_extra() -> None:
    code = (
        "import sys; sys.modules['genai_prices'] = None; from agent_runtime_core import estimate_cost\n"
        "try: estimate_cost({}, 'gpt-4o')\n"
        "except ValueError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "pip install 'agent_runtime_core[prices]'" in out


@pytest.mark.parametrize(
    ("limit", "usage", "told"),
    [
        (UsageLimit(), OPENAI, None),
        (UsageLimit(max_tokens=1101), OPENAI, None),
        (UsageLimit(max_tokens=1100), OPENAI, "1,100 of 1,100 tokens are used"),
        (UsageLimit(max_tokens=0), None, "0 of 0 tokens are used"),
        (UsageLimit(max_cost=0.5), {"cost_usd": 0.25}, None),
        (UsageLimit(max_cost=0.5), {"cost_usd": 0.75}, "$0.7500 of $0.5000 are spent"),
        (UsageLimit(max_cost=0.5), OPENAI, None),
        (UsageLimit(max_tokens=5, max_cost=0.5), {"cost_usd": 0.75}, "$0.7500 of $0.5000 are spent"),
    ],
)
def test_limit_says_what_is_used_up(limit: UsageLimit, usage: Any, told: str | None) -> None:
    assert limit.exceeded_by(usage) == told


@pytest.mark.parametrize("wrong", [{"max_tokens": -1}, {"max_cost": "1"}, {"max_tokens": True}])
def test_limit_that_is_no_number_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected a number from 0, or None"):
        UsageLimit(**wrong)


@pytest.mark.asyncio
async def test_priced_client_puts_the_price_on_every_reply() -> None:
    client = PricedClient(MockLLMClient(), "openai")
    response = await client.generate([], model="gpt-4o", seed=1)
    assert response.usage["cost_usd"] == pytest.approx(0.000225)
    chunks = [chunk async for chunk in client.stream([], model="gpt-4o")]
    assert chunks[-1].usage == response.usage
    assert client.get_calls()[0]["seed"] == 1


@pytest.mark.asyncio
async def test_priced_client_says_once_that_it_knows_no_price(caplog: pytest.LogCaptureFixture) -> None:
    client = PricedClient(MockLLMClient())
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            response = await client.generate([])
    assert "cost_usd" not in response.usage
    assert caplog.text.count("no price is known for model 'mock-model'") == 1
