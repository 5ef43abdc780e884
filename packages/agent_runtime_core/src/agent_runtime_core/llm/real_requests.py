"""Whether models on other machines may be asked. They may, until a test run forbids it.

The switch holds for the whole process. It is asked by every vendor's client, and by nothing else: models on this
machine, the offline model and doubles answer as before.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

from agent_runtime_core.errors import ConfigurationError

__all__ = ["RealRequestForbidden", "allow_real_requests", "are_real_requests_forbidden", "forbid_real_requests"]


class RealRequestForbidden(ConfigurationError):
    """A model on another machine was about to be asked, where that is forbidden."""


class _Switch:
    is_forbidden = False


@contextmanager
def forbid_real_requests() -> Generator[None, None, None]:
    """Make every request to a model on another machine an error, until the block ends."""
    yield from _switched(is_forbidden=True)


@contextmanager
def allow_real_requests() -> Generator[None, None, None]:
    """Let requests pass again, inside of a block that forbids them."""
    yield from _switched(is_forbidden=False)


def are_real_requests_forbidden() -> bool:
    """True inside of `forbid_real_requests`."""
    return _Switch.is_forbidden


def refuse_if_forbidden(client: str, model: str, address: str) -> None:
    """Let a request pass, or not.

    Args:
        client: The class of the client that is about to ask.
        model: The model that would answer.
        address: Where it is; empty if that is not known.

    Raises:
        RealRequestForbidden: Real requests are forbidden, and this is one.
    """
    if not _Switch.is_forbidden or _is_this_machine(address) or _is_a_doubles(address):
        return
    where = f" at {address}" if address else ""
    raise RealRequestForbidden(
        f"{client} was about to ask the model {model!r}{where}, and tests here ask no real models; give the agent "
        "ScriptedLLM(...) or the offline model, or allow it: @pytest.mark.real_model on a test, --allow-real-models "
        "for a run"
    )


def _switched(*, is_forbidden: bool) -> Generator[None, None, None]:
    before = _Switch.is_forbidden
    _Switch.is_forbidden = is_forbidden
    try:
        yield
    finally:
        _Switch.is_forbidden = before


def _is_a_doubles(address: str) -> bool:
    """True if the SDK was replaced by something that has no address."""
    return bool(address) and not address.startswith(("http://", "https://"))


def _is_this_machine(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
