"""What a log line shows, and what it never shows."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from agent_runtime_core.config import override_config
from agent_runtime_core.errors import ConfigurationError, RateLimited
from agent_runtime_core.logs import (
    ContextFilter,
    JSONFormatter,
    SecretFilter,
    TextFormatter,
    configure_logging,
    log_context,
    log_ids,
)

SECRET = "sk-cAnArY0123456789"
SAID = "my-words-canary"


class Log:
    """A logger of its own with one handler, and the lines it wrote."""

    def __init__(self, formatter: logging.Formatter, *filters: logging.Filter) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(formatter)
        for each in filters:
            handler.addFilter(each)
        self.logger = logging.Logger("test.logger", logging.DEBUG)
        self.logger.addHandler(handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


def fail(message: str) -> None:
    raise ValueError(message)


def say_everything(logger: logging.Logger, canary: str) -> None:
    """Put a canary in every place that a record has."""
    logger.info("calling %s with %s", "tool", {"name": canary})
    logger.info("called %r", [canary])
    logger.info("%(a)s", {"a": {"b": canary}})
    logger.info("GET https://api.example.org/v1?q=%s", canary)
    logger.info("GET %s", f"https://api.example.org/v1?api_key={canary}&a=b")
    logger.info("refused: %s", ValueError(canary))
    logger.info("too many %s", "arguments", canary)
    logger.info(
        "extras", extra={"arguments": {"name": canary}, "result": canary, "content": canary, "anything": [canary]}
    )
    logger.info("extras", extra={"url": f"https://user:{canary}@h/?key={canary}", "password": canary})
    for chained in (False, True):
        try:
            try:
                fail(canary)
            except ValueError as error:
                if chained:
                    raise RuntimeError(f"again {canary}") from error
                raise RuntimeError(f"again {canary}")  # noqa: B904  the implicit chain is what is tested
        except RuntimeError as error:
            error.add_note(canary)
            logger.exception("failed")
    try:
        raise ExceptionGroup(canary, [ValueError(canary), ExceptionGroup("inner", [KeyError(canary)])])
    except ExceptionGroup:
        logger.exception("several failed")


@pytest.mark.parametrize("formatter", [JSONFormatter(), TextFormatter()])
def test_canaries_of_content_never_appear(formatter: logging.Formatter) -> None:
    log = Log(formatter)
    say_everything(log.logger, SAID)
    assert SAID not in log.text
    assert "ValueError" in log.text
    assert "in fail" in log.text
    assert log.text.count("withheld") == 8


@pytest.mark.parametrize("formatter", [JSONFormatter(log_content=True), TextFormatter(log_content=True)])
def test_canaries_of_secrets_never_appear_even_with_content(formatter: logging.Formatter) -> None:
    log = Log(formatter)
    say_everything(log.logger, SECRET)
    assert SECRET not in log.text
    assert "again ***" in log.text


def test_content_appears_behind_the_switch() -> None:
    log = Log(JSONFormatter(log_content=True))
    say_everything(log.logger, SAID)
    first, second, *_ = log.entries
    assert first["message"] == f"calling tool with {{'name': '{SAID}'}}"
    assert second["message"] == f"called ['{SAID}']"
    assert f"RuntimeError: again {SAID}\n{SAID}" in log.text.replace("\\n", "\n")


def test_entry_says_what_happened_without_saying_what_was_said() -> None:
    log = Log(JSONFormatter())
    log.logger.warning(
        "tool %r took %d ms: %s", "save", 12, {"a": 1}, extra={"ms": 12, "tool": "save", "result": "ok!"}
    )
    (entry,) = log.entries
    timestamp = entry.pop("timestamp")
    assert timestamp.endswith("+00:00")
    assert entry == {
        "level": "WARNING",
        "logger": "test.logger",
        "message": "tool 'save' took 12 ms: <dict of 1>",
        "ms": 12,
        "tool": "save",
        "result": "<3 characters>",
    }


def test_ids_come_from_the_context_and_extra_wins() -> None:
    log = Log(JSONFormatter(), ContextFilter())
    run_id = uuid4()
    log.logger.info("outside")
    with log_context(run_id=run_id, conversation_id="c1", step="name"):
        log.logger.info("inside")
        with log_context(step="email"):
            log.logger.info("deeper", extra={"run_id": "other"})
        log.logger.info("back")
    ids = [tuple(entry.get(name) for name in ("run_id", "conversation_id", "step")) for entry in log.entries]
    assert ids == [
        (None, None, None),
        (str(run_id), "c1", "name"),
        ("other", "c1", "email"),
        (str(run_id), "c1", "name"),
    ]


def test_step_that_changes_is_asked_for_with_every_record() -> None:
    log, steps = Log(JSONFormatter(), ContextFilter()), ["name", "email", None]
    with log_context(step=lambda: steps[0]):
        for _ in range(3):
            log.logger.info("x")
            steps.pop(0)
            steps.append("over")
    assert [entry.get("step") for entry in log.entries] == ["name", "email", None]


@pytest.mark.asyncio
async def test_ids_of_concurrent_runs_do_not_mix() -> None:
    log = Log(JSONFormatter(), ContextFilter())

    async def run(name: str) -> None:
        with log_context(run_id=name):
            for _ in range(3):
                await asyncio.sleep(0)
                log.logger.info(name)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(run(f"run {number}"))
    assert len(log.entries) == 15
    assert all(entry["message"] == entry["run_id"] for entry in log.entries)


def test_formats_of_others_can_name_the_ids() -> None:
    log = Log(logging.Formatter("%(run_id)s|%(step)s|%(message)s"), ContextFilter())
    with log_context(run_id="r"):
        log.logger.info("x")
    assert log.text == "r||x\n"


def test_secret_filter_serves_formatters_of_others() -> None:
    log = Log(logging.Formatter("%(message)s %(where)s"), SecretFilter())
    try:
        fail(SECRET)
    except ValueError:
        log.logger.exception("key %s", SECRET, extra={"where": SECRET}, stack_info=True)
    assert SECRET not in log.text
    assert "ValueError: ***" in log.text


def test_texts_of_configuration_errors_are_shown() -> None:
    log = Log(JSONFormatter())
    try:
        raise ConfigurationError(f"max_retries is 'many', key {SECRET}")
    except ConfigurationError:
        log.logger.exception("cannot start")
    assert log.entries[0]["exception"].endswith("ConfigurationError: max_retries is 'many', key ***")


def test_provider_errors_say_who_and_which_status() -> None:
    log = Log(JSONFormatter())
    try:
        raise RateLimited(SAID, provider="openai", status=429)
    except RateLimited:
        log.logger.exception("no answer")
    assert log.entries[0]["exception"].endswith("RateLimited: provider='openai' status=429 <15 characters> withheld")


def test_an_extra_cannot_pass_itself_off_as_a_field() -> None:
    log = Log(JSONFormatter())
    log.logger.info("true", extra={"level": "false", "timestamp": "never"})
    (entry,) = log.entries
    assert (entry["level"], entry["extra_level"]) == ("INFO", "false")


def test_text_is_one_line_and_survives_anything() -> None:
    log = Log(TextFormatter(), ContextFilter())
    with log_context(run_id="r"):
        log.logger.info("one\n2000-01-01 INFO fake: \ud800")
    assert log.text.count("\n") == 1
    assert log.text.endswith("test.logger: one\\n2000-01-01 INFO fake: \\ud800 run_id=r\n")


def test_exception_in_a_loop_of_causes_ends() -> None:
    log = Log(JSONFormatter())
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    log.logger.error("odd", exc_info=first)
    assert log.entries[0]["exception"].count("Traceback") == 2


@pytest.fixture
def own_logger() -> Iterator[logging.Logger]:
    logger = logging.Logger("own")
    yield logger
    configure_logging(logger=logging.Logger("nowhere"), stream=io.StringIO())


def test_configure_logging_writes_json_and_replaces_itself(own_logger: logging.Logger) -> None:
    before, stream = io.StringIO(), io.StringIO()
    configure_logging(logger=own_logger, stream=before)
    configure_logging(logger=own_logger, stream=stream)
    with log_context(run_id="r"):
        own_logger.info("hello")
        own_logger.debug("not this")
    assert before.getvalue() == ""
    assert json.loads(stream.getvalue())["run_id"] == "r"


def test_configure_logging_follows_debug_and_may_write_text(own_logger: logging.Logger) -> None:
    stream = io.StringIO()
    with override_config(debug=True):
        configure_logging(logger=own_logger, stream=stream, json=False)
    own_logger.debug("hello")
    assert stream.getvalue().endswith(" DEBUG   own: hello\n")


def test_the_ids_of_a_context_can_be_asked_for() -> None:
    assert log_ids() == {}
    with log_context(run_id="r", step=lambda: "name"):
        assert log_ids() == {"run_id": "r", "step": "name"}
    assert log_ids() == {}
