"""Writes `llms.txt` and `llms-full.txt`, by which a coding agent reads the documentation, from the pages themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_pages: list[tuple[str, str, str]] = []


def on_pre_build(**_: Any) -> None:
    """Forget the pages of an earlier build."""
    _pages.clear()


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> None:
    """Take in a page's text; the API reference is not text."""
    if not page.file.src_uri.startswith("reference/"):
        _pages.append((page.title, page.file.src_uri, markdown))


def on_post_build(*, config: Any, **_: Any) -> None:
    """Write both files, and the pages as Markdown beside the built ones."""
    site = Path(config["site_dir"])
    lines = [f"# {config['site_name']}", "", f"> {config['site_description']}", "", "## Pages", ""]
    whole: list[str] = []
    for title, path, markdown in _pages:
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(markdown, encoding="utf-8")
        lines.append(f"- [{title}]({path})")
        whole.append(f"<!-- {path} -->\n{markdown.strip()}\n")
    (site / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (site / "llms-full.txt").write_text("\n".join(whole), encoding="utf-8")
