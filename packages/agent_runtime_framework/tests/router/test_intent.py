from enum import StrEnum
from typing import Any

import pytest

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.router import IntentDetector, IntentRouter, RouteDefinition, RouteResult
from agent_runtime_framework.router.intent import create_reroute_tool
from agent_runtime_framework.tools.schema import ToolSchema


class Journey(StrEnum):
    QUOTE = "quote"
    CLAIM = "claim"
    SUPPORT = "support"


QUOTE = RouteDefinition(Journey.QUOTE, "start_quote", "Get a new insurance quote")
CLAIM = RouteDefinition(Journey.CLAIM, "file_claim", "File or check on a claim", ["claim", "damage"])


def detector(default: Journey | None = None) -> IntentDetector[Journey]:
    found = IntentDetector(default)
    return found.add_keywords(Journey.QUOTE, ["quote", "price"]).add_keywords(
        Journey.CLAIM, ["claim", "damage", "hail", "theft"]
    )


def test_route_is_a_tool_without_arguments():
    assert QUOTE.to_tool_schema() == ToolSchema("start_quote", "Get a new insurance quote", [])


def test_result_is_sure_unless_it_says_otherwise():
    assert RouteResult(Journey.QUOTE) == RouteResult(Journey.QUOTE, confidence=1.0, metadata={})


@pytest.mark.parametrize(
    ("text", "journey", "confidence"),
    [
        ("What's the PRICE of a quote?", Journey.QUOTE, 1.0),
        ("two quotes", Journey.QUOTE, 0.5),
        ("hail damage", Journey.CLAIM, 0.5),
        ("quote quote quote", Journey.QUOTE, 0.5),
        ("a price for theft and damage", Journey.CLAIM, 0.5),
        ("a claim and a quote", Journey.QUOTE, 0.5),
    ],
)
def test_journey_with_the_most_keywords_wins(text: str, journey: Journey, confidence: float):
    assert detector().detect(text) == RouteResult(journey, confidence)


@pytest.mark.parametrize("text", ["", "hello", "the disclaimer", "nice weather"])
def test_without_a_keyword_the_default_is_the_answer(text: str):
    assert detector().detect(text) is None
    assert detector(Journey.SUPPORT).detect(text) == RouteResult(Journey.SUPPORT, 0.5)


def test_keywords_accumulate_and_count_once():
    once = (
        IntentDetector[Journey]().add_keywords(Journey.QUOTE, ["quote"]).add_keywords(Journey.QUOTE, ["Price", "QUOTE"])
    )

    assert once.detect("quote") == RouteResult(Journey.QUOTE, 0.5)


def test_a_journey_without_keywords_is_never_found():
    assert IntentDetector[Journey]().add_keywords(Journey.QUOTE, []).detect("quote") is None


@pytest.mark.parametrize(
    ("words", "said"), [("quote", r"expected a list of words, such as \['quote'\]"), (["a", " "], "is empty")]
)
def test_senseless_keywords_are_refused(words: Any, said: str):
    with pytest.raises(ConfigurationError, match=said):
        IntentDetector[Journey]().add_keywords(Journey.QUOTE, words)


def test_model_routes_by_calling_a_tool():
    router = IntentRouter[Journey]().add_route(QUOTE).add_routes([CLAIM])

    assert [schema.name for schema in router.get_tool_schemas()] == ["start_quote", "file_claim"]
    assert router.get_tool_schemas_openai() == [
        QUOTE.to_tool_schema().to_openai_format(),
        CLAIM.to_tool_schema().to_openai_format(),
    ]
    assert router.resolve_tool_call("start_quote") is Journey.QUOTE
    assert router.resolve_tool_call("save_name") is None
    assert (router.is_routing_tool("file_claim"), router.is_routing_tool("save_name")) == (True, False)


def test_schemas_are_made_once():
    router = IntentRouter[Journey]().add_route(QUOTE)

    assert router.get_tool_schemas()[0] is router.get_tool_schemas()[0]


def test_router_lists_names_and_journeys():
    again = RouteDefinition(Journey.CLAIM, "check_claim", "Check on a claim")
    router = IntentRouter[Journey]().add_routes([QUOTE, CLAIM, again])

    assert router.route_names == ["start_quote", "file_claim", "check_claim"]
    assert router.journeys == [Journey.QUOTE, Journey.CLAIM]


def test_a_repeated_name_replaces_the_route_and_its_keywords():
    router = IntentRouter[Journey]().add_route(CLAIM)

    router.add_route(RouteDefinition(Journey.SUPPORT, "file_claim", "Help", ["help"]))

    assert router.resolve_tool_call("file_claim") is Journey.SUPPORT
    assert [schema.description for schema in router.get_tool_schemas()] == ["Help"]
    assert router.detect_fallback("a claim") is None
    assert router.detect_fallback("help") == RouteResult(Journey.SUPPORT)


def test_a_refused_route_changes_nothing():
    router = IntentRouter[Journey]().add_route(CLAIM)

    with pytest.raises(ConfigurationError):
        router.add_route(RouteDefinition(Journey.SUPPORT, "file_claim", "Help", [""]))

    assert router.resolve_tool_call("file_claim") is Journey.CLAIM
    assert router.detect_fallback("a claim") == RouteResult(Journey.CLAIM, 0.5)


def test_keywords_of_routes_are_looked_for_before_the_detector():
    router = IntentRouter(fallback_detector=detector(Journey.SUPPORT)).add_route(CLAIM)

    assert router.detect_fallback("damage") == RouteResult(Journey.CLAIM, 0.5)
    assert router.detect_fallback("hail") == RouteResult(Journey.CLAIM, 0.25)
    assert router.detect_fallback("hello") == RouteResult(Journey.SUPPORT, 0.5)


def test_without_keywords_and_detector_there_is_no_fallback():
    assert IntentRouter[Journey]().add_route(QUOTE).detect_fallback("quote") is None


def test_reroute_tool_takes_no_arguments():
    tool = create_reroute_tool()

    assert (tool.name, tool.parameters) == ("reroute_conversation", [])
    assert "different journey" in tool.description
