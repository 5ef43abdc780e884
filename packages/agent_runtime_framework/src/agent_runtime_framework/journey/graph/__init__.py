"""A journey as a picture: its steps, and the moves between them."""

from __future__ import annotations

from typing import Any

from agent_runtime_framework.journey.graph.graph import Edge, Graph, Node, graph_of
from agent_runtime_framework.journey.graph.walked import called, walked

__all__ = ["Edge", "Graph", "Node", "called", "graph_of", "read_graph", "walked"]


def read_graph(subject: Any) -> Graph:
    """The graph of a `Journey` class, of its agent, or of an agent in the long form, which is read from its source.

    Raises:
        ConfigurationError: It is none of these, or has no initial state.
    """
    from agent_runtime_framework.journey.source import read

    reading = read(subject)
    return graph_of(reading.definition, unread=reading.unread())
