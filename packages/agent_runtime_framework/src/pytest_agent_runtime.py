"""The pytest plugin's door: options and markers. What they switch on is imported once pytest has been configured.

It stands beside the package and imports nothing, because pytest loads every installed plugin before anything else:
before coverage is measured, and also for projects that do not use the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_ALLOW = "let tests ask real models; without it such a request is an error"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and settings."""
    group = parser.getgroup("journeys", "conversations (agent_runtime_framework)")
    group.addoption("--allow-real-models", action="store_true", help=_ALLOW)
    group.addoption(
        "--journey-coverage",
        nargs="?",
        const="",
        metavar="FILE",
        help="say which steps, moves, guards and mishaps the conversations reached; as JSON too if a file is named",
    )
    group.addoption(
        "--journey-skeletons",
        metavar="DIR",
        help="write a scenario to be completed for every move that no conversation made (with --journey-coverage)",
    )
    parser.addini("allow_real_models", _ALLOW, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Declare markers, and bring in the plugin itself."""
    config.addinivalue_line("markers", "real_model: this test may ask a real model")

    from agent_runtime_framework.testing import plugin

    config.pluginmanager.register(plugin, "agent_runtime_framework.testing.plugin")
    plugin.set_up(config)
