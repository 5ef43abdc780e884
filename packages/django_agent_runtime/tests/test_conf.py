from collections.abc import Callable

import pytest
from django.test import override_settings

from agent_runtime_core.errors import ConfigurationError
from django_agent_runtime.conf import (
    AgentRuntimeSettings,
    configure,
    get_settings,
    is_debug,
    reset_settings,
    runtime_settings,
    should_swallow_exceptions,
)

Configured = Callable[..., None]


def test_what_is_left_out_has_its_default(configured: Configured):
    configured(DEFAULT_MODEL="claude-sonnet-4-5", RETRY_BACKOFF_BASE=3)

    settings = get_settings()

    assert settings.DEFAULT_MODEL == "claude-sonnet-4-5"
    assert settings.RETRY_BACKOFF_BASE == 3
    assert settings.LEASE_TTL_SECONDS == 30


def test_a_project_that_sets_nothing_gets_the_defaults(configured: Configured):
    configured()

    assert get_settings() == AgentRuntimeSettings()


def test_an_unknown_name_is_refused_with_the_nearest_one(configured: Configured):
    configured(RUNTIMES_REGISTRY=[])

    with pytest.raises(TypeError, match="no setting 'RUNTIMES_REGISTRY'; did you mean 'RUNTIME_REGISTRY'"):
        get_settings()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RUNTIME_REGISTRY", "shop.agents.register", "a str; expected"),
        ("RUNTIME_REGISTRY", [5], "expected"),
        ("SWALLOW_EXCEPTIONS", "False", "'False', a str; expected bool"),
        ("LEASE_TTL_SECONDS", True, "True, a bool; expected int"),
        ("LEASE_TTL_SECONDS", "30", "'30', a str; expected int"),
        ("RETRY_BACKOFF_BASE", None, "None, a NoneType; expected float"),
        ("MAX_HISTORY_MESSAGES", "all", r"expected int \| None"),
        ("QUEUE_BACKEND", "rabbit", "'rabbit'; expected one of postgres, redis_streams"),
        ("EVENT_BUS_BACKEND", "kafka", "'kafka'; expected one of db, redis"),
        ("EVENT_BUS_BACKEND", "redis", "REDIS_URL is None"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(configured: Configured, name: str, value: object, expected: str):
    configured(**{name: value})

    with pytest.raises(ConfigurationError, match=expected):
        get_settings()


def test_redis_is_fine_with_its_address(configured: Configured):
    configured(QUEUE_BACKEND="redis_streams", REDIS_URL="redis://localhost:6379")

    assert get_settings().QUEUE_BACKEND == "redis_streams"


def test_settings_that_are_no_dict_are_refused():
    wrong = override_settings(DJANGO_AGENT_RUNTIME=["RUNTIME_REGISTRY"])

    with wrong, pytest.raises(ConfigurationError, match="expected a dict"):
        get_settings()


def test_they_are_read_once_and_again_after_a_change(configured: Configured):
    configured(DEBUG_MODE=True)
    first = runtime_settings()

    assert runtime_settings() is first
    configured(DEBUG_MODE=False)
    assert runtime_settings().DEBUG_MODE is False


def test_secrets_are_not_shown():
    settings = AgentRuntimeSettings(OPENAI_API_KEY="sk-secret", REDIS_URL="redis://:secret@localhost")

    assert "secret" not in repr(settings)


class TestDebug:
    def test_it_is_off_by_default(self, configured: Configured):
        configured()

        assert (is_debug(), should_swallow_exceptions()) == (False, True)

    @pytest.mark.parametrize("value", ["1", "true", "YES", "on"])
    def test_the_environment_switches_it_on(self, monkeypatch: pytest.MonkeyPatch, value: str):
        monkeypatch.setenv("DJANGO_AGENT_RUNTIME_DEBUG", value)

        assert (is_debug(), should_swallow_exceptions()) == (True, False)

    def test_not_to_swallow_is_to_debug(self, configured: Configured):
        configured(SWALLOW_EXCEPTIONS=False)

        assert (is_debug(), should_swallow_exceptions()) == (True, False)

    def test_code_has_the_last_word_until_it_is_reset(self, configured: Configured):
        configured(SWALLOW_EXCEPTIONS=False)

        configure(debug=False)
        assert (is_debug(), should_swallow_exceptions()) == (False, True)
        configure(swallow_exceptions=False)
        assert (is_debug(), should_swallow_exceptions()) == (False, False)
        reset_settings()
        assert (is_debug(), should_swallow_exceptions()) == (True, False)
