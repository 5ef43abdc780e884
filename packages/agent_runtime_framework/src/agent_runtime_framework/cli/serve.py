"""What `serve` and `dev` serve, and how: agents, model, store, who may ask, and uvicorn.

With several processes, or when files are watched, each process makes its app itself: `application` does, from what
stands in its environment.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from agent_runtime_framework.cli.failures import FAILED, OK, UsageError
from agent_runtime_framework.cli.opening import DEFAULT_STORE, make_directory
from agent_runtime_framework.cli.targets import load_agent, load_module, named_in, parse_target
from agent_runtime_framework.errors import ConfigurationError

if TYPE_CHECKING:
    from agent_runtime_framework.cli.targets import Agent
    from agent_runtime_framework.server import AgentApp, ApiKeys, Auth

VARIABLE = "AGENT_RUNTIME_SERVE"
"""Where the processes of a server find what they serve."""

LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is served.

    Attributes:
        targets: The agents, as the command line names them.
        store: Where conversations are kept.
        model: The model that was named.
        api_keys: Keys and their principals.
        auth: What gives the principal of a request.
        approvers: Who decides about calls that wait.
        cors_origins: Pages that may send requests.
        limits: The limits that were given.
        is_dev: True for `agent-runtime dev`.
        works: False if turns are left to `agent-runtime worker`.
    """

    targets: Sequence[str]
    store: str = DEFAULT_STORE
    model: str | None = None
    api_keys: dict[str, str] = field(default_factory=dict[str, str])
    auth: str | None = None
    approvers: Sequence[str] = ()
    cors_origins: Sequence[str] = ()
    limits: dict[str, Any] = field(default_factory=dict[str, Any])
    is_dev: bool = False
    works: bool = True


def serve(args: Namespace) -> int:
    """Serve agents; returns the exit code."""
    if args.workers < 1:
        raise UsageError(f"--workers is {args.workers}; expected 1 or more")
    if args.workers > 1 and args.reload:
        raise UsageError("--reload watches one process; leave out --workers")
    served = Served(
        targets=args.targets,
        store=args.store or DEFAULT_STORE,
        model=args.model,
        api_keys=_api_keys(args),
        auth=args.auth,
        approvers=args.approver or (),
        cors_origins=args.cors_origin or (),
        limits=_limits(args),
        works=not args.accept_only,
    )
    if args.accept_only and _is_volatile(served.store):
        raise UsageError(f"--accept-only needs a store that others work on; {served.store} is this process's own")
    if args.workers > 1 and _is_volatile(served.store):
        raise UsageError(f"--workers {args.workers} need a store that they share; {served.store} is each one's own")
    return _run(served, args, reload=args.reload, workers=args.workers)


def develop(args: Namespace) -> int:
    """Serve agents to whoever writes them; returns the exit code."""
    if args.host not in LOOPBACK:
        raise UsageError(
            f"dev answers this machine only, because it asks nobody who they are; --host {args.host} is possible with "
            "`agent-runtime serve`"
        )
    served = Served(targets=args.targets, store=args.store or DEFAULT_STORE, model=args.model, is_dev=True)
    return _run(served, args, reload=not args.no_reload, workers=1)


def application() -> AgentApp:
    """The app, from what stands in the environment of this process."""
    return make_app(Served(**json.loads(os.environ[VARIABLE])))


def make_app(served: Served) -> AgentApp:
    """The app of what is served.

    Raises:
        UsageError: An agent, the model or who may ask is not there.
    """
    from agent_runtime_framework.runtime import Runtime
    from agent_runtime_framework.server import Limits, create_app

    agents = [load_agent(target) for target in served.targets]
    for agent in agents if served.works else ():
        give_model(agent, served.model, falls_back=served.is_dev)
    if served.store == DEFAULT_STORE:
        make_directory()
    if served.is_dev:
        return _dev_app(served, agents)
    return create_app(
        Runtime(served.store, agents, works=served.works),
        auth=_auth(served),
        limits=Limits(**served.limits),
        approvers=served.approvers,
        cors_origins=served.cors_origins,
    )


def _dev_app(served: Served, agents: Sequence[Agent]) -> AgentApp:
    from agent_runtime_framework.server import Limits, create_app
    from agent_runtime_framework.server.dev import Bench, Loader, operations

    loaders = {
        agent.key: Loader(target, partial(load_agent, target))
        for target, agent in zip(served.targets, agents, strict=True)
    }
    bench = Bench(None if _is_volatile(served.store) else _beside_the_store(), loaders)
    return create_app(
        bench.runtime(served.store, agents),
        limits=Limits(rate=None),
        hosts=LOOPBACK,
        shows_prompts=True,
        operations=operations(bench),
        routes=bench.routes(),
    )


def _beside_the_store() -> Path:
    make_directory()
    return Path(DEFAULT_STORE.removeprefix("sqlite:///")).with_name("dev-turns.jsonl")


