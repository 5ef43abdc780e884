"""What the command line needs of a screen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from agent_runtime_framework.cli.spans import Line, Tone


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs of a screen, as far as its encoding has them."""

    done: str = "✓"
    here: str = "●"
    open: str = "○"
    refused: str = "✗"
    prompt: str = "›"  # noqa: RUF001  it is the sign that is meant
    arrow: str = "→"
    dot: str = "·"
    rule: str = "─"

    @classmethod
    def for_encoding(cls, encoding: str | None) -> Marks:
        """These signs, or ASCII ones where the encoding lacks them."""
        marks = cls()
        try:
            "".join((marks.done, marks.here, marks.open, marks.refused, marks.prompt, marks.arrow)).encode(
                encoding or "ascii"
            )
        except (UnicodeError, LookupError):
            return cls("[x]", "[>]", "[ ]", "[!]", ">", "->", "-", "-")
        return marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody is asked.

    Attributes:
        prompt: In front of the answer.
        words: What can be completed when the answer begins with it.
        status: A line below, where a screen has room for one; asked for anew while typing.
        name: Answers of one name share a history.
        earlier: Answers given before this program ran, oldest first.
    """

    prompt: str
    words: Sequence[str] = ()
    status: Callable[[], Line] | None = None
    name: str = ""
    earlier: Sequence[str] = field(default=())


class Screen(ABC):
    """A place to show lines, to stream a reply, and to ask.

    Attributes:
        marks: Its signs.
        is_interactive: True if a person sits in front of it; otherwise input comes from a file or a pipe.
        can_erase: True if text that was written can be taken back.
        remark: What would make it a better one; empty if nothing would.
    """

    marks: Marks
    is_interactive: bool
    can_erase: bool
    remark: str = ""

    @property
    @abstractmethod
    def width(self) -> int:
        """Columns."""

    @abstractmethod
    def show(self, *lines: Line, hanging: int = 0) -> None:
        """Lines of the conversation; a line that is too long is broken, and goes on `hanging` columns further in."""

    @abstractmethod
    def note(self, *lines: Line) -> None:
        """Lines about the conversation; on a pipe they go to the standard error."""

    @abstractmethod
    def write(self, text: str, tone: Tone = "text") -> None:
        """A piece of text, at once, just as it is."""

    def erase(self, rows: int) -> None:  # noqa: B027  only called where `can_erase`
        """Go back to the beginning of the line `rows` above, and clear what follows."""

    @abstractmethod
    def ask(self, question: Question) -> str:
        """An answer, one line or several.

        Raises:
            EOFError: There is no more input (Ctrl-D).
            KeyboardInterrupt: Ctrl-C.
        """

    @abstractmethod
    async def ask_within(self, question: Question) -> str:
        """The same, inside a running event loop."""

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """Show that something takes time, until the block is left or something is written."""
        return nullcontext()
