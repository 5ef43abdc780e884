import logging
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from agent_runtime_core import registry as core
from agent_runtime_core.errors import UnknownRuntimeError
from django_agent_runtime.runtime import registry
from django_agent_runtime.runtime.registry import (
    autodiscover_runtimes,
    clear_registry,
    get_runtime,
    get_runtime_async,
    list_runtimes,
    list_runtimes_async,
    register_runtime,
    unregister_runtime,
)

Configured = Callable[..., None]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("shop.agents.register", "registered"),
        ("shop.agents:register", "registered"),
        ("shop.agents.make", "made"),
        ("shop.agents.Echo", "echo"),
        ("shop.agents:instance", "instance"),
    ],
)
def test_settings_name_runtimes(configured: Configured, path: str, key: str):
    configured(RUNTIME_REGISTRY=[path])

    autodiscover_runtimes()

    assert list_runtimes() == [key]


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [
        ("nowhere.agents.register", ModuleNotFoundError, "nowhere"),
        ("shop.agents.missing", ImportError, "no 'missing' in the module 'shop.agents'"),
        ("register", ImportError, "'register' is no path"),
        ("shop.agents:", ImportError, "'shop.agents:' is no path"),
        ("shop.agents.broken", OSError, "the catalogue is away"),
        ("shop.agents.number", TypeError, "found 5; expected a function"),
    ],
)
class TestABrokenName:
    def test_is_logged_and_keeps_nobody_out(
        self, configured: Configured, caplog: Any, path: str, kind: type[Exception], reason: str
    ):
        configured(RUNTIME_REGISTRY=[path, "shop.agents.register"])

        autodiscover_runtimes()

        assert list_runtimes() == ["registered"]
        (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
        assert path in record.getMessage()
        assert reason in str(record.exc_info[1])

    def test_is_raised_in_debug_mode(
        self, configured: Configured, caplog: Any, path: str, kind: type[Exception], reason: str
    ):
        configured(RUNTIME_REGISTRY=[path], SWALLOW_EXCEPTIONS=False)

        with pytest.raises(kind, match=reason) as caught:
            autodiscover_runtimes()

        assert f"while loading {path!r}" in caught.value.__notes__[0]


def test_installed_packages_offer_runtimes(configured: Configured, monkeypatch: pytest.MonkeyPatch):
    configured(RUNTIME_REGISTRY=["shop.agents.register"])
    offered = [EntryPoint("shop", "shop.agents:make", registry.ENTRY_POINTS)]
    monkeypatch.setattr(registry, "entry_points", lambda group: [each for each in offered if each.group == group])

    autodiscover_runtimes()

    assert list_runtimes() == ["made", "registered"]


def test_it_is_the_registry_of_the_core(configured: Configured):
    configured(RUNTIME_REGISTRY=["shop.agents.register"])
    autodiscover_runtimes()

    assert core.get_runtime("registered") is get_runtime("registered")
    assert unregister_runtime("registered") is True
    assert core.list_runtimes() == []


def test_keys_are_sorted(configured: Configured):
    configured(RUNTIME_REGISTRY=["shop.agents.register", "shop.agents.make", "shop.agents.Echo"])
    autodiscover_runtimes()

    assert list_runtimes() == ["echo", "made", "registered"]
    clear_registry()
    assert list_runtimes() == []


@pytest.mark.asyncio
async def test_it_can_be_asked_inside_an_event_loop(configured: Configured):
    from shop.agents import Named

    made: list[Named] = []

    def factory() -> Named:
        from django.utils.asyncio import async_unsafe

        made.append(async_unsafe(Named)("late"))
        return made[0]

    register_runtime(factory, key="late")

    assert await list_runtimes_async() == ["late"]
    assert await get_runtime_async("late") is made[0]
    with pytest.raises(UnknownRuntimeError, match="no runtime 'other' is registered; known: late"):
        await get_runtime_async("other")


def test_a_journey_is_a_runtime(configured: Configured):
    from agent_runtime_framework.adapters import DjangoRuntimeAdapter

    class Minimal(DjangoRuntimeAdapter[Any, Any, Any]):
        key = "minimal"  # type: ignore[assignment]
        get_initial_state = get_system_prompt = get_tool_schemas = create_tools = execute_tool = None  # type: ignore[assignment]

    register_runtime(Minimal())

    assert list_runtimes() == ["minimal"]
