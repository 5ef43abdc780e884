"""The gate: what may not run is refused, what fails leaves no trace, and every call gets an answer."""

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, cast
from uuid import UUID

import pytest

from agent_runtime_core.interfaces import EventType
from agent_runtime_framework.config import override_config
from agent_runtime_framework.errors import MoveRefused, ToolError
from agent_runtime_framework.events import Emitter, Event
from agent_runtime_framework.executor.calls import MAX_PROBLEMS, Answer, answer_call, refusal, result_text
from agent_runtime_framework.executor.journal import Journal
from agent_runtime_framework.toolcalls import ToolCall, make_call
from agent_runtime_framework.tools.base import ToolResult
from agent_runtime_framework.tools.offer import Offer
from agent_runtime_framework.tools.schema import ToolParameter, ToolSchema

ADD = ToolSchema("add", "Add an item.", [ToolParameter("item", "string", required=True)])
PAY = ToolSchema("pay", "Pay.")
PRIVATE = ToolSchema("_secret", "Hidden.")
OFFER = Offer([ADD, PAY])


class Cart:
    """A scene with a cart as its state; `fail` is what its tools raise after they have changed it."""

    def __init__(self, fail: BaseException | None = None, result: Any = "Added.") -> None:
        self.items: list[Any] = []
        self.fail, self.result = fail, result
        self.ran: list[str] = []
        self.now: Offer | None = OFFER

    def offer(self) -> Offer | None:
        return self.now

    async def run(self, call: ToolCall) -> object:
        self.ran.append(call.name)
        self.items.append(call.arguments.pop("item", None))
        if self.fail is not None:
            raise self.fail
        return self.result

    def snapshot(self) -> str:
        return json.dumps(self.items)

    def restore(self, snapshot: str | None) -> None:
        self.items[:] = json.loads(snapshot or "[]")


class Events(list[Event]):
    def push(self, event: Event) -> None:
        self.append(event)


@pytest.fixture(autouse=True)
def production() -> Iterator[None]:
    with override_config(debug=False):
        yield


def add(item: Any = "tea") -> ToolCall:
    return make_call("add", {"item": item})


@pytest.mark.asyncio
async def test_call_that_fits_runs_and_is_answered() -> None:
    cart = Cart()
    assert await answer_call(add(), cart, OFFER, OFFER) == Answer("Added.")
    assert cart.items == ["tea"]


class Remembering:
    """A journal of a turn that is continued: it knows what one call came to."""

    def __init__(self, call_id: str, answer: Answer) -> None:
        self.call_id, self.answer = call_id, answer

    def knows(self, call: ToolCall) -> bool:
        return call.id == self.call_id

    async def before_calls(self, calls: Sequence[ToolCall]) -> list[Answer | None]:
        return [self.answer if self.knows(call) else None for call in calls]


@pytest.mark.asyncio
async def test_call_whose_answer_is_known_is_answered_so_although_it_is_no_longer_offered() -> None:
    cart, call = Cart(), add()
    journal = cast("Journal", Remembering(call.id, Answer("outcome unknown", ok=False)))
    only_pay = Offer([PAY])

    answer = await answer_call(call, cart, only_pay, only_pay, journal=journal)

    assert answer.text == "outcome unknown"
    assert cart.ran == []


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (make_call("steal", {}), r"Error: Unknown tool 'steal'\. Offered now: add, pay\."),
        (make_call("", {}), r"Error: Unknown tool ''\."),
        (make_call("x" * 500, {}), r"Error: Unknown tool 'x{64}… \(500 characters\)'"),
        (make_call("__class__", {}), "Unknown tool"),
        (add(5), r"Error: add did not run: 'item' is 5; expected a string\."),
        (make_call("add", {}), "'item' is missing"),
        (make_call("add", "nonsense"), "add did not run: the arguments are not JSON"),
        (make_call("add", [1]), "a list"),
    ],
)
@pytest.mark.asyncio
async def test_refused_call_is_answered_and_does_not_run(call: ToolCall, said: str) -> None:
    cart = Cart()
    answer = await answer_call(call, cart, OFFER, OFFER)
    assert not answer.ok
    assert cart.ran == []
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(answer.text)


