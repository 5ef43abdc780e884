"""Writes the project that `agent-runtime new` begins with; its files are the templates beside this module.

In a template `{{name}}`, `{{class}}`, `{{title}}` and `{{version}}` are replaced, once, by what the project is called
and by the version that writes it.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from agent_runtime_core._version import __version__
from agent_runtime_framework.cli.failures import UsageError

_FILES = Path(__file__).with_name("files")
_SUFFIX = ".template"
_RENAMED = {"gitignore": ".gitignore", "dockerignore": ".dockerignore"}


def write_project(name: str, into: Path) -> list[Path]:
    """Write the project's files; returns their paths.

    Raises:
        UsageError: The name cannot be used, or its directory is there already.
    """
    words = _words_of(name)
    values = {
        "name": name,
        "class": "".join(word.capitalize() for word in words),
        "title": " ".join(words).capitalize(),
        "version": __version__,
    }
    root = into / name
    if root.exists():
        raise UsageError(f"{str(root)!r} is there already; choose another name, or remove it")
    written: list[Path] = []
    for template in sorted(_FILES.rglob(f"*{_SUFFIX}")):
        relative = template.relative_to(_FILES)
        path = root / relative.parent / _RENAMED.get(relative.stem, relative.stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(template.read_text(encoding="utf-8"), values), encoding="utf-8")
        written.append(path)
    return written


def _words_of(name: str) -> list[str]:
    words = [word for word in re.split(r"[-_]+", name) if word]
    is_name = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) is not None
    if not is_name or keyword.iskeyword(name) or name.lower() in ("journey", "tests"):
        raise UsageError(
            f"a project cannot be called {name!r}; expected a letter, then letters, digits, - or _, such as front-desk"
        )
    return words


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)
