"""Which journey a person wants."""

from agent_runtime_framework.router.intent import IntentDetector, IntentRouter, RouteDefinition, RouteResult

__all__ = ["IntentDetector", "IntentRouter", "RouteDefinition", "RouteResult"]
