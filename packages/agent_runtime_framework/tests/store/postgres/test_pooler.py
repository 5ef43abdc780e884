"""PgBouncer between, in transaction mode: each transaction may get another session of the server."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.store.postgres.driver import connect, is_behind_pooler
from agent_runtime_framework.testing import ScriptedLLM, say
from agent_runtime_framework.testing.stores.accepting import AcceptRules
from agent_runtime_framework.testing.stores.bench import OpenStore
from agent_runtime_framework.testing.stores.finishing import FinishRules
from agent_runtime_framework.testing.stores.sharing import DurableSharingRules, SharingRules

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")

CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
"""


@pytest.fixture(scope="module")
def pooler(postgres_server: str) -> Iterator[str]:
    """The URL of the same server through a pooler."""
    if PGBOUNCER is None:
        pytest.skip("no PgBouncer is installed (Debian: apt-get install pgbouncer)")
    parts = urlsplit(postgres_server)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen: int = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="agent-runtime-pgbouncer-"))
    users, configuration = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{parts.username}" "{parts.password}"\n')
    values = {"host": parts.hostname, "port": parts.port, "listen": listen, "users": users}
    configuration.write_text(CONFIGURATION.format(**values))
    folder.chmod(0o755)
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to be root
    process = subprocess.Popen(
        [PGBOUNCER, str(configuration)], user=user, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        _wait_for(listen, process)
        netloc = f"{parts.username}:{parts.password}@127.0.0.1:{listen}"
        yield urlunsplit(parts._replace(netloc=netloc))
    finally:
        process.terminate()
        process.communicate(timeout=10)
        shutil.rmtree(folder)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    pytest.fail(f"PgBouncer did not start: {process.communicate()[0].decode()}")


class Greeter(Journey):
    """Greets."""

    greet = step("Greet.")


class TestThroughPooler(AcceptRules, FinishRules, SharingRules, DurableSharingRules):
    @pytest.fixture
    def open_store(self, pooler: str, postgres_url: str) -> OpenStore:
        url = f"{pooler}?{urlsplit(postgres_url).query}"
        return lambda clock: PostgresStore(url, clock=clock)


@pytest.mark.asyncio
async def test_a_pooler_is_noticed(pooler: str, postgres_server: str) -> None:
    for url, is_pooled in ((pooler, True), (postgres_server, False)):
        connection = await connect(url, is_pooled=True)
        assert await is_behind_pooler(connection) is is_pooled
        await connection.close(timeout=5)


@pytest.mark.asyncio
async def test_a_conversation_goes_through_a_pooler(pooler: str, postgres_url: str) -> None:
    url = f"{pooler}?{urlsplit(postgres_url).query}"
    async with Runtime(url, agents=[Greeter], llm_client=ScriptedLLM(*[say("Hello.")] * 20)) as chats:
        replies = await asyncio.gather(*(chats.send(f"c{number}", "hi") for number in range(20)))

    assert [reply.text for reply in replies] == ["Hello."] * 20
