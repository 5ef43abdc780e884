"""Text with places for values, filled in one pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from string import Template
from typing import Any


@dataclass
class PromptTemplate:
    """Text in which `$name` and `${name}` stand for values.

    What has no value stays as it is written, and so do braces and amounts such as $5; `$$` is a dollar sign before a
    name. Values are put in once and never read as templates themselves.

    >>> PromptTemplate("Hello $name, that is $5 {net}.", {"name": "there"}).render(name="$Ada")
    'Hello $Ada, that is $5 {net}.'

    Attributes:
        template: The text.
        defaults: Values for names that `render` is not given.
    """

    template: str
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])

    def render(self, /, **variables: Any) -> str:
        """The text with its values."""
        return Template(self.template).safe_substitute(self.defaults, **variables)

    @property
    def variables(self) -> frozenset[str]:
        """The names that the text has places for."""
        return frozenset(Template(self.template).get_identifiers())
