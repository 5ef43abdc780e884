"""Exceptions as messages for whoever sits at the command line."""

from __future__ import annotations

import traceback
from pathlib import Path

import agent_runtime_core
import agent_runtime_framework
from agent_runtime_core.errors import AgentRuntimeError, ConfigurationError

OK = 0
FAILED = 1
"""It was asked for rightly and did not work out."""
MISUSED = 2
"""What was asked for cannot be done: an option, a path or a setting is wrong."""
INTERRUPTED = 130
"""Ctrl-C, as shells report it."""

_OWN = tuple(str(Path(package.__file__ or ".").parent) for package in (agent_runtime_core, agent_runtime_framework))


class UsageError(ConfigurationError):
    """Something on the command line cannot be meant; the text says what could."""


class UserCodeError(AgentRuntimeError):
    """The author's code raised while it was imported or called; the text holds the author's part of the traceback."""


def explain(error: BaseException) -> tuple[str, int]:
    """A message and an exit code.

    Errors raised on purpose speak for themselves; any other shows where in the author's code it was raised.
    """
    if isinstance(error, ConfigurationError):
        return str(error), MISUSED
    if isinstance(error, AgentRuntimeError):
        return str(error), FAILED
    return users_traceback(error), FAILED


def users_traceback(error: BaseException) -> str:
    """The traceback from the first frame that is neither ours nor the import machinery's."""
    shown = traceback.TracebackException.from_exception(error)
    shown.stack = traceback.StackSummary.from_list(_users_frames(error))
    # What led to it is often ours; a cause the author named stays.
    if error.__cause__ is None:
        shown.__context__ = None
    return "".join(shown.format()).rstrip()


def _users_frames(error: BaseException) -> list[traceback.FrameSummary]:
    frames = list(traceback.extract_tb(error.__traceback__))
    for index, frame in enumerate(frames):
        if not _is_machinery(frame.filename):
            return frames[index:]
    # A syntax error shows its place itself; anything else without a frame of theirs is ours, and wants all of them.
    return [] if isinstance(error, SyntaxError) else frames


def _is_machinery(filename: str) -> bool:
    return filename.startswith(("<frozen ", *_OWN)) or any(
        part in filename for part in ("/importlib/", "/asyncio/", "\\importlib\\", "\\asyncio\\")
    )
