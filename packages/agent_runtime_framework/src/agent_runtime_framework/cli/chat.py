"""Holds a conversation: reads a message or a command, takes the turn, shows it, until the person leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from agent_runtime_core.errors import ConfigurationError, ProviderError
from agent_runtime_framework.agents.base import AgentResult
from agent_runtime_framework.cli import views
from agent_runtime_framework.cli.durable_session import DurableSession
from agent_runtime_framework.cli.failures import FAILED, INTERRUPTED, OK, explain
from agent_runtime_framework.cli.model_choice import ChosenModel, choose_model
from agent_runtime_framework.cli.progress import Progress
from agent_runtime_framework.cli.screen import Question, Screen
from agent_runtime_framework.cli.session import Session
from agent_runtime_framework.cli.slash import SLASH_COMMANDS, Leave, run_slash
from agent_runtime_framework.cli.spans import Line, Span, line, printable
from agent_runtime_framework.cli.transcript import Transcript
from agent_runtime_framework.events import Sink
from agent_runtime_framework.executor.turn import StoppedReason
from agent_runtime_framework.store.delivery import Claim


class Chat:
    """A conversation at a screen.

    Attributes:
        session: The conversation.
        screen: Where it is shown.
        model: Who answers.
    """

    def __init__(self, session: Session, screen: Screen, model: ChosenModel, runner: asyncio.Runner) -> None:
        self.session = session
        self.screen = screen
        self.model = model
        self._runner = runner
        self._said: tuple[str, ...] = ()

    def hold(self) -> int:
        """Go on until the person leaves or the input ends; returns the exit code."""
        if self.screen.is_interactive:
            earlier = self._runner.run(self.session.messages())
            self._said = tuple(views.message_text(each.content) for each in earlier if each.role == "user")
        while True:
            try:
                text = self.screen.ask(self._question()).strip()
            except (EOFError, KeyboardInterrupt):
                return OK
            if not text:
                continue
            try:
                code = self._take(text)
            except Leave:
                return OK
            if code is not None:
                return code

    def go_on(self, left: Claim) -> None:
        """Go on with the turn in which an earlier process died, and show what was kept of it."""
        session = self.session
        assert isinstance(session, DurableSession)  # no other keeps anything of such a turn
        self.screen.note(*views.left_over(left, self.screen.marks))
        before = session.progress
        try:
            self._runner.run(self._turn(lambda sink: session.go_on(left, sink)))
            self._close(before)
        except (asyncio.CancelledError, KeyboardInterrupt):
            self._stopped(before)
        except Exception as error:  # noqa: BLE001  as in any other turn
            self._failed(error, before)

    def use_model(self, name: str) -> None:
        """Go on with another model; one that cannot be used leaves things as they are."""
        try:
            self.model = choose_model(name, self.session.agent, self.screen)
        except ConfigurationError as error:
            self.screen.note(line(str(error), "bad"))
            return
        self.session.client = self.model.client

    def show_progress(self) -> None:
        """Show where the journey is."""
        if self.session.progress.steps:
            self.screen.show(self.session.progress.line(self.screen.marks, self.screen.width - 1))

    def _take(self, text: str) -> int | None:
        before = self.session.progress
        try:
            if text.startswith("/"):
                self._runner.run(run_slash(self, text))
            else:
                self._runner.run(self._turn(lambda sink: self.session.say(text, sink)))
            self._close(before)
        except (asyncio.CancelledError, KeyboardInterrupt):
            return self._stopped(before)
        except Leave:
            raise
        except Exception as error:  # noqa: BLE001  a turn may fail for any reason, and the conversation outlives it
            return self._failed(error, before)
        return None

    async def _turn(self, take: Callable[[Sink], Awaitable[AgentResult]]) -> None:
        transcript = Transcript(self.screen, is_detailed=self.model.is_person)
        with self.screen.waiting("…"):
            result = await take(transcript)
        if result.metadata.get("stopped_reason") == StoppedReason.CLOSED:
            self.screen.note(line("The journey is over, and there is nothing to add.", "quiet"))
        elif not result.response:
            self.screen.note(line("(the model said nothing)", "quiet"))

    def _close(self, before: Progress) -> None:
        """Show where the journey is now, if it moved, and leave room for what comes next."""
        now = self.session.progress
        if now != before:
            self.show_progress()
        if now.is_over and not before.is_over:
            self.screen.note(line("The journey is over; /restart begins anew, /quit leaves.", "quiet"))
        if self.screen.is_interactive:
            self.screen.write("\n")

    def _stopped(self, before: Progress) -> int | None:
        self.screen.note(line("Stopped. Calls that were done are kept, the reply is not.", "warn"))
        self._close(before)
        return None if self.screen.is_interactive else INTERRUPTED

    def _failed(self, error: Exception, before: Progress) -> int | None:
        message, _ = explain(error)
        lines: list[Line] = [line(printable(each), "bad") for each in message.splitlines()]
        if self.screen.is_interactive:
            hint = "Nothing is lost: say it again, or go on."
            if isinstance(error, ProviderError):
                hint = "Nothing is lost: say it again, or /model offline to go on without this model."
            if isinstance(self.session, DurableSession) and self.session.apology:
                lines.append(line(f"The person reads: {self.session.apology}"))
            self.screen.note(*lines, line(hint, "quiet"))
            self._close(before)
            return None
        self.screen.note(*lines)
        return FAILED

    def _question(self) -> Question:
        return Question(
            prompt=f"{self.screen.marks.prompt} ",
            words=tuple(SLASH_COMMANDS),
            status=self._status,
            name="person",
            earlier=self._said,
        )

    def _status(self) -> Line:
        progress = self.session.progress
        here = progress.line(self.screen.marks, self.screen.width - len(self.model.title) - 9)
        return (*here, Span(f" {self.screen.marks.dot} {self.model.title}", "quiet"))
