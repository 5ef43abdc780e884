"""Who owns a lease: a name that tells whether the process behind it still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from uuid import uuid4


def owner_name() -> str:
    """A name for an owner in this process, unlike any other."""
    pid = os.getpid()
    return "|".join((_machine(), str(pid), _started(pid), uuid4().hex))


def is_gone(owner: str) -> bool:
    """True if the process was on this machine and has ended; of other machines nothing is known."""
    machine, _, rest = owner.partition("|")
    pid, _, rest = rest.partition("|")
    if machine != _machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    started = _started(int(pid))
    return started == "" or started != rest.partition("|")[0]


def _machine() -> str:
    """This machine; of containers, this container."""
    try:
        # Process numbers mean something within one namespace only.
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}/{namespace}".replace("|", "_")


def _started(pid: int) -> str:
    """When a process began, so that another one with its number is not taken for it; empty if it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return "?"
    return "" if fields[0] in ("Z", "X") else fields[19]
