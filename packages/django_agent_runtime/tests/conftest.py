"""A tiny project, set up once; every test starts with its settings and an empty registry."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.test import override_settings

PROJECT = Path(__file__).parent / "project"


def pytest_configure() -> None:
    sys.path.insert(0, str(PROJECT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
    django.setup()
    # The settings are loaded now; other tests' subprocesses are not to inherit them.
    del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from agent_runtime_core import reset_config
    from django_agent_runtime.conf import reset_settings
    from django_agent_runtime.runtime.registry import clear_registry

    monkeypatch.delenv("DJANGO_AGENT_RUNTIME_DEBUG", raising=False)
    clear_registry()
    yield
    clear_registry()
    reset_settings()
    reset_config()


@pytest.fixture
def configured() -> Iterator[Callable[..., None]]:
    """Sets `DJANGO_AGENT_RUNTIME` for the rest of the test."""
    active: list[Any] = []

    def configure(**given: Any) -> None:
        override = override_settings(DJANGO_AGENT_RUNTIME=given)
        override.enable()
        active.append(override)

    yield configure
    for override in reversed(active):
        override.disable()


@pytest.fixture
def project() -> Path:
    """The folder of the tiny project."""
    return PROJECT
