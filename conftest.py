"""For every test of the workspace: the network ends at this machine."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True, scope="session")
def only_this_machine() -> Iterator[None]:
    """Fail a test that tries to reach another machine, even where the code under test swallows exceptions."""
    with pytest.MonkeyPatch.context() as patch:
        for method in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, method, _guarded_method(getattr(socket.socket, method)))
        for function in ("getaddrinfo", "gethostbyname", "create_connection"):
            patch.setattr(socket, function, _guarded_function(getattr(socket, function)))
        yield


def _guarded_method(call: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *args: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _demand_local(args[-1][0])
        return call(self, *args)

    return guarded


def _guarded_function(call: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(target: Any, *args: Any, **options: Any) -> Any:
        _demand_local(target[0] if isinstance(target, tuple) else target)
        return call(target, *args, **options)

    return guarded


def _demand_local(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not _is_local(name):
        pytest.fail(f"a test tried to reach {name!r}; tests use doubles, or a server on 127.0.0.1")


def _is_local(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
