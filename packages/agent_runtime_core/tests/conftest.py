"""Every test starts from the defaults: no settings, no keys, nothing registered."""

from collections.abc import Iterator

import pytest

from agent_runtime_core import clear_registry, masking, reset_config


@pytest.fixture(autouse=True)
def defaults(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import os

    for name in list(os.environ):
        if name.startswith(("AGENT_RUNTIME_", "OPENAI_", "ANTHROPIC_")):
            monkeypatch.delenv(name)
    reset_config()
    yield
    reset_config()
    clear_registry()
    masking._registered.clear()
