"""Routing: by a tool that the model calls, else by keywords."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.router.keywords import begins_a_word, normalized
from agent_runtime_framework.tools.schema import ToolSchema, schemas_to_openai_format

__all__ = ["IntentDetector", "IntentRouter", "RouteDefinition", "RouteResult", "create_reroute_tool"]

JourneyT = TypeVar("JourneyT")

_DEFAULT_CONFIDENCE = 0.5


@dataclass
class RouteDefinition(Generic[JourneyT]):
    """One journey that a person can be sent to.

    Attributes:
        journey: The journey.
        name: The tool by which the model chooses it.
        description: What the model is told of it.
        keywords: Words that speak for it when the model does not choose.
    """

    journey: JourneyT
    name: str
    description: str
    keywords: list[str] = field(default_factory=list[str])

    def to_tool_schema(self) -> ToolSchema:
        """The routing tool; it takes no arguments."""
        return ToolSchema(self.name, self.description)


@dataclass
class RouteResult(Generic[JourneyT]):
    """Where to go.

    Attributes:
        journey: The journey.
        confidence: From 0 to 1.
        metadata: For the program; not interpreted.
    """

    journey: JourneyT
    confidence: float = 1.0
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])


class IntentDetector(Generic[JourneyT]):
    """Guesses the journey from keywords, at the beginning of words: "quotes" finds "quote", "misquote" does not.

    >>> detector = IntentDetector[str]().add_keywords("claims", ["claim", "damage"])
    >>> detector.detect("I want to claim something")
    RouteResult(journey='claims', confidence=0.5, metadata={})

    Args:
        default_journey: The answer where no keyword is found, with a confidence of 0.5.
    """

    def __init__(self, default_journey: JourneyT | None = None) -> None:
        self.default_journey = default_journey
        self._keywords: dict[JourneyT, list[str]] = {}

    def add_keywords(self, journey: JourneyT, words: Iterable[str]) -> Self:
        """Let more words speak for a journey; case and accents' encoding do not matter.

        Raises:
            ConfigurationError: `words` is a single text, or one of them is empty.
        """
        if isinstance(words, str):
            raise ConfigurationError(f"keywords are {words!r}; expected a list of words, such as [{words!r}]")
        words = list(words)
        new = [normalized(word) for word in words]
        if "" in new:
            raise ConfigurationError(
                f"one of the keywords {words!r} of {journey!r} is empty, and would always be found"
            )
        self._keywords[journey] = list(dict.fromkeys([*self._keywords.get(journey, []), *new]))
        return self

    def detect(self, text: str) -> RouteResult[JourneyT] | None:
        """The journey with the most keywords in the text; at a tie the surer one, then the one added first.

        The confidence is the part of the journey's keywords that was found.
        """
        text = normalized(text)
        best, best_rank = None, (0, 0.0)
        for journey, words in self._keywords.items():
            hits = sum(begins_a_word(word, text) for word in words)
            rank = (hits, hits / len(words) if words else 0.0)
            if rank > best_rank:
                best, best_rank = RouteResult(journey, rank[1]), rank
        if best is None and self.default_journey is not None:
            return RouteResult(self.default_journey, _DEFAULT_CONFIDENCE)
        return best


class IntentRouter(Generic[JourneyT]):
    """The journeys there are, as tools for the model and as keywords for when it calls none.

    Args:
        fallback_detector: Asked by `detect_fallback` where no keyword of a route is found.
    """

    def __init__(self, fallback_detector: IntentDetector[JourneyT] | None = None) -> None:
        self.fallback_detector = fallback_detector
        self._routes: dict[str, RouteDefinition[JourneyT]] = {}
        self._schemas: dict[str, ToolSchema] = {}
        self._detector = IntentDetector[JourneyT]()

    def add_route(self, route: RouteDefinition[JourneyT]) -> Self:
        """Add a journey; a route of the same name is replaced."""
        routes = {**self._routes, route.name: route}
        detector = IntentDetector[JourneyT]()
        for each in routes.values():
            detector.add_keywords(each.journey, each.keywords)
        self._routes, self._detector = routes, detector
        self._schemas[route.name] = route.to_tool_schema()
        return self

    def add_routes(self, routes: Iterable[RouteDefinition[JourneyT]]) -> Self:
        """Add several journeys."""
        for route in routes:
            self.add_route(route)
        return self

    def get_tool_schemas(self) -> list[ToolSchema]:
        """A tool for each journey; the same objects every time."""
        return list(self._schemas.values())

    def get_tool_schemas_openai(self) -> list[JSONObject]:
        """A tool for each journey, as chat-completions functions."""
        return schemas_to_openai_format(self._schemas.values())

    def resolve_tool_call(self, name: str) -> JourneyT | None:
        """The journey that the model chose by calling this tool; None if it is no routing tool."""
        route = self._routes.get(name)
        return None if route is None else route.journey

    def is_routing_tool(self, name: str) -> bool:
        """True if the tool chooses a journey."""
        return name in self._routes

    def detect_fallback(self, text: str) -> RouteResult[JourneyT] | None:
        """The journey that the words suggest: by the routes' keywords, else as the fallback detector says."""
        found = self._detector.detect(text)
        if found is None and self.fallback_detector is not None:
            return self.fallback_detector.detect(text)
        return found

    @property
    def route_names(self) -> list[str]:
        """The names of the routing tools."""
        return list(self._routes)

    @property
    def journeys(self) -> list[JourneyT]:
        """The journeys, each once."""
        return list(dict.fromkeys(route.journey for route in self._routes.values()))


def create_reroute_tool() -> ToolSchema:
    """A tool by which the model says, inside one journey, that the person wants another."""
    return ToolSchema(
        "reroute_conversation", "Call this when the user wants a different journey than the one you are guiding now."
    )
