"""Secrets in texts."""

import json
import time

import pytest

from agent_runtime_core.config import override_config
from agent_runtime_core.masking import is_secret_name, mask_secrets, register_secret

CANARY = "cAnArY-0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: Basic {CANARY}",
        f"{{'Authorization': 'Bearer {CANARY}'}}",
        json.dumps({"headers": {"x-api-key": CANARY}}),
        json.dumps(json.dumps({"api_key": CANARY})),
        json.dumps({"password": f"two words {CANARY}"}),
        json.dumps({"password": f'a"b {CANARY}'}),
        json.dumps({"password": f"two words {CANARY}"})[:-2],
        f"password='it\\'s {CANARY}'",
        json.dumps({"text": json.dumps({"password": f"two words {CANARY}"})}),
        f"OpenAI(api_key={CANARY!r}, base_url=None)",
        f"OPENAI_API_KEY={CANARY}",
        f"openai-api-key : {CANARY}",
        f"https://api.example.org/v1/models?key={CANARY}&alt=sse",
        f"https://api.example.org/v1?alt=sse&token={CANARY}#x",
        f"redis://user:{CANARY}@localhost:6379/0",
        f"postgresql://{CANARY}@db/x",
        f"client_secret={CANARY}&grant_type=client_credentials",
        f"Incorrect API key provided: sk-{CANARY}.",
        f"key sk-ant-api03-{CANARY}AA refused",
        f"sk_live_{CANARY.replace('-', '')}",
        f"AIza{CANARY.replace('-', '')}ABCDEFGHIJKLMNOP",
        f"ghp_{CANARY.replace('-', '')}ABCDEF",
        f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.{CANARY}",
        f"Cookie: session={CANARY}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
    ],
)
def test_secret_is_masked(text: str) -> None:
    masked = mask_secrets(text)
    assert CANARY not in masked
    assert CANARY.replace("-", "") not in masked
    assert "***" in masked


@pytest.mark.parametrize(
    "text",
    [
        "used 512 tokens of max_tokens=4096",
        "total_tokens: 7, prompt_tokens=5",
        "step key='quote' of journey quote",
        "https://api.example.org/v1/models?limit=5",
        "tool 'ask_password_reset' failed",
        "the basic configuration of bearer channels",
        "run 0b8f8e8c-7a64-4ad0-9a5c-0d2f1a9a1f11 began",
        "mail me at ada@example.org",
        "a risk-assessment of task-scheduling",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert mask_secrets(text) == text


def test_what_surrounds_a_secret_stays() -> None:
    text = f'{{"api_key": "{CANARY}", "model": "gpt-4o"}} at https://u:{CANARY}@h/p?key={CANARY}&n=1'
    assert mask_secrets(text) == '{"api_key": ***, "model": "gpt-4o"} at https://***@h/p?key=***&n=1'


def test_configured_key_is_masked_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "plain words+here")
    with override_config(openai_api_key="quite ordinary"):
        assert mask_secrets("<quite ordinary> <plain words+here> <plain%20words%2Bhere>") == "<***> <***> <***>"
    assert mask_secrets("<quite ordinary>") == "<quite ordinary>"


def test_unreadable_setting_does_not_break_masking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_MAX_RETRIES", "many")
    monkeypatch.setenv("OPENAI_API_KEY", "plain-words-here")
    assert mask_secrets("x plain-words-here") == "x ***"


def test_registered_secret_is_masked_and_short_ones_are_not() -> None:
    register_secret("correct horse battery")
    register_secret("the")
    assert mask_secrets("the correct horse battery staple") == "the *** staple"


def test_longer_secret_is_masked_whole() -> None:
    register_secret("overlap-one")
    register_secret("overlap-one-two")
    assert mask_secrets("overlap-one-two") == "***"


def test_masking_is_linear_in_the_text() -> None:
    for piece in ("api_key=", "x-", "password: '", "eyJaaaa.", "https://a", "-----BEGIN PRIVATE KEY-----", '\\"', "a_"):
        started = time.process_time()
        mask_secrets(piece * (200_000 // len(piece)))
        # Milliseconds if linear, minutes if not.
        assert time.process_time() - started < 5, piece


@pytest.mark.parametrize(
    ("name", "secret"), [("api_key", True), ("db_password", True), ("tokens", False), ("run_id", False)]
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