def give_model(agent: Agent, name: str | None, *, falls_back: bool = False) -> None:
    """Give an agent the model that was named, or the one that is configured.

    Args:
        agent: The agent.
        name: The model, as the command line names it.
        falls_back: Whether the offline model will do where nothing is configured.

    Raises:
        UsageError: There is no such model.
    """
    from agent_runtime_framework.cli.model_choice import ME, choose_model
    from agent_runtime_framework.cli.screen import open_screen

    if name == ME:
        raise UsageError("nobody sits at a server who could play the model; name another one with --model")
    model = choose_model(name, agent, open_screen())
    if model.is_fallback and not falls_back:
        raise UsageError(
            "no model is configured: set OPENAI_API_KEY or ANTHROPIC_API_KEY, or name one with --model; "
            "--model offline answers by rules, without a key or a network"
        )
    if model.remark:
        sys.stderr.write(f"{agent.key}: {model.remark}\n")
    agent.llm_client = model.client


def _auth(served: Served) -> Auth | None:
    from agent_runtime_framework.server import ApiKeys

    if served.api_keys:
        return ApiKeys(served.api_keys)
    if served.auth is None:
        return None
    target = parse_target(served.auth)
    if not target.name:
        raise UsageError(f"--auth {served.auth} names a module only; expected MODULE:CALLABLE")
    found = named_in(load_module(target), target)
    if not callable(found):
        raise UsageError(f"--auth {served.auth} is {found!r:.80}; expected a callable that takes a request")
    return cast("Auth", found)


def _api_keys(args: Namespace) -> dict[str, str]:
    """The keys that were given, after it is sure that exactly one way was chosen."""
    ways = [args.api_key or args.api_keys_file, args.auth, args.no_auth]
    if sum(bool(way) for way in ways) != 1:
        raise UsageError(
            "say who may ask: --api-key KEY=PRINCIPAL, --api-keys-file FILE, --auth MODULE:CALLABLE, or, for everybody "
            "who reaches the port, --no-auth"
        )
    lines = list(args.api_key or ())
    if args.api_keys_file:
        lines += _lines_of(Path(args.api_keys_file))
    keys: dict[str, str] = {}
    for line in lines:
        key, separator, principal = (part.strip() for part in line.partition("="))
        if not separator or not key or not principal:
            raise UsageError("an API key has the form KEY=PRINCIPAL; one of those given has not")
        keys[key] = principal
    if keys:
        _check_keys(keys)
    elif args.api_keys_file:
        raise UsageError(f"{args.api_keys_file} has no keys; expected one KEY=PRINCIPAL a line")
    return keys


def _check_keys(keys: dict[str, str]) -> ApiKeys:
    require_server()
    from agent_runtime_framework.server import ApiKeys

    return ApiKeys(keys)


def _lines_of(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(path)!r} cannot be read ({error})") from error
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _limits(args: Namespace) -> dict[str, Any]:
    given = {"body": args.max_body, "message": args.max_message, "streams": args.max_streams}
    limits: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name, value in limits.items():
        if value < 1:
            raise UsageError(f"the limit {name} is {value}; expected 1 or more")
    if args.rate is not None:
        limits |= {"rate": args.rate or None, "burst": max(1, int(args.rate * 5))}
    return limits


def require_server() -> None:
    """Make sure that what a server needs is installed.

    Raises:
        ConfigurationError: It is not.
    """
    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        raise ConfigurationError("a server needs more; install it with: pip install 'agent_runtime_framework[server]'")


def _is_volatile(store: str) -> bool:
    return store == "memory://" or store.endswith(":memory:")


def _run(served: Served, args: Namespace, *, reload: bool, workers: int) -> int:
    require_server()
    import uvicorn

    os.environ[VARIABLE] = json.dumps(asdict(served))
    # What is wrong is said here, once, and not by every process.
    app = make_app(served)
    is_one = not reload and workers == 1
    _announce(served, args, workers)
    # uvicorn passes the signal on when all is done; without this the process would be killed by it then.
    signal.signal(signal.SIGTERM, _leave)
    try:
        uvicorn.run(
            app if is_one else f"{__name__}:application",
            factory=not is_one,
            host=args.host,
            port=args.port,
            reload=reload,
            reload_dirs=_watched(served) if reload else None,
            workers=workers,
            log_level="info" if args.verbose else "warning",
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
        )
    except SystemExit as error:
        # It says why by itself.
        return FAILED if error.code else OK
    return OK


def _leave(number: int, frame: object) -> NoReturn:
    raise SystemExit(OK)


GRACE_SECONDS = 30
"""How long open requests get to end."""


def _watched(served: Served) -> list[str]:
    """The directories whose files are the author's."""
    files = [Path(parse_target(target).where) for target in served.targets]
    found = {str(path.resolve().parent) for path in files if path.suffix == ".py"} | {str(Path.cwd())}
    return sorted(found)


def _announce(served: Served, args: Namespace, workers: int) -> None:
    host = f"[{args.host}]" if ":" in args.host else args.host
    several = f", {workers} processes" if workers > 1 else ""
    what = "Look at" if served.is_dev else "Serving"
    sys.stderr.write(f"{what} http://{host}:{args.port}{several}; conversations in {_shown(served.store)}\n")
    if not served.is_dev and not served.api_keys and served.auth is None:
        sys.stderr.write("Nobody is asked who they are: whoever reaches this port reads and writes everything.\n")


def _shown(store: str) -> str:
    """A store without its password."""
    head, separator, tail = store.rpartition("@")
    return f"{head.partition('://')[0]}://…{separator}{tail}" if separator else store.removeprefix("sqlite:///")
