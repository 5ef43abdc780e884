"""Which models could be used here: what is configured, what is installed, and, if asked, which local server answers."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from agent_runtime_core.config import get_config
from agent_runtime_core.llm.choose import default_provider
from agent_runtime_core.llm.models import DEFAULT_CLAUDE, DEFAULT_MODEL, configured_model

LOCAL_SERVERS = (
    ("Ollama", 11434),
    ("llama.cpp", 8080),
    ("LM Studio", 1234),
    ("vLLM", 8000),
    ("Jan", 1337),
)
"""Servers people run on their own machine, and the ports they take unless told otherwise."""

_DEFAULTS = {"openai": DEFAULT_MODEL, "anthropic": DEFAULT_CLAUDE}
_LONGEST_ANSWER = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """One way to a model.

    Attributes:
        provider: As in `get_llm_client`.
        model: What to pass as `model` to get it; None where nothing is usable yet.
        is_ready: True if it can be used as it is.
        says: What is there or what is missing, as a sentence.
        models: The models it is known to have.
    """

    provider: str
    model: str | None
    is_ready: bool
    says: str
    models: tuple[str, ...] = ()


async def available_models(
    *, probe: bool = False, ports: Sequence[tuple[str, int]] = LOCAL_SERVERS, timeout: float = 0.5
) -> list[Availability]:
    """What is configured and what is missing; with `probe` also which local servers answer.

    Probing asks the given ports of 127.0.0.1 for their list of models and goes nowhere else; without it, no network is
    used.
    """
    config = get_config()
    found = [
        _vendor(
            "openai",
            "openai",
            bool(config.get_openai_api_key()),
            "OPENAI_API_KEY",
            config.get_openai_base_url(),
        ),
        _vendor("anthropic", "anthropic", bool(config.get_anthropic_api_key()), "ANTHROPIC_API_KEY", None),
        _litellm(),
        Availability(
            provider="offline", model="offline", is_ready=True, says="patterns instead of a model; no key, no network"
        ),
    ]
    if probe:
        found.extend(await local_servers(ports, timeout))
    return found


async def local_servers(ports: Sequence[tuple[str, int]] = LOCAL_SERVERS, timeout: float = 0.5) -> list[Availability]:
    """The OpenAI-compatible servers that answer on these ports of 127.0.0.1."""
    answers = await asyncio.gather(*(_models_at(port, timeout) for _, port in ports))
    return [
        Availability(
            provider="openai",
            model=f"http://127.0.0.1:{port}/v1" + (f"#{models[0]}" if len(models) > 1 else ""),
            is_ready=bool(models) and _is_installed("openai"),
            says=_server_says(name, port, models),
            models=tuple(models),
        )
        for (name, port), models in zip(ports, answers, strict=True)
        if models is not None
    ]


def _vendor(provider: str, package: str, has_key: bool, variable: str, base_url: str | None) -> Availability:
    missing: list[str] = []
    default = default_provider()
    is_default = ", the default" if default == provider else ""
    if not has_key and not base_url:
        missing.append(f"a key ({variable})")
    if not _is_installed(package):
        missing.append(f"the package (install agent_runtime_core[{package}])")
    if missing:
        return Availability(
            provider=provider, model=None, is_ready=False, says=f"missing: {' and '.join(missing)}{is_default}"
        )
    model = (configured_model(provider) if default == provider else None) or (None if base_url else _DEFAULTS[provider])
    chosen = f"{provider}/{model}" if model else None
    says = f"configured{f' at {base_url}' if base_url else ''}{is_default}"
    return Availability(provider=provider, model=chosen, is_ready=True, says=says)


def _litellm() -> Availability:
    is_there = _is_installed("litellm")
    says = "installed; keys are read by LiteLLM" if is_there else "missing: the package (agent_runtime_core[litellm])"
    return Availability(provider="litellm", model=None, is_ready=is_there, says=says)


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _server_says(name: str, port: int, models: Sequence[str]) -> str:
    listed = ", ".join(models[:5]) + (" …" if len(models) > 5 else "")
    has = f"with {listed}" if models else "without a model loaded"
    need = "" if _is_installed("openai") else "; to use it, install agent_runtime_core[openai]"
    return f"a server answers on port {port} (usually {name}) {has}{need}"


async def _models_at(port: int, timeout: float) -> list[str] | None:
    """The models a server lists; None if nothing answers as a model server would."""
    try:
        async with asyncio.timeout(timeout):
            body = await _get(port, "/v1/models")
        listing: object = json.loads(body)
    except (OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError):
        return None
    if not isinstance(listing, dict):
        return None
    entries = cast("dict[str, Any]", listing).get("data")
    if not isinstance(entries, list):
        return None
    named = [cast("dict[str, Any]", entry) for entry in cast("list[object]", entries) if isinstance(entry, dict)]
    return [str(entry["id"]) for entry in named if "id" in entry]


async def _get(port: int, path: str) -> bytes:
    # HTTP/1.0 needs no client library: the answer ends with the connection.
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n".encode())
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.splitlines()[0]:
            raise ValueError("not a list of models")
        length = _length(head)
        return await (reader.readexactly(length) if length is not None else reader.read(_LONGEST_ANSWER))
    finally:
        writer.close()


def _length(head: bytes) -> int | None:
    for line in head.splitlines():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return min(int(value), _LONGEST_ANSWER)
    return None
