"""Shows the doctests of docstrings as code; as plain Markdown, `>>>` would be three quotations."""

from __future__ import annotations

import re
from typing import Any

import griffe

# A doctest ends at a blank line, as it does for doctest itself.
_DOCTEST = re.compile(r"^(?P<indent> *)>>> .*(?:\n(?!\s*$).+)*", re.MULTILINE)


class Doctests(griffe.Extension):
    """Puts a fence around each doctest."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of whatever was found."""
        if obj.docstring is not None:
            obj.docstring.value = _DOCTEST.sub(_fenced, obj.docstring.value)


def _fenced(found: re.Match[str]) -> str:
    return f"{found['indent']}```pycon\n{found[0]}\n{found['indent']}```"
