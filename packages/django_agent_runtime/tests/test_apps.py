import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

START = """
import json, logging, django
from agent_runtime_core import config
config.configure(default_model="mine")
django.setup()
import agent_runtime_framework
from django_agent_runtime.runtime.registry import list_runtimes
print(json.dumps({
    "runtimes": list_runtimes(),
    "core": [config.get_config().debug, config.get_config().default_model],
    "framework": agent_runtime_framework.is_debug(),
}))
"""


def start(project: Path, **environment: str) -> dict[str, Any]:
    env = {**os.environ, "PYTHONPATH": str(project), "DJANGO_SETTINGS_MODULE": "shop.settings", **environment}
    run = [sys.executable, "-W", "error", "-c", START]
    ran = subprocess.run(run, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_django_finds_the_runtimes_when_it_starts(project: Path):
    assert start(project)["runtimes"] == ["echo", "registered"]


@pytest.mark.parametrize(("value", "is_debug"), [("1", True), ("0", False)])
def test_debugging_reaches_the_engine_and_keeps_what_was_configured(project: Path, value: str, is_debug: bool):
    started = start(project, DJANGO_AGENT_RUNTIME_DEBUG=value)

    assert started["core"] == [is_debug, "mine"]
    assert started["framework"] is is_debug


def test_django_finds_nothing_to_complain_about(project: Path):
    env = {**os.environ, "PYTHONPATH": str(project), "DJANGO_SETTINGS_MODULE": "shop.settings"}
    run = [sys.executable, "-W", "error", "-m", "django", "check", "--fail-level", "WARNING"]

    ran = subprocess.run(run, env=env, capture_output=True, text=True, timeout=60, check=False)

    assert ran.returncode == 0, ran.stderr
