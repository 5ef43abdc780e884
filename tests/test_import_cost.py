"""Importing costs nothing it need not, and does nothing at all."""

import json
import subprocess
import sys
from typing import Any

import pytest

HEAVY = {
    "pydantic", "openai", "anthropic", "litellm", "sqlite3", "asyncpg", "django", "starlette", "fastapi", "uvicorn",
    "httpx", "aiohttp", "requests", "rich", "prompt_toolkit", "temporalio", "mcp", "opentelemetry", "yaml", "pytest",
    "multiprocessing", "http", "xml",
}  # fmt: skip

PROBE = """
import asyncio, dataclasses, json, logging, os, sys, threading

done = []

class Watched(type(os.environ)):
    def __getitem__(self, key):
        frame = sys._getframe(1)
        while frame.f_code.co_filename in ("<frozen os>", "<frozen _collections_abc>", os.__file__):
            frame = frame.f_back
        name = frame.f_globals.get("__name__", "")
        if name.startswith(("agent_runtime_", "django_agent_runtime")):
            done.append(f"{name} read the variable {key}")
        return super().__getitem__(key)

os.environ.__class__ = Watched

def watch(event, args):
    if event.startswith(("socket.", "subprocess.", "sqlite3.", "os.mkdir", "os.remove", "os.rename")):
        done.append(f"{event} {args[:2]}")
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        done.append(f"wrote to {args[0]}")

before = set(sys.modules)
sys.addaudithook(watch)
{code}
loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("agent_runtime")]
print(json.dumps({
    "loaded": sorted({name.partition(".")[0] for name in set(sys.modules) - before}),
    "modules": sorted(set(sys.modules) - before),
    "done": done,
    "handlers": [str(handler) for logger in [logging.root, *loggers] for handler in logger.handlers],
    "levels": sorted({logger.level for logger in loggers}),
    "threads": threading.active_count(),
}))
"""

USES = {
    "core": "import agent_runtime_core",
    "framework": "import agent_runtime_framework",
    "every name of core": "from agent_runtime_core import *",
    "every name of the framework": "from agent_runtime_framework import *",
    "how clients are chosen": "import agent_runtime_core.llm",
    "stores": "import agent_runtime_framework.store, agent_runtime_framework.memory",
    "doubles": "import agent_runtime_core.testing, agent_runtime_framework.testing",
    "django adapter": "import agent_runtime_framework.adapters.django",
}


def probe(code: str) -> dict[str, Any]:
    script = PROBE.replace("{code}", code)
    ran = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module", params=USES.values(), ids=list(USES))
def imported(request: pytest.FixtureRequest) -> dict[str, Any]:
    return probe(request.param)


def test_nothing_heavy_is_loaded(imported: dict[str, Any]):
    assert HEAVY & set(imported["loaded"]) == set()


def test_no_environment_file_or_network_is_touched(imported: dict[str, Any]):
    assert imported["done"] == []


def test_logging_is_not_configured(imported: dict[str, Any]):
    assert imported["handlers"] == []
    assert imported["levels"] in ([], [0])


def test_no_thread_is_started(imported: dict[str, Any]):
    assert imported["threads"] == 1


def test_a_journey_agent_can_be_written_without_pydantic():
    code = """
from agent_runtime_framework import AgentContext, BaseJourneyState, BaseJourneyTools, JourneyAgent, ToolSchemaBuilder
from agent_runtime_framework.tools.compiled import offered
offered(ToolSchemaBuilder("save").param("name", "string", required=True).build()).check({"name": 1})
"""

    assert HEAVY & set(probe(code)["loaded"]) == set()


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("import os\nexec('os.environ.get(\"HOME\")', {'os': os, '__name__': 'agent_runtime_x'})", "variable HOME"),
        ("import os\nexec('\"HOME\" in os.environ', {'os': os, '__name__': 'agent_runtime_x'})", "variable HOME"),
        ("import tempfile\ntempfile.TemporaryFile('w').close()", "wrote to"),
        ("import socket\nsocket.socket().close()", "socket."),
    ],
)
def test_the_probe_sees_it(code: str, seen: str):
    assert seen in str(probe(code)["done"])
