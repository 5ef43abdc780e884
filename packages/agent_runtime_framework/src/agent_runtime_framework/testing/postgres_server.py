"""A PostgreSQL server of one's own, for tests and benchmarks: started in a new directory, gone afterwards.

    python -m agent_runtime_framework.testing.postgres_server DIRECTORY

runs one until it is interrupted, and keeps its data in DIRECTORY.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

VARIABLE = "AGENT_RUNTIME_TEST_POSTGRES"
"""The URL of a server to use in place of one that is started."""

_UNPRIVILEGED = ("postgres", "nobody")
_PASSWORD = "not-a-secret"  # the server listens to this machine only, and holds nothing
_PLACES = ("/usr/lib/postgresql", "/usr/pgsql-*", "/opt/homebrew/opt/postgresql*", "/usr/local/opt/postgresql*")
_START_SECONDS = 60


def missing_binaries() -> str | None:
    """What keeps a server from being started here, for the reader of a skipped test; None if nothing does."""
    if _binary("initdb") is None or _binary("postgres") is None:
        return (
            "no PostgreSQL is installed: install it (Debian: apt-get install postgresql), or name a server with "
            f"{VARIABLE}=postgresql://user:password@host/database"
        )
    return None


class PostgresServer:
    """A server on a port of this machine.

    Args:
        folder: Where it keeps its data; empty, or one it kept them in before.
        settings: Lines of its configuration, as `max_connections=50`.

    Attributes:
        url: Of its database, with the password.
    """

    def __init__(self, folder: Path, *settings: str, port: int | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = port or _free_port()
        self.url = f"postgresql://postgres:{quote(_PASSWORD)}@127.0.0.1:{self.port}/postgres"
        self._settings = settings
        # Nobody but the administrator may be root; PostgreSQL refuses to.
        self._user = next((name for name in _UNPRIVILEGED if _exists(name)), None) if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        if not self.data.exists():
            self._create()
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        arguments = [item for setting in (*options, *self._settings) for item in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            command = [_needed("postgres"), "-D", str(self.data), *arguments]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, user=self._user, cwd=self.folder)
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT disconnects everybody, SIGQUIT ends it as a crash does."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_SECONDS)
            self._process = None

    def _create(self) -> None:
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        secret = self.folder / "password"
        secret.write_text(_PASSWORD)
        secret.chmod(0o644)
        command = [_needed("initdb"), "-D", str(self.data), "-U", "postgres", "-A", "scram-sha-256", "-N"]
        command += ["--pwfile", str(secret), "-E", "UTF8", "--locale=C"]
        done = subprocess.run(command, capture_output=True, text=True, user=self._user, cwd=self.folder, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stderr[-2000:]}")

    def _is_ready(self) -> bool:
        # The last line of this file says so when connections are taken; no client is needed to ask.
        status = self.data / "postmaster.pid"
        try:
            lines = status.read_text().splitlines()
        except OSError:
            return False
        return self._process is not None and lines[:1] == [str(self._process.pid)] and lines[7:] == ["ready   "]


@contextmanager
def running_postgres(*settings: str) -> Generator[PostgresServer]:
    """A server that is gone, with its data, when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="agent-runtime-postgres-"))
    server = PostgresServer(folder, *settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _binary(name: str) -> str | None:
    found = shutil.which(name)
    if found is not None:
        return found
    for place in _PLACES:
        root = Path(place)
        for path in sorted(root.parent.glob(f"{root.name}/**/bin/{name}"), reverse=True):
            return str(path)
    return None


def _needed(name: str) -> str:
    found = _binary(name)
    if found is None:
        raise RuntimeError(missing_binaries())
    return found


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _main(folder: str) -> None:
    path = Path(folder).absolute()
    path.mkdir(parents=True, exist_ok=True)
    server = PostgresServer(path, port=int(os.environ.get("PGPORT", "0")) or None)
    for number in (signal.SIGTERM, signal.SIGINT):
        # Whoever starts a program in the background of a script lets it ignore SIGINT.
        signal.signal(number, signal.default_int_handler)
    try:
        server.start()
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()


if __name__ == "__main__":
    _main(sys.argv[1])
