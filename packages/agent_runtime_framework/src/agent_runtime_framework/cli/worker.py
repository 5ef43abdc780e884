"""A process that only works: it runs turns until it is told to end, and then leaves nothing half done."""

from __future__ import annotations

import asyncio
import logging
import signal
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent_runtime_framework.cli.failures import OK, UsageError
from agent_runtime_framework.cli.serve import give_model
from agent_runtime_framework.cli.targets import load_agent

if TYPE_CHECKING:
    from agent_runtime_framework.cli.targets import Agent

logger = logging.getLogger(__name__)


def work(args: Namespace) -> int:
    """Work until it is stopped; returns the exit code."""
    from agent_runtime_core.logs import configure_logging

    if args.concurrency < 1:
        raise UsageError(f"--concurrency is {args.concurrency}; expected 1 or more")
    if args.lease < 1:
        raise UsageError(f"--lease is {args.lease:g}; expected 1 second or more")
    if args.store == "memory://" or args.store.endswith(":memory:"):
        raise UsageError(f"--store {args.store} is this process's own, so that nobody else can accept anything in it")
    agents = [load_agent(target) for target in args.targets]
    for agent in agents:
        give_model(agent, args.model)
    configure_logging(json=not args.verbose, level="DEBUG" if args.verbose else None)
    asyncio.run(_work(args, agents))
    return OK


async def _work(args: Namespace, agents: Sequence[Agent]) -> None:
    from agent_runtime_framework.runtime import LocalHost, Runtime

    host = LocalHost(concurrency=args.concurrency, grace=args.grace)
    runtime = Runtime(args.store, agents, host=host, lease=args.lease)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with runtime:
        keys, store = ", ".join(runtime.agents), repr(runtime.store)
        logger.info("working for %s; up to %d conversations at once, from %s", keys, args.concurrency, store)
        await stopped.wait()
        # Whoever insists does not wait: what is unfinished is continued by others when the lease has run out.
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        logger.info("ending; turns get up to %g s", args.grace)
    logger.info("ended")
