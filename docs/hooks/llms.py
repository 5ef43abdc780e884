"""Writes `llms.txt` and `llms-full.txt`, by which a coding agent reads the documentation, from the pages themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_pages: dict[str, tuple[str, str]] = {}
"""Title and text by path, in the order of the navigation."""


def on_nav(nav: Any, **_: Any) -> None:
    """Take in the order; the pages of an earlier build are forgotten."""
    _pages.clear()
    _pages.update({page.file.src_uri: ("", "") for page in nav.pages})


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> None:
    """Take in a page's text; the API reference is not text."""
    if not page.file.src_uri.startswith("reference/"):
        _pages[page.file.src_uri] = (page.title, markdown)


def on_post_build(*, config: Any, **_: Any) -> None:
    """Write both files, and beside the built pages their Markdown, `AGENTS.md` first."""
    site = Path(config["site_dir"])
    lines = [f"# {config['site_name']}", "", f"> {config['site_description']}", "", "## Pages", ""]
    agents = (Path(config["config_file_path"]).parent / "AGENTS.md").read_text(encoding="utf-8")
    (site / "AGENTS.md").write_text(agents, encoding="utf-8")
    lines.append("- [Writing a journey, for coding agents](AGENTS.md)")
    whole = [f"<!-- AGENTS.md -->\n{agents.strip()}\n"]
    for path, (title, markdown) in _pages.items():
        if not markdown:
            continue
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(markdown, encoding="utf-8")
        lines.append(f"- [{title}]({path})")
        whole.append(f"<!-- {path} -->\n{markdown.strip()}\n")
    (site / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (site / "llms-full.txt").write_text("\n".join(whole), encoding="utf-8")
