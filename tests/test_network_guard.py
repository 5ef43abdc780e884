import asyncio
import socket
import urllib.request
from collections.abc import Callable
from contextlib import suppress

import pytest


@pytest.mark.parametrize(
    "reach",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
        lambda: socket.socket().connect(("192.0.2.1", 80)),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"hi", ("192.0.2.1", 53)),
        lambda: socket.getaddrinfo("example.org", 80),
        lambda: urllib.request.urlopen("http://example.org", timeout=1),
    ],
    ids=["create_connection", "connect", "sendto", "getaddrinfo", "urlopen"],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_other_machines_are_out_of_reach(reach: Callable[[], object]):
    def carelessly() -> None:
        with suppress(Exception):
            reach()

    with pytest.raises(pytest.fail.Exception, match=r"tried to reach '(192\.0\.2\.1|example\.org)'"):
        carelessly()


@pytest.mark.asyncio
async def test_this_machine_can_be_reached():
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(2))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        writer.write(b"hi")
        assert await reader.read() == b"hi"
        writer.close()
        await writer.wait_closed()
