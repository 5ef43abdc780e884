"""Which runtimes a process can run."""

import threading
import time
from typing import Any

import pytest

from agent_runtime_core.errors import ConfigurationError, UnknownRuntimeError
from agent_runtime_core.interfaces import AgentRuntime, RunContext, RunResult
from agent_runtime_core.registry import (
    clear_registry,
    get_runtime,
    list_runtimes,
    register_runtime,
    unregister_runtime,
)


class Echo(AgentRuntime):
    @property
    def key(self) -> str:
        return "echo"

    async def run(self, ctx: RunContext) -> RunResult:
        return RunResult()


class Incomplete(AgentRuntime):
    key = "incomplete"


class LooksLike:
    key = "looks-like"

    async def run(self, ctx: RunContext) -> RunResult:
        return RunResult()


def test_instance_is_found_by_its_own_key_or_a_given_one() -> None:
    echo = Echo()
    register_runtime(echo)
    register_runtime(echo, key="other")
    assert get_runtime("echo") is get_runtime("other") is echo


def test_class_is_made_at_once() -> None:
    register_runtime(Echo)
    assert isinstance(get_runtime("echo"), Echo)


def test_factory_is_called_once_when_it_is_needed() -> None:
    made: list[Echo] = []

    def factory() -> Echo:
        made.append(Echo())
        return made[-1]

    register_runtime(factory, key="lazy")
    assert (made, list_runtimes()) == ([], ["lazy"])
    assert get_runtime("lazy") is get_runtime("lazy") is made[0]
    assert len(made) == 1


def test_factory_is_called_once_by_many_threads() -> None:
    made: list[Echo] = []
    together = threading.Barrier(8)

    def slow_factory() -> Echo:
        for _ in range(100):
            time.sleep(0)  # lets the other threads go on
        made.append(Echo())
        return made[-1]

    register_runtime(slow_factory, key="lazy")

    def ask() -> None:
        together.wait()
        get_runtime("lazy")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_factory_may_ask_for_another_runtime() -> None:
    register_runtime(lambda: get_runtime("echo"), key="alias")
    register_runtime(Echo)
    assert get_runtime("alias") is get_runtime("echo")


def test_factory_that_failed_is_asked_again() -> None:
    answers: list[Any] = [None, Echo()]
    register_runtime(lambda: answers.pop(0), key="lazy")
    with pytest.raises(TypeError, match="the factory of runtime 'lazy' returned None; expected an AgentRuntime"):
        get_runtime("lazy")
    assert isinstance(get_runtime("lazy"), Echo)


def test_registering_again_replaces() -> None:
    register_runtime(Echo, key="x")
    newer = Echo()
    register_runtime(lambda: newer, key="x")
    assert get_runtime("x") is newer
    register_runtime(Echo, key="x")
    assert get_runtime("x") is not newer
    assert list_runtimes() == ["x"]


def test_instance_replaces_a_factory_that_was_never_called() -> None:
    register_runtime(lambda: Echo(), key="x")
    echo = Echo()
    register_runtime(echo, key="x")
    assert (get_runtime("x"), list_runtimes()) == (echo, ["x"])


def test_factory_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="without a key; pass key="):
        register_runtime(lambda: Echo())


@pytest.mark.parametrize("wrong", [LooksLike(), None, "echo", 5])
def test_what_is_no_runtime_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected an AgentRuntime"):
        register_runtime(wrong, key="x")
    assert list_runtimes() == []


def test_incomplete_runtime_is_refused() -> None:
    with pytest.raises(TypeError, match="abstract"):
        register_runtime(Incomplete)


@pytest.mark.parametrize("key", ["", 5])
def test_key_that_is_no_text_is_refused(key: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected a text"):
        register_runtime(Echo(), key=key)


def test_unknown_key_is_a_key_error_that_names_the_known_ones() -> None:
    register_runtime(Echo)
    with pytest.raises(KeyError) as caught:
        get_runtime("ecko")
    assert isinstance(caught.value, UnknownRuntimeError)
    assert str(caught.value) == "no runtime 'ecko' is registered; known: echo"


def test_unregistering_tells_whether_there_was_one() -> None:
    register_runtime(Echo)
    register_runtime(Echo, key="lazy")
    assert [unregister_runtime(key) for key in ("echo", "echo", "lazy")] == [True, False, True]
    register_runtime(Echo)
    clear_registry()
    assert list_runtimes() == []
