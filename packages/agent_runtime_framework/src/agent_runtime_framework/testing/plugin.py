"""The pytest plugin: the `talk` fixture, scenario files, coverage of journeys, and no request to a real model."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from agent_runtime_core.config import environment_value
from agent_runtime_core.llm.real_requests import allow_real_requests, forbid_real_requests
from agent_runtime_framework.testing.conversation.talker import Talker

ALLOW_VARIABLE = "AGENT_RUNTIME_ALLOW_REAL_MODELS"

_open = pytest.StashKey[ExitStack]()
_talkers = pytest.StashKey[list[Talker]]()


def set_up(config: pytest.Config) -> None:
    """Switch on what was asked for, until the session ends."""
    config.stash[_open] = opened = ExitStack()
    if not _may_ask_real_models(config):
        opened.enter_context(forbid_real_requests())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave everything as it was."""
    config.stash[_open].close()


@pytest.fixture
def talk(request: pytest.FixtureRequest) -> Iterator[Talker]:
    """Begins conversations, which end with the test.

    `t = talk(Quote)`, then `t("hello")`, then `assert t.step is Quote.car`; see `Talk` for what can be looked at.
    """
    talker = Talker()
    request.node.stash.setdefault(_talkers, []).append(talker)
    with talker:
        yield talker


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let a marked test ask real models."""
    if item.get_closest_marker("real_model") is None:
        return (yield)
    with allow_real_requests():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the conversations of a test that failed."""
    report = yield
    if report.failed:
        for talker in item.stash.get(_talkers, ()):
            report.sections += [("conversation", each.explain()) for each in talker.talks]
    return report


def _may_ask_real_models(config: pytest.Config) -> bool:
    if config.getoption("--allow-real-models") or config.getini("allow_real_models"):
        return True
    value = (environment_value(ALLOW_VARIABLE) or "").casefold()
    if value in ("", "0", "no", "off", "false"):
        return False
    if value in ("1", "yes", "on", "true"):
        return True
    raise pytest.UsageError(f"the environment variable {ALLOW_VARIABLE} is {value!r}; expected true or false")
