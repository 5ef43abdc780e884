"""A graph as a page: the picture, and what happens in each step. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from agent_runtime_framework.journey.graph.graph import Edge, Graph, Node

KINDS = {"step": "", "say": "exact words", "run": "code", "form": "form"}

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #0f172a; --soft: #526077; --rim: #dbe2ea; --mark: #1d4ed8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #0f172a; --ink: #e8eef6; --soft: #a3b1c6; --rim: #334155; --mark: #60a5fa; }
}
body { margin: 0; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 60rem; margin: 0 auto; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
.soft { color: var(--soft); }
figure { margin: 1.5rem 0; overflow-x: auto; } figure svg { display: block; margin: 0 auto; height: auto; }
ul.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; padding: 0; list-style: none; font-size: .87rem; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th, td { text-align: left; vertical-align: top; padding: .55rem .9rem .55rem 0; border-top: 1px solid var(--rim); }
th { font-weight: 600; } thead th { border-top: 0; color: var(--soft); font-size: .82rem; }
td { min-width: 9rem; } td p { margin: 0; white-space: pre-line; } .here { color: var(--mark); font-weight: 600; }
code { font-size: .9em; } .tables { overflow-x: auto; }
"""


def draw(graph: Graph) -> str:
    """The page, a whole HTML document."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    title = escape(graph.title)
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body><main>"
    yield f"<h1>{title}</h1>"
    yield f'<p class="soft">{_summary(graph)}</p>'
    yield f"<figure>{graph.svg()}</figure>"
    for sentence in graph.unread:
        yield f'<p class="soft">Not in the picture: {escape(sentence)}</p>'
    yield "<h2>Steps</h2>"
    yield '<div class="tables"><table>'
    yield "<thead><tr><th>Step</th><th>What happens</th><th>Where it leads</th></tr></thead><tbody>"
    for node in graph.nodes:
        yield from _row(graph, node)
    yield "</tbody></table></div>"
    yield "</main></body></html>"


def _summary(graph: Graph) -> str:
    moves = len(graph.edges)
    parts = [f"{len(graph.nodes)} steps, {moves} {'move' if moves == 1 else 'moves'}"]
    if graph.current is not None:
        parts.append(f'the conversation is in <span class="here">{escape(graph.current)}</span>')
    if len(graph.path) > 1:
        parts.append(f"it came by {escape(', '.join(graph.path[:-1]))}")
    return "; ".join(parts) + "."


def _row(graph: Graph, node: Node) -> Iterator[str]:
    marks = [KINDS[node.kind]] if KINDS[node.kind] else []
    marks += ["first step"] if node.is_initial else []
    marks += ["the end"] if node.is_final else []
    marks += ["waits for the person"] if node.awaits_user else []
    name = escape(node.name)
    yield "<tr>"
    here = ' class="here"' if node.name == graph.current else ""
    yield f"<th scope='row'><span{here}>{name}</span>"
    if marks:
        yield f'<br><small class="soft">{escape(", ".join(marks))}</small>'
    yield f"</th><td><p>{escape(node.instruction)}</p>"
    if node.tools:
        yield f'<p class="soft">Tools: {", ".join(f"<code>{escape(tool)}</code>" for tool in node.tools)}</p>'
    yield "</td><td>"
    yield "".join(f"<p>{_way(edge)}</p>" for edge in graph.edges if edge.source == node.name)
    yield "</td></tr>"


def _way(edge: Edge) -> str:
    if not edge.labels:
        return escape(edge.target)
    return f'{escape(edge.target)} <small class="soft">{escape(", ".join(edge.labels))}</small>'
