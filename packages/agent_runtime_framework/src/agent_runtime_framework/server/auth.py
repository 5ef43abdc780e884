"""Who asks: from a request to a principal, the name under which conversations are owned."""

from __future__ import annotations

import hashlib
import hmac
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from starlette.requests import Request

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.server.problems import Problem

Auth: TypeAlias = Callable[[Request], "str | Awaitable[str | None] | None"]
"""Gives the principal of a request, or None if it may not be answered."""


class ApiKeys:
    """Knows principals by their keys, in `Authorization: Bearer KEY` or `X-API-Key: KEY`.

    Args:
        principals: The principal of each key.

    Raises:
        ConfigurationError: There are none, or one of them is too short to be a secret.
    """

    def __init__(self, principals: Mapping[str, str]) -> None:
        if not principals:
            raise ConfigurationError("there are no API keys; pass {key: principal}, or auth=None to let everybody in")
        for key, principal in principals.items():
            if len(key) < MIN_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
                raise ConfigurationError(
                    f"the API key of {principal!r} cannot be used; expected at least {MIN_LENGTH} printable ASCII "
                    "characters without blanks, such as `openssl rand -hex 24` gives"
                )
            if not principal:
                raise ConfigurationError("an API key has no principal; name whom it belongs to")
        self._principals = [(_digest(key), principal) for key, principal in principals.items()]

    def __call__(self, request: Request) -> str | None:
        key = presented_key(request)
        if not key:
            return None
        digest, found = _digest(key), None
        # All are compared, always: how long it takes tells nothing.
        for known, principal in self._principals:
            if hmac.compare_digest(known, digest):
                found = principal
        return found


MIN_LENGTH = 16
"""A shorter key could be guessed."""


def presented_key(request: Request) -> str | None:
    """The key a request brings."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return request.headers.get("x-api-key")


async def principal_of(request: Request, auth: Auth | None) -> str | None:
    """Who asks; None where nobody is asked who they are.

    Raises:
        Problem: They may not be answered.
    """
    if auth is None:
        return None
    found = auth(request)
    principal = await found if inspect.isawaitable(found) else found
    if not principal:
        raise Problem(
            401,
            "unauthenticated",
            "send a key that is known here, as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return principal


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