def said(refused: Answer | None) -> str:
    return "" if refused is None else refused.text


def test_private_name_is_refused_even_if_it_is_offered() -> None:
    offer = Offer([PRIVATE])
    assert "Unknown tool '_secret'" in said(refusal(make_call("_secret", {}), offer, offer))


BOTH, ADD_ONLY, PAY_ONLY, NOTHING = Offer([ADD, PAY]), Offer([ADD]), Offer([PAY]), Offer()


@pytest.mark.parametrize(
    ("sent", "current", "runs"),
    [
        (BOTH, BOTH, True),
        (BOTH, PAY_ONLY, True),
        (PAY_ONLY, BOTH, True),
        (BOTH, ADD_ONLY, False),
        (ADD_ONLY, BOTH, False),
        (ADD_ONLY, PAY_ONLY, False),
        (NOTHING, PAY_ONLY, False),
        (PAY_ONLY, NOTHING, False),
        (PAY_ONLY, None, True),
        (ADD_ONLY, None, False),
        (None, PAY_ONLY, True),
        (None, ADD_ONLY, False),
        (None, None, True),
    ],
)
def test_call_runs_only_if_it_was_offered_and_still_is(sent: Offer | None, current: Offer | None, runs: bool) -> None:
    assert (refusal(make_call("pay", {}), sent, current) is None) is runs


def test_refusal_of_a_withheld_tool_says_why() -> None:
    offer = Offer([ADD], withheld={"pay": "the cart is empty"})
    refused = refusal(make_call("pay", {}), BOTH, offer)
    assert said(refused) == "Error: pay is not possible now: the cart is empty. Offered now: add."
    assert refused is not None
    assert (refused.why, refused.detail) == ("withheld", "the cart is empty")


@pytest.mark.parametrize(("sent", "current"), [(True, False), (False, True), (True, True)])
def test_closed_offer_runs_nothing(sent: bool, current: bool) -> None:
    closed, opened = Offer([PAY], closed="the person must answer first"), Offer([PAY])
    refused = refusal(make_call("pay", {}), closed if sent else opened, closed if current else opened)
    assert said(refused) == "Error: pay did not run: the person must answer first."


def test_refusal_lists_what_is_offered_now() -> None:
    assert "Offered now: pay." in said(refusal(add(), BOTH, PAY_ONLY))
    assert "Offered now: none." in said(refusal(add(), BOTH, NOTHING))


def test_faults_of_one_call_are_told_up_to_a_number() -> None:
    names = [f"p{n}" for n in range(2 * MAX_PROBLEMS)]
    offer = Offer([ToolSchema("many", "Many.", [ToolParameter(name, "string", required=True) for name in names])])
    assert said(refusal(make_call("many", {}), offer, offer)).count("is missing") == MAX_PROBLEMS


@pytest.mark.asyncio
async def test_offer_is_read_again_behind_the_first_call_of_a_batch() -> None:
    cart = Cart()
    cart.now = PAY_ONLY
    assert (await answer_call(add(), cart, BOTH, BOTH)).ok
    assert not (await answer_call(add(), cart, BOTH, cart.offer())).ok
    assert cart.ran == ["add"]


@pytest.mark.asyncio
async def test_failing_tool_is_told_in_production_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    cart = Cart(ValueError("no tea left"))
    answer = await answer_call(add(), cart, OFFER, OFFER)
    assert answer == Answer("Error executing add: no tea left", ok=False, why="raised")
    (record,) = (each for each in caplog.records if each.levelno == logging.WARNING)
    assert record.exc_info is not None
    assert "no tea left" not in record.getMessage()


@pytest.mark.asyncio
async def test_failing_tool_raises_in_debug() -> None:
    with override_config(debug=True), pytest.raises(ValueError, match="no tea left"):
        await answer_call(add(), Cart(ValueError("no tea left")), OFFER, OFFER)


