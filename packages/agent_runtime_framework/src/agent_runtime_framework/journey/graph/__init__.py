"""A journey as a picture: its steps, and the moves between them."""

from agent_runtime_framework.journey.graph.graph import Edge, Graph, Node, graph_of
from agent_runtime_framework.journey.graph.walked import walked

__all__ = ["Edge", "Graph", "Node", "graph_of", "walked"]
