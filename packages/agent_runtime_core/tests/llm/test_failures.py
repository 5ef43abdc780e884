from datetime import UTC, datetime

import pytest

from agent_runtime_core.errors import ProviderUnavailable, RateLimited
from agent_runtime_core.llm.failures import provider_error, retry_after

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "1", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Tue, 01 Jan 2030 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Tue, 01 Jan 2030 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
    ],
    ids=str,
)
def test_wait_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=lambda: NOON) == seconds


def test_our_own_errors_stay_as_they_are() -> None:
    error = RateLimited("slow")

    assert provider_error("p", error) is error


@pytest.mark.parametrize("bug", [ValueError("a bug"), TypeError("a bug"), KeyError("a bug")], ids=repr)
def test_bugs_are_not_blamed_on_the_provider(bug: Exception) -> None:
    assert provider_error("p", bug) is None


def test_broken_connection_is_known_without_its_library() -> None:
    assert isinstance(provider_error("p", ConnectionResetError("reset")), ProviderUnavailable)


def test_long_texts_are_cut() -> None:
    class StatusError(Exception):
        status_code = 500

    error = provider_error("p", StatusError("x" * 5000))

    assert error is not None
    assert len(str(error)) < 700


def test_secrets_do_not_appear() -> None:
    class StatusError(Exception):
        status_code = 401
        body = {"error": {"message": "bad key sk-proj-0123456789abcdef", "code": "invalid_api_key"}}  # noqa: RUF012

    error = provider_error("p", StatusError())

    assert "0123456789" not in str(error)
    assert "invalid_api_key" in str(error)
