"""From what a provider or its SDK raised to an error of ours that says what to do.

Pure: no SDK is imported, exceptions are read by their attributes, so that all vendors are judged by one set of rules.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from agent_runtime_core.errors import (
    AuthenticationError,
    ContentFiltered,
    ContextTooLong,
    InvalidRequest,
    ProviderError,
    ProviderProtocolError,
    ProviderUnavailable,
    RateLimited,
)
from agent_runtime_core.masking import mask_secrets

_TRANSPORT_PACKAGES = frozenset({"httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "ssl"})
_LONGEST_DETAIL = 500

_TOO_LONG = re.compile(
    r"context.?(length|window)|maximum context|prompt is too long|input is too long|too many tokens|request_too_large"
    r"|exceeds? the (available )?context|reduce the length",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content.?(filter|policy|management)|responsible.?ai|safety (system|policy)", re.IGNORECASE)
_SPENT = re.compile(r"insufficient_quota|exceeded your current quota|credit balance|billing", re.IGNORECASE)


def provider_error(provider: str, exc: BaseException) -> ProviderError | None:
    """The error to raise instead of `exc`; None if `exc` is not about the provider.

    Args:
        provider: As in `get_llm_client`.
        exc: What the SDK raised.
    """
    if isinstance(exc, ProviderError):
        return exc
    detail = _detail(exc)
    status = _status(exc)
    if status is not None and status >= 400:
        return _by_status(provider, status, detail, exc)
    if _is_connection(exc):
        return _unreachable(provider, detail, exc)
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)) or "APIResponseValidationError" in _class_names(exc):
        return ProviderProtocolError(
            f"{provider} answered with something that is not its protocol ({detail}); check base_url, and whether a "
            "proxy is in between",
            provider=provider,
            status=status,
        )
    if "APIError" in _class_names(exc) or "APIStatusError" in _class_names(exc):
        return _from_stream(provider, detail, exc)
    return None


def cut_off(provider: str) -> ProviderProtocolError:
    """The error for an answer that ended before it said that it was complete."""
    return ProviderProtocolError(
        f"the answer of {provider} ended before it was complete; a proxy or the server cut it off", provider=provider
    )


def not_an_answer(provider: str, got: object) -> ProviderProtocolError:
    """The error for a successful response that holds no answer."""
    error = ProviderProtocolError(
        f"{provider} answered with {type(got).__name__} instead of a reply; check base_url (an OpenAI-compatible "
        "address usually ends in /v1)",
        provider=provider,
    )
    error.is_retryable = False
    return error


def filtered(provider: str, reason: str) -> ContentFiltered:
    """The error for a reply that a content policy emptied."""
    return ContentFiltered(
        f"{provider} withheld the reply (finish reason {reason!r}); change the prompt or what the person sent",
        provider=provider,
    )


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Seconds a response asks to wait: `retry-after-ms`, or `retry-after` as a number or a date.

    >>> retry_after({"retry-after": "2.5"})
    2.5
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    from email.utils import parsedate_to_datetime  # slow to import, seldom needed

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now())
    except ValueError:
        return None


def _by_status(provider: str, status: int, detail: str, exc: BaseException) -> ProviderError:
    wait = retry_after(_headers(exc))
    known: dict[str, Any] = {"provider": provider, "status": status, "retry_after": wait}
    said = f"{provider} answered {status}: {detail}"
    if status in (401, 403):
        return AuthenticationError(f"{said}. Check the API key, and that it may use this model", **known)
    if status == 402 or (status in (400, 429) and _SPENT.search(detail)):
        error = RateLimited(f"{said}. The quota is used up: add credit, or use another model or provider", **known)
        error.is_retryable = False
        return error
    if status == 429:
        return RateLimited(f"{said}. Send less at once (max_concurrency=), or ask for a higher limit", **known)
    if status in (400, 413, 422) and (status == 413 or _TOO_LONG.search(detail)):
        return ContextTooLong(
            f"{said}. Send fewer messages (max_history_messages=), or use a model with a larger context window", **known
        )
    if status in (400, 422) and _FILTERED.search(detail):
        return ContentFiltered(f"{said}. Change the prompt or what the person sent", **known)
    if status >= 500 or status in (408, 409, 425):
        error = ProviderUnavailable(f"{said}. Try again later, or name a second client in FallbackClient", **known)
        error.is_retryable = _headers(exc).get("x-should-retry") != "false" and status != 501
        return error
    if status == 404:
        return InvalidRequest(f"{said}. Check the model's name and base_url", **known)
    return InvalidRequest(f"{said}. The request has to be changed; sending it again cannot help", **known)


def _unreachable(provider: str, detail: str, exc: BaseException) -> ProviderUnavailable:
    names = _class_names(exc) | _class_names(exc.__cause__)
    if any("Timeout" in name for name in names):
        text = f"{provider} did not answer in time ({detail}); allow more with timeout=, or use a faster model"
    else:
        text = f"{provider} could not be reached ({detail}); check the network and base_url, and that the server runs"
    return ProviderUnavailable(text, provider=provider)


def _from_stream(provider: str, detail: str, exc: BaseException) -> ProviderError:
    """An error event inside a stream that began with status 200."""
    text = f"{detail} {getattr(exc, 'code', '')} {getattr(exc, 'type', '')}"
    said = f"{provider} broke off its answer: {detail}"
    if _TOO_LONG.search(text):
        return ContextTooLong(f"{said}. Send fewer messages (max_history_messages=)", provider=provider)
    if "rate_limit" in text:
        return RateLimited(f"{said}. Send less at once (max_concurrency=)", provider=provider)
    if "invalid_request" in text:
        return InvalidRequest(f"{said}. The request has to be changed", provider=provider)
    return ProviderUnavailable(f"{said}. Try again later", provider=provider)


def _detail(exc: BaseException) -> str:
    body: Any = getattr(exc, "body", None)
    error = _member(body, "error") or body
    message = _member(error, "message")
    code = _member(error, "code") or _member(error, "type")
    text = f"{message} [{code}]" if message and code else str(message or exc or type(exc).__name__)
    text = mask_secrets(" ".join(text.split()))
    return text if len(text) <= _LONGEST_DETAIL else text[:_LONGEST_DETAIL] + "…"


def _member(value: object, name: str) -> Any:
    return cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None


def _status(exc: BaseException) -> int | None:
    status: object = getattr(exc, "status_code", None)
    return status if isinstance(status, int) else None


def _headers(exc: BaseException) -> Mapping[str, str]:
    headers: object = getattr(getattr(exc, "response", None), "headers", None)
    return cast("Mapping[str, str]", headers) if isinstance(headers, Mapping) else {}


def _is_connection(exc: BaseException) -> bool:
    if isinstance(exc, (OSError, EOFError)) or "APIConnectionError" in _class_names(exc):
        return True
    return any(base.__module__.partition(".")[0] in _TRANSPORT_PACKAGES for base in type(exc).__mro__)


def _class_names(exc: BaseException | None) -> set[str]:
    return {base.__name__ for base in type(exc).__mro__}


def _number(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
