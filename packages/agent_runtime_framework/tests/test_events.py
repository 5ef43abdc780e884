"""Events are numbered and pushed, and no observer can break a turn."""

import pytest

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.events import SILENT, Emitter, Event


class Events(list[Event]):
    def push(self, event: Event) -> None:
        self.append(event)


class Broken:
    def push(self, event: Event) -> None:
        raise ZeroDivisionError


def test_every_sink_gets_the_same_numbered_events() -> None:
    first, second = Events(), Events()
    emitter = Emitter([first, second], "run", "conversation")
    emitter.emit(EventType.RUN_STARTED, {"agent": "a"})
    emitter.emit(EventType.ASSISTANT_DELTA, {"delta": "Hi"})
    assert first == second
    assert first[1] == Event(EventType.ASSISTANT_DELTA, {"delta": "Hi"}, "run", "conversation", 1)


def test_sink_that_raises_is_logged_and_the_next_one_still_told(caplog: pytest.LogCaptureFixture) -> None:
    events = Events()
    Emitter([Broken(), events]).emit(EventType.RUN_STARTED, {})
    assert len(events) == 1
    assert "sink Broken failed on run.started" in caplog.text


def test_emitter_without_sinks_is_falsy_and_silent() -> None:
    assert not SILENT
    SILENT.emit(EventType.RUN_STARTED, {})
    assert Emitter([Events()])


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"delta": "Hi"}, "Hi"),
        ({"content": "Hello."}, "Hello."),
        ({"text": "Again."}, "Again."),
        ({"text": ""}, ""),
        ({"name": "pick"}, ""),
    ],
)
def test_text_of_an_event(payload: JSONObject, text: str) -> None:
    assert Event(EventType.ASSISTANT_DELTA, payload).text == text
