"""Logging for production: one JSON object a line, with the ids of the run, without secrets and without content.

Rules:
    - Ids come from `log_context`, or from `extra`, which wins.
    - Secrets are masked everywhere: message, extras, exception texts, tracebacks.
    - Content is what people, models and tools said. Dicts and lists, exception texts, and extras named like content
      are replaced by their size or type, unless `log_content=True`.
    - Importing this module changes nothing; `configure_logging` is for the application to call.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sized
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO, cast
from uuid import UUID

from agent_runtime_core.config import get_config
from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.masking import MASK, is_secret_name, mask_secrets

ID_FIELDS = ("run_id", "conversation_id", "step", "workflow_step")

CONTENT_FIELDS = frozenset(
    {
        "answer",
        "args",
        "arguments",
        "body",
        "completion",
        "content",
        "data",
        "delta",
        "details",
        "error",
        "error_message",
        "input",
        "kwargs",
        "messages",
        "output",
        "params",
        "payload",
        "preview",
        "prompt",
        "query",
        "reply",
        "request",
        "response",
        "result",
        "state",
        "text",
        "tool_args",
        "tool_result",
        "url",
        "user_message",
        "value",
    }
)
"""Names of extras that are content whatever they hold."""

_ids: ContextVar[Mapping[str, object]] = ContextVar("agent_runtime_log_ids", default={})  # noqa: B039  never changed in place


def log_context(
    *,
    run_id: UUID | str | None = None,
    conversation_id: UUID | str | None = None,
    step: str | Callable[[], str | None] | None = None,
    workflow_step: str | None = None,
) -> AbstractContextManager[None]:
    """Put these ids on every record that is logged inside the block, tasks begun in it included.

    None leaves what an outer block set. A step that changes inside the block is given as a function, which is asked
    whenever a record is logged.
    """
    given = {"run_id": run_id, "conversation_id": conversation_id, "step": step, "workflow_step": workflow_step}
    return _Ids({name: value for name, value in given.items() if value is not None})


class _Ids(AbstractContextManager[None]):
    """Cheaper than a generator: every turn of every agent has one."""

    __slots__ = ("_before", "_given")

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given

    def __enter__(self) -> None:
        self._before = _ids.get()
        _ids.set({**self._before, **self._given})

    def __exit__(self, *_: object) -> None:
        # Not `reset`: a generator may be closed in another context than the one it began in.
        _ids.set(self._before)


def _told(value: object) -> str:
    value = value() if callable(value) else value
    return "" if value is None else str(value)


def log_ids() -> dict[str, str]:
    """The ids that `log_context` has set here, by the names of `ID_FIELDS`; what is not set is not there."""
    return {name: told for name, value in _ids.get().items() if (told := _told(value))}


class ContextFilter(logging.Filter):
    """Gives every record the ids as attributes, so that any formatter may name them; empty where there is none.

    Where records go through a queue, it belongs on the handler that fills the queue.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attributes; the record always passes."""
        ids = _ids.get()
        for name in ID_FIELDS:
            if not hasattr(record, name):
                setattr(record, name, _told(ids.get(name)))
        return True


class SecretFilter(logging.Filter):
    """Masks secrets in the record itself, for handlers with a formatter of their own.

    The record is shared: handlers that come later see the masked one, too. Content stays.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask message, extras and exception; the record always passes."""
        record.msg, record.args = mask_secrets(record.getMessage()), None
        if record.exc_info and record.exc_info[1] is not None:
            # Formatters take this text instead of making their own from `exc_info`.
            record.exc_text = mask_secrets("".join(traceback.format_exception(record.exc_info[1])).rstrip())
        if record.stack_info:
            record.stack_info = mask_secrets(record.stack_info)
        for name, value in _extras(record).items():
            if isinstance(value, str):
                setattr(record, name, mask_secrets(value))
        return True


class TextFormatter(logging.Formatter):
    """One readable line a record: time, level, logger, message, then ids and extras as `name=value`."""

    def __init__(self, *, log_content: bool = False) -> None:
        super().__init__()
        self.log_content = log_content

    def format(self, record: logging.LogRecord) -> str:
        """The record as text; a traceback follows on lines of its own."""
        entry = describe(record, log_content=self.log_content)
        head = "{timestamp} {level:<7} {logger}: {message}".format(**entry)
        rest = {name: value for name, value in entry.items() if name not in _HEAD}
        trace = [rest.pop(name) for name in ("exception", "stack") if name in rest]
        line = " ".join([head, *(f"{name}={value}" for name, value in rest.items())])
        # A message of several lines could pass itself off as several records.
        line = line.replace("\r", "\\r").replace("\n", "\\n")
        text = "\n".join([line, *trace])
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


class JSONFormatter(logging.Formatter):
    """One JSON object a line: `timestamp`, `level`, `logger`, `message`, the ids, the extras, `exception`."""

    def __init__(self, *, log_content: bool = False) -> None:
        super().__init__()
        self.log_content = log_content

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON in one line."""
        return json.dumps(describe(record, log_content=self.log_content))


_HEAD = frozenset({"timestamp", "level", "logger", "message"})


