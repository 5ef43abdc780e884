"""Settings: arguments before environment before defaults."""

import contextlib
import dataclasses
from typing import Any

import pytest

from agent_runtime_core.config import (
    RuntimeConfig,
    configure,
    environment_value,
    get_config,
    override_config,
    reset_config,
)
from agent_runtime_core.errors import ConfigurationError


def test_defaults_are_the_documented_ones() -> None:
    config = get_config()
    assert (config.model_provider, config.default_model) == ("openai", "gpt-4o")
    assert (config.queue_backend, config.event_bus_backend, config.state_store_backend) == ("memory",) * 3
    assert (config.run_timeout_seconds, config.heartbeat_interval_seconds, config.lease_ttl_seconds) == (300, 30, 60)
    assert (config.max_retries, config.retry_backoff_base, config.retry_backoff_max) == (3, 2, 300)
    assert config.include_conversation_history
    assert config.auto_persist_messages
    assert not config.debug
    assert config.max_history_messages is None
    assert config.get_openai_api_key() is None
    assert config.get_anthropic_api_key() is None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("model_provider", "anthropic", "anthropic"),
        ("default_model", " claude-x ", "claude-x"),
        ("state_store_backend", "sqlite", "sqlite"),
        ("sqlite_path", "/data/x.db", "/data/x.db"),
        ("run_timeout_seconds", "0", 0),
        ("max_history_messages", "20", 20),
        ("include_conversation_history", "off", False),
        ("auto_persist_messages", "NO", False),
        ("debug", "On", True),
        ("debug", "1", True),
    ],
)
def test_environment_sets(name: str, text: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"AGENT_RUNTIME_{name.upper()}", text)
    config = get_config()
    assert getattr(config, name) == value
    assert config.is_set(name)


def test_every_documented_setting_has_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = {"openai_api_key", "anthropic_api_key", "openai_base_url", "anthropic_base_url", "explicit"}
    for each in dataclasses.fields(RuntimeConfig):
        monkeypatch.setenv(f"AGENT_RUNTIME_{each.name.upper()}", "1")
    names = {each.name for each in dataclasses.fields(RuntimeConfig)}
    assert RuntimeConfig.from_env().explicit == names - elsewhere


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("AGENT_RUNTIME_MAX_RETRIES", "three", "a whole number"),
        ("AGENT_RUNTIME_MAX_RETRIES", "-1", "a whole number"),
        ("AGENT_RUNTIME_LEASE_TTL_SECONDS", "1.5", "a whole number"),
        ("AGENT_RUNTIME_MAX_HISTORY_MESSAGES", "²", "a whole number"),
        ("AGENT_RUNTIME_DEBUG", "maybe", "true or false"),
    ],
)
def test_unreadable_variable_is_named(variable: str, text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError, match=f"{variable} is '{text}'; expected {expected}"):
        get_config()


def test_blank_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_MAX_RETRIES", " ")
    assert get_config().max_retries == 3
    assert environment_value("AGENT_RUNTIME_MAX_RETRIES") is None


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_DEFAULT_MODEL", "from-env")
    monkeypatch.setenv("AGENT_RUNTIME_MAX_RETRIES", "9")
    config = configure(default_model="given")
    assert (config.default_model, config.max_retries) == ("given", 9)
    assert get_config() is config


def test_configure_starts_again_each_time() -> None:
    configure(debug=True)
    assert not configure(max_retries=1).debug


def test_environment_is_read_once_and_again_after_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_config().max_retries == 3
    monkeypatch.setenv("AGENT_RUNTIME_MAX_RETRIES", "5")
    assert get_config().max_retries == 3
    reset_config()
    assert get_config().max_retries == 5


@pytest.mark.parametrize("change", [configure, override_config])
def test_unknown_setting_is_refused_with_the_known_ones(change: Any) -> None:
    with pytest.raises(ValueError, match="no setting 'modle'; known: anthropic_api_key"), change(modle="x"):
        pass


def test_override_lasts_as_long_as_its_block() -> None:
    configure(max_retries=1)
    with override_config(debug=True) as config:
        assert (config.debug, config.max_retries) == (True, 1)
        assert get_config() is config
    assert not get_config().debug


def test_override_ends_with_an_error_in_its_block() -> None:
    with contextlib.suppress(RuntimeError), override_config(debug=True):
        raise RuntimeError
    assert not get_config().debug


def test_config_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_config().debug = True  # type: ignore[misc]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("what", ["api_key", "base_url"])
def test_key_and_address_come_from_the_field_then_the_environment(
    provider: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{provider}_{what}".upper(), "from-env")
    read = f"get_{provider}_{what}"
    assert getattr(get_config(), read)() == "from-env"
    assert getattr(configure(**{f"{provider}_{what}": "given"}), read)() == "given"


def test_repr_shows_no_secret() -> None:
    secrets = dict.fromkeys(("openai_api_key", "anthropic_api_key", "langfuse_secret_key", "redis_url"), "hush-hush")
    assert "hush" not in repr(configure(**secrets))