@pytest.mark.parametrize("is_debug", [True, False])
@pytest.mark.asyncio
async def test_tool_error_is_told_in_any_mode(is_debug: bool) -> None:
    with override_config(debug=is_debug):
        answer = await answer_call(add(), Cart(ToolError("ask for the size first")), OFFER, OFFER)
    assert answer == Answer("Error: ask for the size first", ok=False, why="tool")


@pytest.mark.parametrize("is_debug", [True, False])
@pytest.mark.parametrize("fail", [ValueError("x"), ToolError("x"), asyncio.CancelledError(), KeyboardInterrupt()])
@pytest.mark.asyncio
async def test_failing_tool_leaves_the_state_as_before_the_call(fail: BaseException, is_debug: bool) -> None:
    cart = Cart(fail)
    cart.items.append("milk")
    held = cart.items
    with override_config(debug=is_debug), suppress(type(fail)):
        await answer_call(add(), cart, OFFER, OFFER)
    assert cart.items is held
    assert held == ["milk"]


@pytest.mark.parametrize("fail", [asyncio.CancelledError(), KeyboardInterrupt()])
@pytest.mark.asyncio
async def test_cancellation_always_passes(fail: BaseException) -> None:
    with pytest.raises(type(fail)):
        await answer_call(add(), Cart(fail), OFFER, OFFER)


@pytest.mark.asyncio
async def test_events_tell_what_ran_even_if_the_tool_changes_its_arguments() -> None:
    events = Events()
    await answer_call(add(), Cart(), OFFER, OFFER, emitter=Emitter([events]))
    started, ended = events
    common = {"name": "add", "tool_call_id": "call_add"}
    assert (started.type, started.payload) == (EventType.TOOL_CALL, {**common, "arguments": {"item": "tea"}})
    assert (ended.type, ended.payload) == (EventType.TOOL_RESULT, {**common, "result": "Added.", "ok": True})


@pytest.mark.asyncio
async def test_tool_that_wanted_to_go_where_it_may_not_is_told_and_put_back() -> None:
    events, cart = Events(), Cart(MoveRefused("add may not lead to 'done'"))
    answer = await answer_call(add(), cart, OFFER, OFFER, emitter=Emitter([events]))
    assert answer == Answer(
        "Error: add may not lead to 'done'", ok=False, is_refused=True, why="move", detail="add may not lead to 'done'"
    )
    assert cart.items == []
    assert [event.type for event in events] == [EventType.TOOL_CALL, EventType.TOOL_REFUSED]


@pytest.mark.asyncio
async def test_refusal_is_an_event_of_its_own() -> None:
    events = Events()
    await answer_call(make_call("steal", {"n": 1}), Cart(), OFFER, OFFER, emitter=Emitter([events]))
    (event,) = events
    assert event.type is EventType.TOOL_REFUSED
    assert event.payload["arguments"] == {"n": 1}
    assert event.payload["reason"].startswith("Error: Unknown tool 'steal'")


class Colour(Enum):
    RED = "red"


class Model:
    def model_dump(self, mode: str) -> dict[str, str]:
        return {"mode": mode}


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("result", "text", "ok"),
    [
        ("text", "text", True),
        ("", "", True),
        (None, "Done.", True),
        ({"a": "é"}, '{"a": "é"}', True),
        ([1, 2], "[1, 2]", True),
        (5, "5", True),
        (Colour.RED, '"red"', True),
        ({"id": UUID(int=0)}, '{"id": "00000000-0000-0000-0000-000000000000"}', True),
        (Model(), '{"mode": "json"}', True),
        (ToolResult.ok("fine"), "fine", True),
        (ToolResult.fail("sold out"), "sold out", False),
        (ToolResult({"n": 1}), '{"n": 1}', True),  # type: ignore[arg-type]  # what a careless author may pass
        ("a\x00\ud800", "a\ufffd\ufffd", True),
        (LOOP, "[[...]]", True),
        ({(1, 2): 3}, "{(1, 2): 3}", True),
        (b"raw", "b'raw'", True),
    ],
)
def test_whatever_a_tool_returns_becomes_text(result: object, text: str, ok: bool) -> None:
    assert result_text(result)[:2] == (text, ok)
