"""The one loop, driven over a scene whose steps offer different tools."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.config import override_config
from agent_runtime_framework.events import Emitter, Event
from agent_runtime_framework.executor.asking import WholeReplies
from agent_runtime_framework.executor.hooks import ExecutorHooks
from agent_runtime_framework.executor.loop import TurnIO, drive
from agent_runtime_framework.executor.policy import TurnPolicy
from agent_runtime_framework.executor.turn import (
    APOLOGY,
    CALL_NOTE,
    CONTINUE_NOTE,
    EMPTY_REPLY_NOTE,
    CallTool,
    Finish,
    Pause,
    StoppedReason,
    Turn,
)
from agent_runtime_framework.testing import ScriptedLLM, anthropic_problems, call, openai_problems, say
from agent_runtime_framework.toolcalls import ToolCall
from agent_runtime_framework.tools.offer import Offer
from agent_runtime_framework.tools.schema import ToolParameter, ToolSchema

NAME = ToolSchema("save_name", "Save the name.", [ToolParameter("name", "string", required=True)])
EMAIL = ToolSchema("save_email", "Save the email.", [ToolParameter("email", "string", required=True)])
SKIP = ToolSchema("skip", "Skip the email.")
STEPS: dict[str, tuple[ToolSchema, ...]] = {"name": (NAME,), "email": (EMAIL, SKIP), "done": ()}
USER: JSONObject = {"role": "user", "content": "hi"}


class Signup:
    """A sign-up of three steps; notes with which offer every tool really ran."""

    settles = False
    is_ready = True

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"step": "name"}
        self.ran: list[tuple[str, str]] = []
        self.refreshed = 0

    def view(self) -> tuple[str | None, Offer | None]:
        return f"Step: {self.state['step']}", self.offer()

    async def settle(self) -> tuple[list[str], bool]:
        return [], False

    async def prepare(self) -> None:
        pass

    def offer(self) -> Offer | None:
        return Offer(STEPS[self.state["step"]])

    def refresh(self) -> None:
        self.refreshed += 1

    async def run(self, call: ToolCall) -> object:
        self.ran.append((self.state["step"], call.name))
        self.state.update(call.arguments)
        self.state["step"] = "email" if call.name == "save_name" else "done"
        if self.state.get("name") == "Bob":
            raise ValueError("no Bobs")
        return f"{call.name} ok"

    def snapshot(self) -> str:
        return json.dumps(self.state)

    def restore(self, snapshot: str | None) -> None:
        self.state.clear()
        self.state.update(json.loads(snapshot or "{}"))


class Events(list[Event]):
    def push(self, event: Event) -> None:
        self.append(event)


@pytest.fixture(autouse=True)
def production() -> Iterator[None]:
    with override_config(debug=False):
        yield


async def go(
    *script: Any,
    scene: Signup | None = None,
    turn: Turn | None = None,
    earlier: tuple[JSONObject, ...] = (USER,),
    **io: Any,
) -> tuple[Finish | Pause, Signup, ScriptedLLM, Turn]:
    llm = ScriptedLLM(*script)
    scene = scene or Signup()
    turn = turn or Turn(TurnPolicy())
    end = await drive(turn, scene, TurnIO(model=WholeReplies(llm), **io), earlier)
    assert openai_problems([*earlier, *turn.messages]) == []
    assert anthropic_problems([*earlier, *turn.messages]) == []
    return end, scene, llm, turn


def results(turn: Turn) -> list[str]:
    return [message["content"] for message in turn.messages if message["role"] == "tool"]


@pytest.mark.asyncio
async def test_prompt_and_tools_follow_the_state_inside_the_turn() -> None:
    end, _, llm, _ = await go(call("save_name", name="Ada"), call("skip"), say("Welcome!"))
    assert end == Finish("Welcome!", StoppedReason.TEXT_RESPONSE)
    assert [request.system for request in llm.requests] == ["Step: name", "Step: email", "Step: done"]
    assert [request.tool_names for request in llm.requests] == [["save_name"], ["save_email", "skip"], []]
    assert llm.requests[2].tools is None


@pytest.mark.asyncio
async def test_request_carries_what_came_before_and_the_results() -> None:
    _, _, llm, turn = await go(call("save_name", name="Ada"), say("And the email?"))
    assert llm.requests[1].messages[1:] == [USER, *turn.messages[:2]]


@pytest.mark.asyncio
async def test_offer_is_checked_again_within_a_batch_on_the_current_state() -> None:
    batch = [call("save_name", name="Ada"), call("save_email", email="a@b.c"), call("save_name", name="Eve")]
    _, scene, _, turn = await go(batch, say("Sorry."))
    assert scene.ran == [("name", "save_name")]
    assert scene.state == {"step": "email", "name": "Ada"}
    assert results(turn)[0] == "save_name ok"
    assert all(text.startswith("Error: Unknown tool") for text in results(turn)[1:])


@pytest.mark.asyncio
async def test_tool_that_the_new_step_offers_runs_only_behind_a_request_that_offered_it() -> None:
    _, scene, _, _ = await go([call("save_name", name="Ada"), call("skip")], call("skip"), say("Done."))
    assert scene.ran == [("name", "save_name"), ("email", "skip")]


@pytest.mark.asyncio
async def test_step_that_offers_nothing_runs_nothing() -> None:
    scene = Signup()
    scene.state["step"] = "done"
    _, scene, _, turn = await go(call("save_name", name="Ada"), say("Sorry."), scene=scene)
    assert scene.ran == []
    assert results(turn) == ["Error: Unknown tool 'save_name'. Offered now: none."]


@pytest.mark.asyncio
async def test_failed_call_leaves_the_state_and_the_offer_as_they_were() -> None:
    batch = [call("save_name", name="Bob"), call("save_name", name="Ada")]
    _, scene, _, turn = await go(batch, say("Hello Ada."))
    assert results(turn) == ["Error executing save_name: no Bobs", "save_name ok"]
    assert scene.state == {"step": "email", "name": "Ada"}


@pytest.mark.asyncio
async def test_failed_call_raises_in_debug_and_leaves_the_state() -> None:
    scene, turn = Signup(), Turn(TurnPolicy())
    with override_config(debug=True), pytest.raises(ValueError, match="no Bobs"):
        await go(call("save_name", name="Bob"), scene=scene, turn=turn)
    assert scene.state == {"step": "name"}
    turn.abandon("Unknown.")
    assert openai_problems([USER, *turn.messages]) == []


@pytest.mark.asyncio
async def test_scene_is_refreshed_behind_every_batch() -> None:
    _, scene, _, _ = await go([call("save_name", name="Ada"), call("nope")], call("skip"), say("Done."))
    assert scene.refreshed == 2


@pytest.mark.asyncio
async def test_same_failing_call_ends_the_turn_politely() -> None:
    end, scene, llm, _ = await go(*[call("save_name", name=5)] * 9)
    assert end == Finish(APOLOGY, StoppedReason.REPEATED_FAILURE)
    assert len(llm.requests) == 3
    assert scene.ran == []


@pytest.mark.asyncio
async def test_limit_is_kept_and_answered() -> None:
    turn = Turn(TurnPolicy(max_requests=2, limit_reply="Let us stop here."))
    end, _, llm, _ = await go(*[call("nope", n=n) for n in range(9)], turn=turn)  # type: ignore[misc]
    assert end == Finish("Let us stop here.", StoppedReason.MAX_ITERATIONS)
    assert len(llm.requests) == 2


@pytest.mark.asyncio
async def test_terminal_tool_ends_the_turn() -> None:
    turn = Turn(TurnPolicy(terminal_tools=frozenset({"save_name"})))
    end, _, llm, _ = await go(call("save_name", name="Ada"), turn=turn)
    assert end == Finish("save_name ok", "terminal_tool:save_name")
    assert len(llm.requests) == 1


@pytest.mark.parametrize(
    ("policy", "note"),
    [
        (TurnPolicy(ask_again=1), EMPTY_REPLY_NOTE),
        (TurnPolicy(stop_on_text=False, max_requests=2), CONTINUE_NOTE),
    ],
)
@pytest.mark.asyncio
async def test_note_goes_to_the_model_and_not_into_the_history(policy: TurnPolicy, note: str) -> None:
    _, _, llm, turn = await go(say(""), say("Hello."), turn=Turn(policy))
    assert llm.requests[1].messages[-1] == {"role": "user", "content": note}
    assert turn.messages == [{"role": "assistant", "content": "Hello."}]


@pytest.mark.asyncio
async def test_tool_call_is_required_only_where_there_are_tools() -> None:
    turn = Turn(TurnPolicy(require_tool_call=True))
    _, _, llm, _ = await go(call("save_name", name="Ada"), call("skip"), say("Done."), turn=turn)
    assert [request.options for request in llm.requests] == [{"tool_choice": "required"}] * 2 + [{}]


@pytest.mark.asyncio
async def test_cancelled_turn_sends_no_request_and_still_completes() -> None:
    reasons: list[str] = []

    class Ended(ExecutorHooks):
        async def on_complete(self, response: str, stopped_reason: str) -> None:
            reasons.append(stopped_reason)

    asked = iter([False, True])
    end, _, llm, _ = await go(
        call("save_name", name="Ada"), say("never"), hooks=Ended(), is_cancelled=lambda: next(asked)
    )
    assert end == Finish("save_name ok", StoppedReason.CANCELLED)
    assert len(llm.requests) == 1
    assert reasons == ["cancelled"]


@pytest.mark.parametrize("error", [ConnectionError("no net"), asyncio.CancelledError()])
@pytest.mark.asyncio
async def test_error_of_the_model_passes_and_what_was_done_remains(error: BaseException) -> None:
    turn = Turn(TurnPolicy())
    with pytest.raises(type(error)):
        await go(call("save_name", name="Ada"), error, turn=turn)
    assert results(turn) == ["save_name ok"]


class Spoken(Signup):
    """Says something of its own before the model is asked; is over where there is nothing left to ask."""

    settles = True

    async def settle(self) -> tuple[list[str], bool]:
        welcome = ["Welcome."] if self.state.pop("is new", False) else []
        return welcome, self.state["step"] == "done"


@pytest.mark.asyncio
async def test_scene_speaks_before_the_model_and_may_end_the_turn() -> None:
    scene, events = Spoken(), Events()
    scene.state["is new"] = True
    first, _, llm, turn = await go(say("Your name?"), scene=scene, emitter=Emitter([events]))
    assert first == Finish("Welcome.\n\nYour name?", StoppedReason.TEXT_RESPONSE)
    assert "".join(event.text for event in events) == "Welcome.\n\nYour name?"
    assert llm.requests[0].messages[-1] == turn.messages[0]
    scene.state["step"] = "done"
    last, _, llm, _ = await go(scene=scene)
    assert (last, llm.requests) == (Finish("", StoppedReason.TEXT_RESPONSE), [])


@pytest.mark.asyncio
async def test_text_where_a_call_is_needed_is_withheld_and_asked_about() -> None:
    events = Events()
    turn = Turn(TurnPolicy(require_tool_call=True, ask_again=1, terminal_tools=frozenset({"save_name"})))
    _, _, llm, _ = await go(say("I will."), call("save_name", name="Ada"), turn=turn, emitter=Emitter([events]))
    assert llm.requests[1].messages[-1] == {"role": "user", "content": CALL_NOTE}
    assert EventType.ASSISTANT_RESET in [event.type for event in events]
    assert turn.messages[0]["content"] is None


@pytest.mark.asyncio
async def test_sink_that_raises_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def push(self, event: Event) -> None:
            raise ZeroDivisionError

    end, _, _, _ = await go(call("save_name", name="Ada"), say("Hi."), emitter=Emitter([Broken()]))
    assert end == Finish("Hi.", StoppedReason.TEXT_RESPONSE)
    assert "sink Broken failed on assistant.delta" in caplog.text


async def _stopped_before(moment: int, script: list[Any]) -> tuple[Turn, Signup, ScriptedLLM]:
    """A turn that was dumped when the driver was about to carry out its `moment`-th move, and its scene."""
    scene, llm = Signup(), ScriptedLLM(*script)

    class Crash(Exception):
        pass

    moves = 0

    class Counting(Turn):
        def next(self) -> Any:
            nonlocal moves
            moves += 1
            if moves > moment:
                raise Crash
            return super().next()

    turn = Counting(TurnPolicy())
    with suppress(Crash):
        await drive(turn, scene, TurnIO(model=WholeReplies(llm)), [USER])
    return Turn.load(TurnPolicy(), json.loads(json.dumps(turn.dump()))), scene, llm


SCRIPT = [[call("save_name", name="Ada"), call("skip"), call("save_email", email="x")], call("skip"), say("Welcome!")]


@pytest.mark.parametrize("moment", range(8))
@pytest.mark.asyncio
async def test_turn_continued_elsewhere_ends_like_one_that_was_not(moment: int) -> None:
    _, whole_scene, _, whole = await go(*SCRIPT)
    turn, scene, llm = await _stopped_before(moment, SCRIPT)
    await drive(turn, scene, TurnIO(model=WholeReplies(llm)), [USER])
    assert turn.dump() == whole.dump()
    assert (scene.state, scene.ran) == (whole_scene.state, whole_scene.ran)


@pytest.mark.asyncio
async def test_continued_turn_still_refuses_what_was_not_offered() -> None:
    turn, scene, llm = await _stopped_before(2, SCRIPT)
    move = turn.next()
    assert isinstance(move, CallTool)
    assert (move.call.name, scene.state["step"], turn.offered) == ("skip", "email", ["save_name"])
    await drive(turn, scene, TurnIO(model=WholeReplies(llm)), [USER])
    assert scene.ran == [("name", "save_name"), ("email", "skip")]


@pytest.mark.asyncio
async def test_paused_turn_is_handed_back() -> None:
    turn, scene, llm = await _stopped_before(1, [call("save_name", name="Ada"), say("Hello.")])
    turn.paused("approve it")
    end = await drive(turn, scene, TurnIO(model=WholeReplies(llm)), [USER])
    assert isinstance(end, Pause)
    turn.resumed()
    assert await drive(turn, scene, TurnIO(model=WholeReplies(llm)), [USER]) == Finish("Hello.", "text_response")
