"""A screen on the standard library alone: pipes, dumb terminals, and installations without the `cli` extra."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import signal
import sys
import threading
from collections.abc import Generator

from agent_runtime_framework.cli.screen.base import Marks, Question, Screen
from agent_runtime_framework.cli.spans import Line, Span, Tone, wrapped


class PlainScreen(Screen):
    """Text without colour; in a pipe the conversation goes to the standard output, notes go to the standard error."""

    can_erase = False

    def __init__(self, remark: str = "") -> None:
        self.remark = remark
        self.is_interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self.marks = Marks.for_encoding(sys.stdout.encoding)
        if self.is_interactive:
            # Line editing and history for input(), where the platform has it.
            with contextlib.suppress(ImportError):
                importlib.import_module("readline")

    @property
    def width(self) -> int:
        return shutil.get_terminal_size().columns if self.is_interactive else 10_000

    def show(self, *lines: Line, hanging: int = 0) -> None:
        self.write("".join(self._rendered(each, hanging) for each in lines))

    def note(self, *lines: Line) -> None:
        if self.is_interactive:
            self.show(*lines)
            return
        sys.stderr.write("".join(self._rendered(each, 0) for each in lines))
        sys.stderr.flush()

    def write(self, text: str, tone: Tone = "text") -> None:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()

    def ask(self, question: Question) -> str:
        if self.is_interactive:
            return input(question.prompt)
        text = sys.stdin.readline()
        if not text:
            raise EOFError
        answer = text.rstrip("\r\n")
        # A transcript without the questions would be half a conversation.
        self.show((Span(f"{question.prompt}{answer}", "quiet"),))
        return answer

    async def ask_within(self, question: Question) -> str:
        with _interruptible():
            return self.ask(question)

    def _rendered(self, spans: Line, hanging: int) -> str:
        rows = wrapped(spans, self.width, hanging)
        return "".join("".join(span.text for span in row).rstrip() + "\n" for row in rows)


@contextlib.contextmanager
def _interruptible() -> Generator[None]:
    """Let Ctrl-C end `input()` although an event loop has taken the signal over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
