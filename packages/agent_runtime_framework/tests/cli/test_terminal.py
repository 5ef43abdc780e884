"""`agent-runtime chat` in a real terminal: a pseudo-terminal that is typed into and read."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are a matter of Unix", allow_module_level=True)

import fcntl
import pty
import struct
import termios

_DEADLINE = 30.0
PROMPT = "› "  # noqa: RUF001
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*(?:[A-Za-z]|\Z)|\x1b\][^\x07]*\x07|\x1b[=>()][A-Z0-9]?|\x1b\Z")

# The new session takes the pseudo-terminal over, so that Ctrl-C reaches it.
START = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
{before}
from agent_runtime_framework.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
WITHOUT_EXTRA = 'sys.modules["rich"] = sys.modules["prompt_toolkit"] = None'

SLOW = """
import asyncio, sys
sys.path.insert(0, {examples!r})
from agent_runtime_core import LLMStreamChunk
from onboarding import OnboardingAgent

class Slow:
    async def generate(self, messages, *, tools=None, **kwargs):
        raise NotImplementedError

    async def stream(self, messages, *, tools=None, **kwargs):
        yield LLMStreamChunk(delta="It begins, ")
        yield LLMStreamChunk(delta="and never ends ")
        await asyncio.Event().wait()

def agent():
    return OnboardingAgent(llm_client=Slow())
