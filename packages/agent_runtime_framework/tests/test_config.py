import logging
import sys
from collections.abc import Iterator

import pytest

from agent_runtime_framework import config as config_module
from agent_runtime_framework.config import (
    FrameworkConfig,
    configure,
    get_config,
    is_debug,
    override_config,
    set_config,
    should_swallow_exceptions,
)
from agent_runtime_framework.errors import ConfigurationError

LOGGERS = [logging.getLogger("agent_runtime_framework"), logging.getLogger("agent_runtime_core")]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing configured yet, nothing in the environment, and afterwards everything as before."""
    monkeypatch.setattr(config_module, "_config", None)
    for name in ("AGENT_RUNTIME_DEBUG", "AGENT_RUNTIME_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    before = [logger.level for logger in LOGGERS]
    for logger in LOGGERS:
        logger.setLevel(logging.NOTSET)
    yield
    for logger, level in zip(LOGGERS, before, strict=True):
        logger.setLevel(level)


def levels() -> set[int]:
    return {logger.level for logger in LOGGERS}


def test_production_mode_is_the_default():
    assert get_config() == FrameworkConfig(debug=False, swallow_tool_exceptions=True, log_level="INFO")


def test_the_configuration_is_one_object():
    assert get_config() is get_config()


@pytest.mark.parametrize("text", ["1", "true", "YES", "On", " on "])
def test_environment_switches_debug_mode_on(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGENT_RUNTIME_DEBUG", text)

    assert get_config() == FrameworkConfig(debug=True, swallow_tool_exceptions=False, log_level="DEBUG")


@pytest.mark.parametrize("text", ["", "0", "no", "off", "maybe"])
def test_other_values_of_the_environment_leave_production_mode(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGENT_RUNTIME_DEBUG", text)

    assert not is_debug()


def test_environment_names_a_level_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGENT_RUNTIME_DEBUG", "1")
    monkeypatch.setenv("AGENT_RUNTIME_LOG_LEVEL", "warning")

    assert FrameworkConfig.from_env() == FrameworkConfig(True, False, "WARNING")


def test_environment_with_an_unknown_level_says_which_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGENT_RUNTIME_LOG_LEVEL", "LOUD")

    with pytest.raises(ConfigurationError, match=r"AGENT_RUNTIME_LOG_LEVEL is 'LOUD'; expected .*DEBUG, INFO"):
        get_config()


@pytest.mark.parametrize(("debug", "level"), [(True, "DEBUG"), (False, "INFO")])
def test_mode_settles_exceptions_and_log_level(debug: bool, level: str):
    configure(debug=not debug)

    configure(debug=debug)

    assert get_config() == FrameworkConfig(debug, swallow_tool_exceptions=not debug, log_level=level)
    assert levels() == {logging.getLevelName(level)}
    assert (is_debug(), should_swallow_exceptions()) == (debug, not debug)


def test_explicit_values_win_over_the_mode():
    configure(debug=True, swallow_tool_exceptions=True, log_level="ERROR")

    assert get_config() == FrameworkConfig(True, True, "ERROR")
    assert levels() == {logging.ERROR}


def test_configure_changes_the_object_in_place():
    before = get_config()

    configure(debug=True)

    assert get_config() is before


def test_what_is_not_given_stays():
    configure(debug=True, log_level="WARNING")

    configure(swallow_tool_exceptions=True)

    assert get_config() == FrameworkConfig(True, True, "WARNING")


def test_exception_policy_alone_leaves_the_loggers_alone():
    configure(swallow_tool_exceptions=False)

    assert levels() == {logging.NOTSET}


def test_unknown_level_changes_nothing():
    with pytest.raises(ConfigurationError, match="log_level is 'LOUD'"):
        configure(debug=True, log_level="LOUD")

    assert get_config() == FrameworkConfig()
    assert levels() == {logging.NOTSET}


@pytest.mark.parametrize("level", ["LOUD", "", 10, None])
def test_a_level_must_be_a_name(level: object):
    with pytest.raises(ConfigurationError, match="expected the name of a log level"):
        FrameworkConfig(log_level=level)  # pyright: ignore[reportArgumentType] -- a mistake users make


def test_set_config_puts_this_very_object_in_force():
    mine = FrameworkConfig(debug=True, swallow_tool_exceptions=False, log_level="debug")

    set_config(mine)

    assert get_config() is mine
    assert levels() == {logging.DEBUG}


def test_set_config_with_a_spoilt_level_leaves_the_old_one_in_force():
    before, spoilt = get_config(), FrameworkConfig()
    spoilt.log_level = "LOUD"

    with pytest.raises(ConfigurationError, match="LOUD"):
        set_config(spoilt)

    assert get_config() is before


def test_reading_the_configuration_leaves_the_loggers_alone():
    get_config()

    assert levels() == {logging.NOTSET}


def test_a_mode_from_the_environment_is_applied_when_first_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGENT_RUNTIME_DEBUG", "1")

    get_config()

    assert levels() == {logging.DEBUG}


def test_switching_the_configuration_in_force_applies_its_level():
    get_config().enable_debug()
    assert (get_config(), levels()) == (FrameworkConfig(True, False, "DEBUG"), {logging.DEBUG})

    get_config().enable_production()
    assert (get_config(), levels()) == (FrameworkConfig(False, True, "INFO"), {logging.INFO})


def test_switching_another_configuration_leaves_the_loggers_alone():
    FrameworkConfig().enable_debug()

    assert levels() == {logging.NOTSET}


def test_no_handler_is_installed():
    configure(debug=True)

    assert [logger.handlers for logger in LOGGERS] == [[], []]


def test_override_ends_with_its_block():
    before = get_config()

    with override_config(debug=True) as config:
        assert get_config() is config
        assert config == FrameworkConfig(True, False, "DEBUG")
        assert levels() == {logging.DEBUG}

    assert get_config() is before
    assert before == FrameworkConfig()
    assert levels() == {logging.NOTSET}


def test_override_ends_also_after_an_exception():
    def fail() -> None:
        with override_config(debug=True):
            configure(log_level="ERROR")
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert not is_debug()
    assert levels() == {logging.NOTSET}


def test_override_before_the_first_reading_leaves_it_open(monkeypatch: pytest.MonkeyPatch):
    with override_config(swallow_tool_exceptions=False):
        assert not should_swallow_exceptions()
    monkeypatch.setenv("AGENT_RUNTIME_DEBUG", "1")

    assert is_debug()


def test_override_with_an_unknown_level_changes_nothing():
    before = get_config()

    with pytest.raises(ConfigurationError, match="LOUD"), override_config(log_level="LOUD"):
        pytest.fail("the block must not begin")

    assert get_config() is before


def test_errors_share_the_root_of_core():
    core = sys.modules["agent_runtime_core.errors"]

    assert ConfigurationError is core.ConfigurationError
