"""An event loop for blocking calls: one per object that offers them, closed when the object is gone."""

from __future__ import annotations

import asyncio
import weakref
from threading import Thread

__all__ = ["is_loop_running", "runner_for"]


def runner_for(owner: object) -> asyncio.Runner:
    """Runs coroutines for an object, all in one loop: connections that a client pools are bound to theirs.

    It is closed when the owner is collected, or else when the interpreter ends; closing it earlier does no harm.
    """
    # With a factory, the loop never becomes anybody's current one, and closing it takes nobody's away.
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    weakref.finalize(owner, _close, runner)
    return runner


def is_loop_running() -> bool:
    """True if a loop runs in this thread, so that a blocking call would hold it up."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _close(runner: asyncio.Runner) -> None:
    # An owner is collected wherever the collector happens to run, also inside another loop. A thread has one loop at
    # a time, and closing runs the runner's own once more, to end what is left in it.
    if is_loop_running():
        Thread(target=runner.close, name="closes an event loop").start()
    else:
        runner.close()