"""


class Terminal:
    """A process in a pseudo-terminal."""

    def __init__(self, arguments: list[str], cwd: Path, columns: int, environment: dict[str, str]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        unwanted = ("AGENT_RUNTIME_", "OPENAI_", "ANTHROPIC_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={**kept, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment},
            start_new_session=True,
            # Whatever runs the tests in the background lets them ignore Ctrl-C; a terminal does not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(slave)
        self.raw = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._seen = 0

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def expect(self, text: str, within: float = _DEADLINE) -> None:
        """Read on until the text has come, after what was expected before."""
        deadline = time.monotonic() + within
        while (found := self._text().find(text, self._seen)) < 0:
            ready, _, _ = select.select([self.master], [], [], max(deadline - time.monotonic(), 0))
            piece = self._read() if ready else b""
            assert piece, f"{text!r} did not come; there was:\n{self._text()[self._seen :]}"
            self.raw += self._decoder.decode(piece)
            # prompt_toolkit asks where the cursor is.
            if b"\x1b[6n" in piece:
                self.type("\x1b[1;1R")
        self._seen = found + len(text)

    def interrupt(self, expected: str) -> None:
        """Press Ctrl-C until it is heard: a signal that comes right before readline waits for a key is not."""
        for _ in range(5):
            self.type("\x03")
            with contextlib.suppress(AssertionError):
                return self.expect(expected, within=_DEADLINE / 5)
        pytest.fail(f"{expected!r} did not come after Ctrl-C; there was:\n{self._text()[self._seen :]}")

    def say(self, text: str) -> None:
        """Type a line when it is asked for."""
        self.expect(PROMPT)
        self.type(f"{text}\r")

    def _text(self) -> str:
        return _ESCAPE.sub("", self.raw).replace("\r", "")

    def wait(self) -> int:
        """Read on until the process ends; returns its exit code."""
        with contextlib.suppress(AssertionError):
            self.expect("\0never")
        return self.process.wait(_DEADLINE)

    def _read(self) -> bytes:
        try:
            return os.read(self.master, 65536)
        except OSError:
            return b""


Open = Callable[..., Terminal]


@pytest.fixture
def open_terminal(tmp_path: Path) -> Generator[Open]:
    opened: list[Terminal] = []

    def opener(*args: str, columns: int = 100, has_extra: bool = True, **environment: str) -> Terminal:
        start = START.format(before="" if has_extra else WITHOUT_EXTRA)
        terminal = Terminal(["-c", start, *args], tmp_path, columns, environment)
        opened.append(terminal)
        return terminal

    yield opener
    for terminal in opened:
        if terminal.process.poll() is None:
            terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.master)


@pytest.mark.parametrize("has_extra", [True, False])
def test_a_conversation_killed_in_the_middle_goes_on_where_it_was(
    open_terminal: Open, examples: Path, has_extra: bool
) -> None:
    target = str(examples / "onboarding.py")
    first = open_terminal("chat", target, has_extra=has_extra)
    first.expect("Say hello to begin.")
    first.say("I'm Ada Lovelace")
    first.expect("Could you tell me the email address?")
    first.expect("● collect_email")
    first.process.send_signal(signal.SIGKILL)
    assert first.process.wait() == -signal.SIGKILL

    again = open_terminal("chat", target, has_extra=has_extra)
    again.expect("Welcome back")
    again.expect("Could you tell me the email address?")
    again.expect("✓ welcome  ● collect_email  ○ choose_plan")
    again.say("ada@example.org")
    again.expect("which plan")
    again.say("the premium one please")
    again.expect("The journey is over")
    again.say("/quit")
    again.expect("agent-runtime chat")
    assert again.wait() == 0


def test_a_conversation_that_was_over_is_not_gone_on_with(open_terminal: Open, examples: Path) -> None:
    target = str(examples / "onboarding.py")
    first = open_terminal("chat", target)
    for text, reply in (("Ada", "email"), ("ada@example.org", "which plan"), ("pro", "The journey is over")):
        first.say(text)
        first.expect(reply)
    first.expect(PROMPT)
    first.type("\x04")
    assert first.wait() == 0
    open_terminal("chat", target).expect("Say hello to begin.")


@pytest.mark.parametrize("has_extra", [True, False])
def test_ctrl_c_stops_a_reply_and_leaves_at_the_prompt(
    open_terminal: Open, examples: Path, tmp_path: Path, has_extra: bool
) -> None:
    (tmp_path / "slow.py").write_text(SLOW.format(examples=str(examples)), encoding="utf-8")
    terminal = open_terminal("chat", "slow.py", "--conversation", "c", has_extra=has_extra)
    terminal.expect("Say hello to begin.")
    terminal.say("hi")
    terminal.expect("and never")
    terminal.interrupt("Stopped.")
    terminal.say("/state")
    terminal.expect('"step": "welcome"')
    terminal.expect(PROMPT)
    terminal.interrupt("Come back with")
    assert terminal.wait() == 0


def test_ctrl_c_clears_a_line_that_has_text(open_terminal: Open, examples: Path) -> None:
    terminal = open_terminal("chat", str(examples / "onboarding.py"))
    terminal.expect("Say hello to begin.")
    terminal.expect(PROMPT)
    terminal.type("not this\x03Ada\r")
    terminal.expect('save_name(name="Ada")')


def test_slash_commands_are_completed(open_terminal: Open, examples: Path) -> None:
    terminal = open_terminal("chat", str(examples / "onboarding.py"))
    terminal.expect("Say hello to begin.")
    terminal.expect(PROMPT)
    terminal.type("/ste")
    terminal.expect("/steps")


def test_colour_is_left_out_when_it_is_not_wanted(open_terminal: Open, examples: Path) -> None:
    target = str(examples / "onboarding.py")
    coloured = open_terminal("chat", target)
    coloured.expect("Say hello to begin.")
    assert "\x1b[36m" in coloured.raw
    plain = open_terminal("chat", target, NO_COLOR="1")
    plain.expect("Say hello to begin.")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain.raw)


def test_a_dumb_terminal_gets_no_escapes(open_terminal: Open, examples: Path) -> None:
    terminal = open_terminal("chat", str(examples / "onboarding.py"), TERM="dumb")
    terminal.expect("Say hello to begin.")
    terminal.say("Ada")
    terminal.expect("○ complete")
    assert "\x1b[" not in terminal.raw.replace("\x1b[?2004", "")


def test_a_narrow_terminal_shows_the_step_and_its_number(open_terminal: Open, examples: Path) -> None:
    terminal = open_terminal("chat", str(examples / "onboarding.py"), columns=40)
    terminal.expect("● welcome (1 of 4)")


@pytest.mark.parametrize("has_extra", [True, False])
def test_whoever_plays_the_model_can_stop_a_turn_too(open_terminal: Open, examples: Path, has_extra: bool) -> None:
    terminal = open_terminal("chat", str(examples / "onboarding.py"), "--model", "me", has_extra=has_extra)
    terminal.say("hello")
    terminal.expect("reply as the model: ")
    terminal.interrupt("Stopped.")
    terminal.say("hello again")
    terminal.expect("reply as the model: ")
    terminal.type("Welcome!\r")
    terminal.expect(PROMPT)