def describe(record: logging.LogRecord, *, log_content: bool = False) -> JSONObject:
    """A record as plain fields, masked, and without content unless it is asked for."""
    entry: JSONObject = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": _clean(_message(record, log_content), log_content),
    }
    extras = _extras(record)
    for name in ID_FIELDS:
        value = extras.pop(name, None) or _told(_ids.get().get(name))
        if value:
            entry[name] = mask_secrets(str(value))
    for name, value in extras.items():
        # An extra cannot pass itself off as one of the fields above.
        entry[f"extra_{name}" if name in entry else name] = _extra(name, value, log_content)
    if record.exc_info and record.exc_info[1] is not None:
        entry["exception"] = mask_secrets("\n".join(_trace(record.exc_info[1], log_content)))
    if record.stack_info:
        entry["stack"] = mask_secrets(record.stack_info)
    return entry


_STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def _extras(record: logging.LogRecord) -> JSONObject:
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD_FIELDS}


_QUERY = re.compile(r"(?<=[a-z]://)([^\s?#\"'<>]*)\?[^\s#\"'<>]+")


def _clean(text: str, log_content: bool) -> str:
    # What people asked for travels in the queries of addresses.
    return mask_secrets(text if log_content else _QUERY.sub(rf"\1?{MASK}", text))


def _message(record: logging.LogRecord, log_content: bool) -> str:
    try:
        if log_content or not record.args:
            return record.getMessage()
        return str(record.msg) % _arguments(record.args)
    except (TypeError, ValueError, KeyError):
        # Else `logging` prints the record, arguments and all, on stderr.
        return f"{record.msg} <the arguments do not fit>"


def _arguments(args: tuple[object, ...] | Mapping[str, object]) -> object:
    if isinstance(args, Mapping):
        return {name: _argument(value) for name, value in args.items()}
    return tuple(_argument(value) for value in args)


class _Shown:
    """Text that stands for a value under `%s` and under `%r` alike."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def _argument(value: object) -> object:
    if value is None or isinstance(value, str | int | float | UUID):
        return value
    return _Shown(_outline(value))


def _extra(name: str, value: object, log_content: bool) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value if log_content or name not in CONTENT_FIELDS else _outline(value)
    if not log_content and (name in CONTENT_FIELDS or not isinstance(value, str | UUID)):
        return _outline(value)
    return MASK if is_secret_name(name) else _clean(str(value), log_content)


def _outline(value: object) -> str:
    """What kind of thing it is and how large, but not what it says."""
    if isinstance(value, BaseException):
        return type(value).__name__
    if isinstance(value, str):
        return f"<{len(value)} characters>"
    size = f" of {len(value)}" if isinstance(value, Sized) else ""
    return f"<{type(value).__name__}{size}>"


def _trace(error: BaseException, log_content: bool, seen: frozenset[int] = frozenset()) -> list[str]:
    """A traceback with its chain, like the interpreter's, but with the texts under our control."""
    lines: list[str] = []
    seen |= {id(error)}
    before, link = error.__cause__, "The above exception was the direct cause of the following exception:"
    if before is None and not error.__suppress_context__:
        before, link = error.__context__, "During handling of the above exception, another exception occurred:"
    if before is not None and id(before) not in seen:
        lines += [*_trace(before, log_content, seen), "", link, ""]
    lines.append("Traceback (most recent call last):")
    lines += "".join(traceback.format_tb(error.__traceback__)).splitlines()
    lines.append(f"{type(error).__qualname__}: {_error_text(error, log_content)}")
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            lines += [f"  | {line}" for line in _trace(inner, log_content, seen)]
    return lines


def _error_text(error: BaseException, log_content: bool) -> str:
    # A configuration error speaks of settings; any other text may quote what somebody said.
    if log_content or isinstance(error, ConfigurationError):
        return "\n".join([str(error), *getattr(error, "__notes__", ())])
    about = [
        f"{name}={value!r}" for name in ("provider", "status", "step_name") if (value := getattr(error, name, None))
    ]
    return " ".join([*about, f"{_outline(str(error))} withheld"])


_installed: tuple[logging.Logger, logging.Handler] | None = None


def configure_logging(
    *,
    level: int | str | None = None,
    json: bool = True,
    log_content: bool = False,
    stream: TextIO | None = None,
    logger: logging.Logger | None = None,
) -> logging.Handler:
    """Send the records of this process to `stream`; returns the handler that does it.

    A second call replaces the handler of the first; handlers of others stay.

    Args:
        level: The lowest level to log; by default DEBUG when the configuration says `debug`, else INFO.
        json: False for lines that people read.
        log_content: True shows what people, models and tools said. Secrets stay masked.
        stream: Where to; by default stderr.
        logger: Whose records; by default the root logger, so those of every library.
    """
    global _installed
    if _installed is not None:
        former_owner, former = _installed
        former_owner.removeHandler(former)
    make: Callable[..., logging.Formatter] = JSONFormatter if json else TextFormatter
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(make(log_content=log_content))
    handler.addFilter(ContextFilter())
    owner = logging.getLogger() if logger is None else logger
    owner.addHandler(handler)
    owner.setLevel(level if level is not None else logging.DEBUG if get_config().debug else logging.INFO)
    _installed = owner, handler
    return handler
