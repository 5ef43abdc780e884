"""A screen with colour, line editing, history and completion, by rich and prompt_toolkit: the `cli` extra."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style
from rich.console import Console
from rich.status import Status
from rich.text import Text

from agent_runtime_framework.cli.screen.base import Marks, Question, Screen
from agent_runtime_framework.cli.spans import Line, Tone, cells, wrapped

_RICH: dict[Tone, str] = {
    "text": "",
    "quiet": "dim",
    "strong": "bold",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "accent": "cyan",
}
_PROMPT = Style.from_dict(
    {
        "prompt": "bold ansicyan",
        "bottom-toolbar": "noreverse",
        "text": "",
        "quiet": "ansibrightblack",
        "strong": "bold",
        "good": "ansigreen",
        "bad": "ansired",
        "warn": "ansiyellow",
        "accent": "ansicyan",
    }
)


class RichScreen(Screen):
    """A terminal. Colour follows `NO_COLOR` and what the terminal can do."""

    is_interactive = True
    can_erase = True

    def __init__(self) -> None:
        self.marks = Marks.for_encoding(sys.stdout.encoding)
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._sessions: dict[str, PromptSession[str]] = {}
        self._status: Status | None = None

    @property
    def width(self) -> int:
        return self._console.width

    def show(self, *lines: Line, hanging: int = 0) -> None:
        self._stop_waiting()
        for each in lines:
            for row in wrapped(each, self.width, hanging):
                text = Text.assemble(*((span.text, _RICH[span.tone]) for span in row))
                text.rstrip()
                self._console.print(text, soft_wrap=True)

    def note(self, *lines: Line) -> None:
        self.show(*lines)

    def write(self, text: str, tone: Tone = "text") -> None:
        self._stop_waiting()
        self._console.print(Text(text, _RICH[tone]), end="", soft_wrap=True)

    def erase(self, rows: int) -> None:
        self._stop_waiting()
        up = f"\x1b[{rows}A" if rows else ""
        self._console.file.write(f"\r{up}\x1b[J")
        self._console.file.flush()

    def ask(self, question: Question) -> str:
        self._stop_waiting()
        return self._session(question).prompt()

    async def ask_within(self, question: Question) -> str:
        self._stop_waiting()
        return await self._session(question).prompt_async()

    @contextmanager
    def waiting(self, what: str) -> Generator[None]:
        self._status = Status(Text(what, "dim"), console=self._console, spinner="dots", spinner_style="dim")
        self._status.start()
        try:
            yield
        finally:
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _session(self, question: Question) -> PromptSession[str]:
        found = self._sessions.get(question.name)
        if found is None:
            depth = ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None
            found = PromptSession[str](
                history=InMemoryHistory(question.earlier), style=_PROMPT, color_depth=depth, key_bindings=_keys()
            )
            self._sessions[question.name] = found
        found.message = FormattedText([("class:prompt", question.prompt)])
        found.completer = _Words(question.words)
        found.complete_while_typing = True
        found.reserve_space_for_menu = 4 if question.words else 0
        found.bottom_toolbar = _toolbar(question.status) if question.status is not None else None
        return found


class _Words(Completer):
    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(words)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        typed = document.text_before_cursor
        if typed:
            yield from (Completion(word, -len(typed)) for word in self._words if word.startswith(typed))


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("c-c")
    def _(event: KeyPressEvent) -> None:
        """Clear a line that has text; leave an empty one."""
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt())

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        """Begin another line."""
        event.current_buffer.insert_text("\n")

    return keys


def _toolbar(status: Callable[[], Line]) -> Callable[[], StyleAndTextTuples]:
    def fragments() -> StyleAndTextTuples:
        spans = list(status())
        width = get_app().output.get_size().columns
        while spans and sum(cells(span.text) for span in spans) > width:
            spans.pop()
        shown: StyleAndTextTuples = [(f"class:{span.tone}", span.text) for span in spans]
        return shown

    return fragments
