"""A network before a server that cuts connections when a transaction is committed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Cut = Literal["before", "after"]
"""Whether the server hears of the commit. Its answer is lost either way."""

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class BadNetwork:
    """Passes everything on until it is told to cut; `url` leads through it."""

    def __init__(self, url: str) -> None:
        self.cut: Cut | None = None
        self.cuts = 0
        self._parts = urlsplit(url)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> BadNetwork:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        port = self._server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{port}"))

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        server, to_server = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        lost = asyncio.Event()
        answering = asyncio.ensure_future(_pass_on(server, to_client, lost))
        try:
            while data := await client.read(65536):
                if self.cut is not None and _COMMIT in data:
                    self.cuts += 1
                    cut, self.cut = self.cut, None
                    if cut == "before":
                        return
                    lost.set()
                    to_server.write(data)
                    await answering
                    return
                to_server.write(data)
        except ConnectionError:
            pass
        finally:
            answering.cancel()
            for writer in (to_client, to_server):
                writer.transport.abort()
            self._tasks.discard(task)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
    with suppress(ConnectionError, asyncio.CancelledError):
        while data := await reader.read(65536):
            if lost.is_set():
                return
            writer.write(data)
        writer.close()
