"""The pytest plugin: the `talk` fixture, scenario files, coverage of journeys, and no request to a real model.

It stands beside the package and imports it only where it is used: pytest loads every installed plugin before coverage
is measured, and also for projects that have nothing to do with conversations.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agent_runtime_framework.testing.conversation.talker import Talker
    from agent_runtime_framework.testing.coverage.collect import Coverage
    from agent_runtime_framework.testing.scenarios.collecting import ScenarioModule

# What rules of stores assert is explained like what tests assert.
pytest.register_assert_rewrite("agent_runtime_framework.testing.stores")

ALLOW_VARIABLE = "AGENT_RUNTIME_ALLOW_REAL_MODELS"

_ALLOW = "let tests ask real models; without it such a request is an error"

_open = pytest.StashKey[ExitStack]()
_coverage: pytest.StashKey[Coverage] = pytest.StashKey()
_talkers: pytest.StashKey[list[Talker]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and settings."""
    group = parser.getgroup("journeys", "conversations (agent_runtime_framework)")
    group.addoption("--allow-real-models", action="store_true", help=_ALLOW)
    group.addoption(
        "--journey-coverage",
        action="store_true",
        help="say which steps, moves, guards and mishaps the conversations reached",
    )
    group.addoption("--journey-coverage-json", metavar="FILE", help="write that as JSON, too")
    group.addoption(
        "--journey-skeletons",
        metavar="DIR",
        help="write scenarios to be completed for what no conversation reached",
    )
    parser.addini("allow_real_models", _ALLOW, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Switch on what was asked for, until the session ends."""
    from agent_runtime_core.llm.real_requests import forbid_real_requests

    config.addinivalue_line("markers", "real_model: this test may ask a real model")
    config.stash[_open] = opened = ExitStack()
    if not _may_ask_real_models(config):
        opened.enter_context(forbid_real_requests())
    if any(map(config.getoption, ("--journey-coverage", "--journey-coverage-json", "--journey-skeletons"))):
        from agent_runtime_framework.testing.coverage.collect import Coverage

        config.stash[_coverage] = Coverage()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave everything as it was."""
    opened = config.stash.get(_open, None)
    if opened is not None:
        opened.close()


@pytest.fixture
def talk(request: pytest.FixtureRequest) -> Iterator[Talker]:
    """Begins conversations, which end with the test.

    `t = talk(Quote)`, then `t("hello")`, then `assert t.step is Quote.car`; see `Talk` for what can be looked at.
    """
    from agent_runtime_framework.testing.conversation.talker import Talker

    coverage = request.config.stash.get(_coverage, None)
    talker = Talker([coverage] if coverage is not None else [])
    request.node.stash.setdefault(_talkers, []).append(talker)
    with talker:
        yield talker


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioModule | None:
    """Collect the scenarios of `*.scenario.yaml`."""
    if not file_path.name.endswith((".scenario.yaml", ".scenario.yml")):
        return None
    from agent_runtime_framework.testing.scenarios.collecting import ScenarioModule

    coverage = parent.config.stash.get(_coverage, None)
    return ScenarioModule.of(parent, file_path, [coverage] if coverage is not None else [])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let a marked test ask real models."""
    if item.get_closest_marker("real_model") is None:
        return (yield)
    from agent_runtime_core.llm.real_requests import allow_real_requests

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


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what the conversations reached."""
    coverage = config.stash.get(_coverage, None)
    if coverage is None or hasattr(config, "workerinput"):
        return
    from agent_runtime_framework.testing.coverage.report import report_json, report_lines
    from agent_runtime_framework.testing.coverage.skeletons import write_skeletons

    journeys = list(coverage.journeys.values())
    terminalreporter.section("journey coverage")
    for line in report_lines(journeys):
        terminalreporter.write_line(line)
    if file := config.getoption("--journey-coverage-json"):
        Path(file).write_text(json.dumps(report_json(journeys), indent=2, ensure_ascii=False), encoding="utf-8")
        terminalreporter.write_line(f"as JSON: {file}")
    if directory := config.getoption("--journey-skeletons"):
        for each in journeys:
            if (written := write_skeletons(each, Path(directory))) is not None:
                terminalreporter.write_line(f"skeletons for {each.name}: {written}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist, hand over what was reached."""
    coverage = session.config.stash.get(_coverage, None)
    output = getattr(session.config, "workeroutput", None)
    if coverage is not None and output is not None:
        output["journey_coverage"] = coverage.to_json()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of pytest-xdist reached."""
    coverage = node.config.stash.get(_coverage, None)
    if coverage is not None:
        coverage.join(getattr(node, "workeroutput", {}).get("journey_coverage", []))


def _may_ask_real_models(config: pytest.Config) -> bool:
    if config.getoption("--allow-real-models") or config.getini("allow_real_models"):
        return True
    from agent_runtime_core.config import environment_value

    value = (environment_value(ALLOW_VARIABLE) or "").casefold()
    if value in ("", "0", "no", "off", "false"):
        return False
    if value in ("1", "yes", "on", "true"):
        return True
    raise pytest.UsageError(f"the environment variable {ALLOW_VARIABLE} is {value!r}; expected true or false")
