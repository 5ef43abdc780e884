import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from agent_runtime_core import override_config
from agent_runtime_core.fake_provider import FakeProvider
from agent_runtime_core.llm.available import available_models, local_servers


def port_of(fake: FakeProvider) -> int:
    return int(fake.url.rsplit(":", 1)[1])


@asynccontextmanager
async def serving(answer: bytes) -> AsyncGenerator[int, None]:
    """A server that is no model server."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(answered, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.asyncio
async def test_what_is_missing_is_said() -> None:
    found = {each.provider: each for each in await available_models()}

    assert not found["openai"].is_ready
    assert found["openai"].says == "missing: a key (OPENAI_API_KEY)"
    assert not found["anthropic"].is_ready
    assert (found["offline"].is_ready, found["offline"].model) == (True, "offline")


@pytest.mark.asyncio
async def test_what_is_configured_is_said() -> None:
    with override_config(anthropic_api_key="key", model_provider="anthropic", default_model="claude-haiku-5-5"):
        found = {each.provider: each for each in await available_models()}

    assert found["anthropic"].is_ready
    assert found["anthropic"].model == "anthropic/claude-haiku-5-5"
    assert found["anthropic"].says == "configured, the default"


@pytest.mark.asyncio
async def test_model_of_another_provider_is_not_said_to_be_this_ones() -> None:
    with override_config(openai_api_key="key", default_model="claude-haiku-5-5"):
        found = {each.provider: each for each in await available_models()}

    assert (found["openai"].model, found["openai"].says) == ("openai/gpt-4o", "configured")
    assert found["anthropic"].says == "missing: a key (ANTHROPIC_API_KEY), the default"


@pytest.mark.asyncio
async def test_provider_of_the_only_key_is_the_default() -> None:
    with override_config(anthropic_api_key="key"):
        found = {each.provider: each for each in await available_models()}

    assert (found["anthropic"].model, found["anthropic"].says) == (
        "anthropic/claude-sonnet-5-5",
        "configured, the default",
    )


@pytest.mark.asyncio
async def test_no_port_is_touched_unless_asked(fake: FakeProvider) -> None:
    ports = [("Here", port_of(fake))]

    await available_models(ports=ports)
    assert fake.connections == 0
    found = await available_models(probe=True, ports=ports)

    assert fake.connections == 1
    assert found[-1].model == f"{fake.url}/v1"


@pytest.mark.asyncio
async def test_answering_server_is_named_with_its_models(fake: FakeProvider) -> None:
    fake.models = ["qwen", "gemma"]

    [server] = await local_servers([("Here", port_of(fake))])

    assert server.model == f"{fake.url}/v1#qwen"
    assert server.models == ("qwen", "gemma")
    assert server.says == f"a server answers on port {port_of(fake)} (usually Here) with qwen, gemma"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\n\r\n[]",
        b'HTTP/1.1 200 OK\r\n\r\n{"data": 3}',
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{}",
    ],
)
async def test_what_is_no_model_server_is_not_listed(answer: bytes) -> None:
    async with serving(answer) as port:
        assert await local_servers([("Other", port)]) == []


@pytest.mark.asyncio
async def test_silent_and_closed_ports_are_not_waited_for() -> None:
    async with serving(b"") as port:
        closed = port
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ports = [("Closed", closed), ("Silent", silent.getsockname()[1])]
        assert await local_servers(ports, timeout=0.02) == []
