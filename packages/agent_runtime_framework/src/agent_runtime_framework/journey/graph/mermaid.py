"""A graph as Mermaid's `stateDiagram-v2`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent_runtime_framework.journey.graph.graph import Graph, Node

_WORDS = frozenset({"state", "note", "direction", "end", "as", "default", "class", "classdef", "style", "root"})
"""What Mermaid would not take as a name."""

_CURRENT = "classDef current fill:#1d4ed8,color:#ffffff,stroke:#1e3a8a,stroke-width:2px"
_WALKED = "classDef walked fill:#dbeafe,color:#1e3a8a,stroke:#1d4ed8"


def draw(graph: Graph) -> str:
    """The diagram, ending in a line break."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    names = _names(graph)
    yield "stateDiagram-v2"
    for node in graph.nodes:
        label = _label(node)
        if label != names[node.name]:
            yield f'    state "{label}" as {names[node.name]}'
    for node in graph.nodes:
        if node.is_initial:
            yield f"    [*] --> {names[node.name]}"
    for edge in graph.edges:
        label = f": {_escaped(', '.join(edge.labels))}" if edge.labels else ""
        yield f"    {names[edge.source]} --> {names[edge.target]}{label}"
    for node in graph.nodes:
        if node.is_final:
            yield f"    {names[node.name]} --> [*]"
    walked = [names[name] for name in dict.fromkeys(graph.path) if name != graph.current]
    if walked:
        yield f"    {_WALKED}"
        yield f"    class {','.join(walked)} walked"
    if graph.current is not None:
        yield f"    {_CURRENT}"
        yield f"    class {names[graph.current]} current"


def _names(graph: Graph) -> dict[str, str]:
    """A name for each step that Mermaid can take."""
    names: dict[str, str] = {}
    for node in graph.nodes:
        name = re.sub(r"\W", "_", node.name, flags=re.ASCII)
        if name.lower() in _WORDS or not re.match(r"[A-Za-z_]", name):
            name = f"step_{name}"
        while name in names.values():
            name += "_"
        names[node.name] = name
    return names


def _label(node: Node) -> str:
    notes = [node.kind] if node.kind != "step" else []
    if node.awaits_user:
        notes.append("waits for the person")
    return _escaped(f"{node.name} ({', '.join(notes)})" if notes else node.name)


def _escaped(text: str) -> str:
    return "".join(f"#{ord(char)};" if char in '#;:"<>{}' else char for char in text)
