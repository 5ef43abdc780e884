"""The pure machine: every transition, every illegal move, and what holds however a turn goes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime_core.sums import add_into
from agent_runtime_core.usage import UsageLimit
from agent_runtime_framework.executor.policy import TurnPolicy
from agent_runtime_framework.executor.turn import (
    APOLOGY,
    CALL_NOTE,
    CONTINUE_NOTE,
    EMPTY_REPLY_NOTE,
    NOT_RUN,
    CallModel,
    CallTool,
    Finish,
    Pause,
    ProtocolError,
    Reply,
    StoppedReason,
    Turn,
)
from agent_runtime_framework.messages import call_ids
from agent_runtime_framework.testing import anthropic_problems, openai_problems
from agent_runtime_framework.toolcalls import ToolCall, make_call, read_calls

USER = {"role": "user", "content": "hi"}


def calls(*names: str) -> Reply:
    return Reply(calls=tuple(make_call(name, {}) for name in names))


def turn_with(*replies: Reply, **policy: Any) -> Turn:
    turn = Turn(TurnPolicy(**policy))
    for reply in replies:
        turn.replied(reply)
    return turn


def asking() -> Turn:
    return turn_with()


def calling() -> Turn:
    return turn_with(calls("a", "b"))


def paused() -> Turn:
    turn = calling()
    turn.paused("wants approval")
    return turn


def finished() -> Turn:
    return turn_with(Reply("Hello."))


def exhausted() -> Turn:
    return turn_with(max_requests=0, limit_reply="Enough.")


def handed_out(turn: Turn) -> ToolCall:
    move = turn.next()
    assert isinstance(move, CallTool)
    return move.call


STATES: list[Callable[[], Turn]] = [asking, calling, paused, finished, exhausted]
REPORTS: dict[str, Callable[[Turn], object]] = {
    "replied": lambda turn: turn.replied(Reply("x")),
    "answered": lambda turn: turn.answered("call_a", "x"),
    "answered_another": lambda turn: turn.answered("call_b", "x"),
    "paused": lambda turn: turn.paused("x"),
    "resumed": lambda turn: turn.resumed(),
    "said": lambda turn: turn.said("x"),
    "conclude": lambda turn: turn.conclude(),
}
LEGAL = {
    *(
        ("asking", "replied"),
        ("asking", "said"),
        ("asking", "conclude"),
        ("exhausted", "said"),
        ("exhausted", "conclude"),
    ),
    *(("calling", "answered"), ("calling", "paused"), ("paused", "resumed")),
}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize("report", REPORTS)
def test_illegal_move_is_refused_and_changes_nothing(state: Callable[[], Turn], report: str) -> None:
    turn = state()
    before = turn.dump()
    if (state.__name__, report) in LEGAL:
        REPORTS[report](turn)
        assert turn.dump() != before
        return
    with pytest.raises(ProtocolError, match=r"waiting|paused|handed out"):
        REPORTS[report](turn)
    assert turn.dump() == before


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_asking_twice_gives_the_same_move(state: Callable[[], Turn]) -> None:
    turn = state()
    first = turn.next()
    dumped = turn.dump()
    assert turn.next() == first
    assert turn.dump() == dumped


def test_new_turn_asks_the_model() -> None:
    assert asking().next() == CallModel(0)


def test_text_ends_the_turn() -> None:
    turn = finished()
    assert turn.next() == Finish("Hello.", StoppedReason.TEXT_RESPONSE)
    assert turn.messages == [{"role": "assistant", "content": "Hello."}]


def test_calls_are_handed_out_in_order_and_only_the_first_one_is_first() -> None:
    turn = calling()
    assert turn.has_waiting_calls
    assert turn.next() == CallTool(make_call("a", {}), is_first=True)
    turn.answered("call_a", "A")
    assert turn.next() == CallTool(make_call("b", {}), is_first=False)
    turn.answered("call_b", "B")
    assert not turn.has_waiting_calls
    assert turn.next() == CallModel(1)
    assert [message.get("content") for message in turn.messages] == [None, "A", "B"]
    assert turn.calls_made == 2


def test_text_beside_calls_is_kept() -> None:
    turn = turn_with(Reply("One moment.", calls("a").calls))
    assert turn.messages[0]["content"] == "One moment."


def test_pause_waits_at_its_call_and_goes_on_there() -> None:
    turn = paused()
    assert turn.next() == Pause(make_call("a", {}), "wants approval")
    turn.resumed()
    assert turn.next() == CallTool(make_call("a", {}), is_first=True)


@pytest.mark.parametrize(
    ("limit_reply", "response", "last"), [(None, "A", "tool"), ("Enough for now.", "Enough for now.", "assistant")]
)
def test_budget_ends_with_the_sentence_or_the_last_result(limit_reply: str | None, response: str, last: str) -> None:
    turn = turn_with(calls("a"), max_requests=1, limit_reply=limit_reply)
    turn.answered("call_a", "A")
    assert turn.next() == Finish(response, StoppedReason.MAX_ITERATIONS)
    assert turn.messages[-1]["role"] == last


def test_spent_turn_still_takes_exact_words() -> None:
    turn = turn_with(calls("a"), max_requests=1, limit_reply="Enough.")
    assert not turn.is_spent
    turn.answered("call_a", "A")
    assert turn.is_spent
    turn.said("You are insured.")
    turn.conclude()
    assert not turn.is_spent
    assert turn.next() == Finish("You are insured.", StoppedReason.TEXT_RESPONSE)


def test_turn_that_may_go_on_is_not_spent() -> None:
    assert not asking().is_spent
    assert not finished().is_spent
    assert exhausted().is_spent


def test_budget_of_zero_asks_nothing() -> None:
    assert turn_with(max_requests=0).next() == Finish("", StoppedReason.MAX_ITERATIONS)
    assert exhausted().next() == Finish("Enough.", StoppedReason.MAX_ITERATIONS)


def test_terminal_tool_ends_the_turn_with_its_result() -> None:
    turn = turn_with(calls("a", "pay"), terminal_tools=frozenset({"pay"}))
    turn.answered("call_a", "A")
    turn.answered("call_pay", "Paid.")
    assert turn.next() == Finish("Paid.", "terminal_tool:pay")


def test_terminal_tool_that_is_not_the_last_of_its_batch_does_not_end_the_turn() -> None:
    turn = turn_with(calls("pay", "a"), terminal_tools=frozenset({"pay"}))
    turn.answered("call_pay", "Paid.")
    turn.answered("call_a", "A")
    assert turn.next() == CallModel(1)


def test_terminal_tool_that_failed_does_not_end_the_turn() -> None:
    turn = turn_with(calls("pay"), terminal_tools=frozenset({"pay"}))
    turn.answered("call_pay", "Error: no money", ok=False)
    assert turn.next() == CallModel(1)


@pytest.mark.parametrize(("limit_reply", "said"), [(None, APOLOGY), ("Call us.", "Call us.")])
def test_same_failing_call_ends_the_turn_politely(limit_reply: str | None, said: str) -> None:
    turn = turn_with(calls("a", "a", "a", "b"), limit_reply=limit_reply)
    while turn.has_waiting_calls:
        turn.answered(handed_out(turn).id, "Error: no", ok=False)
    assert turn.next() == Finish(said, StoppedReason.REPEATED_FAILURE)
    assert turn.messages[-2]["content"] == NOT_RUN
    assert turn.messages[-1] == {"role": "assistant", "content": said}


def test_different_failing_calls_do_not_end_the_turn() -> None:
    turn = turn_with(Reply(calls=tuple(make_call("a", {"n": n}) for n in range(5))))
    while turn.has_waiting_calls:
        turn.answered(handed_out(turn).id, "Error: no", ok=False)
    assert turn.next() == CallModel(1)


def test_empty_reply_ends_the_turn_with_an_empty_response() -> None:
    turn = turn_with(Reply())
    assert turn.next() == Finish("", StoppedReason.TEXT_RESPONSE)
    assert turn.messages == []


def test_empty_reply_is_asked_about_as_often_as_allowed() -> None:
    turn = turn_with(Reply(), ask_again=1)
    assert turn.next() == CallModel(1, EMPTY_REPLY_NOTE)
    turn.replied(Reply())
    assert turn.next() == Finish("", StoppedReason.TEXT_RESPONSE)
    assert turn.requests == 2


def test_note_goes_with_one_request_only() -> None:
    turn = turn_with(Reply(), calls("a"), ask_again=1)
    turn.answered("call_a", "A")
    assert turn.next() == CallModel(2)


def test_text_that_does_not_stop_is_kept_and_the_model_goes_on() -> None:
    turn = turn_with(Reply("Let me think."), stop_on_text=False, max_requests=2)
    assert turn.next() == CallModel(1, CONTINUE_NOTE)
    turn.replied(Reply("Still thinking."))
    assert turn.next() == Finish("", StoppedReason.MAX_ITERATIONS)
    assert [message["content"] for message in turn.messages] == ["Let me think.", "Still thinking."]


def test_words_of_the_journey_come_before_the_models() -> None:
    turn = asking()
    turn.said("Welcome to Acme.")
    assert turn.next() == CallModel(0)
    turn.replied(Reply("And your name?"))
    assert turn.next() == Finish("Welcome to Acme.\n\nAnd your name?", StoppedReason.TEXT_RESPONSE)
    assert [message["content"] for message in turn.messages] == ["Welcome to Acme.", "And your name?"]


def test_turn_may_conclude_with_words_of_the_journey_alone() -> None:
    turn = asking()
    turn.said("You are")
    turn.said("insured.")
    turn.conclude()
    assert turn.next() == Finish("You are\n\ninsured.", StoppedReason.TEXT_RESPONSE)
    assert turn.requests == 0


def test_text_is_withheld_where_a_call_is_insisted_on() -> None:
    turn = Turn(TurnPolicy(ask_again=1))
    turn.replied(Reply("I will."), insists=True)
    assert turn.has_withheld_text
    assert (turn.next(), turn.messages) == (CallModel(1, CALL_NOTE), [])
    turn.replied(Reply("I really will."), insists=True)
    assert not turn.has_withheld_text
    assert turn.next() == Finish("I really will.", StoppedReason.TEXT_RESPONSE)


def test_abandoned_calls_are_answered() -> None:
    turn = calling()
    turn.abandon("Unknown.", "Never started.")
    assert [message["content"] for message in turn.messages[1:]] == ["Unknown.", "Never started."]
    assert turn.next() == CallModel(1)


def test_abandoning_ends_a_pause() -> None:
    turn = paused()
    turn.abandon("Denied.")
    assert turn.next() == CallModel(1)
    with pytest.raises(ProtocolError):
        turn.resumed()


def test_stopped_turn_is_complete_and_keeps_its_end() -> None:
    turn = calling()
    turn.answered("call_a", "A")
    assert turn.stop(StoppedReason.CANCELLED) == Finish("A", StoppedReason.CANCELLED)
    assert turn.stop(StoppedReason.CLOSED) == Finish("A", StoppedReason.CANCELLED)
    assert turn.messages[-1]["content"] == NOT_RUN


def test_ids_of_earlier_turns_and_of_this_one_are_not_used_again() -> None:
    turn = Turn(TurnPolicy(), frozenset({"call_a"}))
    made = turn.replied(calls("a", "a"))
    ids = [call.id for call in made]
    assert len({"call_a", *ids}) == 3
    assert [call["id"] for call in turn.messages[0]["tool_calls"]] == ids


def test_illegal_name_is_made_legal_in_the_messages_only() -> None:
    turn = turn_with(Reply(calls=(make_call("be bad!", {}),)))
    turn.answered(handed_out(turn).id, "Error: Unknown tool 'be bad!'", ok=False)
    assert turn.messages[0]["tool_calls"][0]["function"]["name"] == "be_bad_"
    assert turn.messages[1]["name"] == "be_bad_"


@pytest.mark.parametrize("offered", [None, ["a"], []])
def test_continued_turn_knows_what_was_offered(offered: list[str] | None) -> None:
    turn = asking()
    turn.replied(calls("a"), offered)
    assert reloaded(turn).offered == offered


def test_dump_does_not_follow_later_changes() -> None:
    turn = turn_with(Reply(calls=(make_call("a", {"items": [1]}),), usage={"details": {"n": 1}}))
    dumped = turn.dump()
    kept = json.dumps(dumped)
    handed_out(turn).arguments["items"].append(2)
    turn.usage["details"]["n"] = 5
    turn.messages[0]["content"] = "changed"
    assert json.dumps(dumped) == kept


USAGES: list[tuple[list[Any], dict[str, Any]]] = [
    ([{"prompt_tokens": 1}, {"prompt_tokens": 2, "cost": 0.5}], {"prompt_tokens": 3, "cost": 0.5}),
    ([{"details": {"cached": 1, "deep": {"n": 1}}}] * 2, {"details": {"cached": 2, "deep": {"n": 2}}}),
    ([{"a": None}, {"a": 3}, {"a": None}], {"a": 3}),
    ([{"tier": "fast"}, {"tier": "slow"}], {"tier": "slow"}),
    ([{"ok": True}, {"ok": True}], {"ok": True}),
    ([{"a": 1}, {"a": {"b": 2}}], {"a": {"b": 2}}),
    ([{"n": 0.5}, {"n": 1}], {"n": 1.5}),
    ([None, {}], {}),
]


@pytest.mark.parametrize(("replies", "total"), USAGES)
def test_usage_is_summed_over_all_replies(replies: list[Any], total: dict[str, Any]) -> None:
    turn = turn_with(*(Reply("x", usage=usage) for usage in replies), stop_on_text=False)
    assert turn.usage == total


def test_summing_leaves_the_clients_own_usage_alone() -> None:
    first: dict[str, Any] = {"details": {"cached": 1}}
    total: dict[str, Any] = {}
    add_into(total, first)
    add_into(total, first)
    assert (total, first) == ({"details": {"cached": 2}}, {"details": {"cached": 1}})


# What holds however a turn goes. A script says what the model and the tools do at each move.

names = st.sampled_from(["a", "b", "pay", "no such tool"])
made_calls = st.builds(make_call, names, st.sampled_from([{}, {"n": 1}, "nonsense", None]))
replies = st.builds(
    Reply,
    st.sampled_from(["", "Hello.", "And?"]),
    st.lists(made_calls, max_size=4).map(tuple),
    st.sampled_from([None, {}, {"prompt_tokens": 3, "details": {"cached": 1}}]),
    st.none(),
)
policies = st.builds(
    TurnPolicy,
    require_tool_call=st.booleans(),
    usage_limit=st.none(),
    max_requests=st.integers(0, 6),
    terminal_tools=st.sampled_from([frozenset[str](), frozenset({"pay"})]),
    stop_on_text=st.booleans(),
    limit_reply=st.sampled_from([None, "Enough."]),
    max_failures=st.integers(1, 3),
    ask_again=st.integers(0, 2),
)
scripts = st.lists(replies, min_size=1, max_size=4)
results = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=5)


def reloaded(turn: Turn) -> Turn:
    return Turn.load(turn.policy, json.loads(json.dumps(turn.dump())))


def run(
    turn: Turn,
    script: list[Reply],
    outcomes: list[tuple[bool, bool]],
    after: Callable[[Turn, int], Turn] = lambda turn, _: turn,
) -> tuple[Turn, list[str]]:
    """Drive a turn to its end; `after` is given it behind every move. Returns the ids in the order handed out."""
    handed: list[str] = []
    moves = 0
    while True:
        match turn.next():
            case Finish():
                return turn, handed
            case CallModel(number):
                turn.replied(script[number % len(script)], insists=number % 2 == 1)
            case Pause():
                turn.resumed()
            case CallTool(call):
                ok, pauses = outcomes[len(handed) % len(outcomes)]
                if pauses:
                    turn.paused("wait")
                    turn = after(turn, moves)
                    turn.resumed()
                handed.append(call.id)
                turn.answered(call.id, f"result {len(handed)}", ok=ok)
        moves += 1
        turn = after(turn, moves)


@given(policies, scripts, results)
def test_every_call_is_answered_once_and_in_order(
    policy: TurnPolicy, script: list[Reply], outcomes: list[tuple[bool, bool]]
) -> None:
    turn, handed = run(Turn(policy), script, outcomes)
    made = [call["id"] for message in turn.messages for call in message.get("tool_calls") or ()]
    answered = [message["tool_call_id"] for message in turn.messages if message["role"] == "tool"]
    assert made == answered
    assert handed == made[: len(handed)]
    assert turn.calls_made == len(made)


@given(policies, scripts, results)
def test_requests_never_exceed_the_budget(
    policy: TurnPolicy, script: list[Reply], outcomes: list[tuple[bool, bool]]
) -> None:
    turn, _ = run(Turn(policy), script, outcomes)
    assert turn.requests <= policy.max_requests


@given(policies, scripts, results, st.integers(0, 12))
def test_turn_saved_and_resumed_ends_like_one_that_was_not(
    policy: TurnPolicy, script: list[Reply], outcomes: list[tuple[bool, bool]], moment: int
) -> None:
    whole, _ = run(Turn(policy), script, outcomes)
    saved, _ = run(Turn(policy), script, outcomes, lambda turn, moves: reloaded(turn) if moves == moment else turn)
    always, _ = run(reloaded(Turn(policy)), script, outcomes, lambda turn, _: reloaded(turn))
    assert saved.dump() == always.dump() == whole.dump()


@given(policies, scripts, results)
def test_messages_are_acceptable_to_strict_providers(
    policy: TurnPolicy, script: list[Reply], outcomes: list[tuple[bool, bool]]
) -> None:
    first, _ = run(Turn(policy), script, outcomes)
    history = [USER, *first.messages, USER]
    second, _ = run(Turn(policy, call_ids(first.messages)), script, outcomes)
    history += second.messages
    assert openai_problems(history) == []
    assert anthropic_problems(history) == []


@given(policies, scripts, results, st.integers(0, 12))
def test_turn_broken_off_anywhere_is_complete_once_abandoned(
    policy: TurnPolicy, script: list[Reply], outcomes: list[tuple[bool, bool]], moment: int
) -> None:
    class Broken(Exception):
        pass

    kept: list[Turn] = []

    def break_off(turn: Turn, moves: int) -> Turn:
        kept.append(turn)
        if moves == moment:
            raise Broken
        return turn

    turn = Turn(policy)
    try:
        turn, _ = run(turn, script, outcomes, break_off)
    except Broken:
        turn = kept[-1]
    turn.abandon("Unknown.")
    assert openai_problems([USER, *turn.messages]) == []


def test_what_a_provider_wants_back_stays_with_its_message() -> None:
    turn = Turn(TurnPolicy())
    thinking = [{"type": "thinking", "thinking": "hm", "signature": "s"}]
    call = read_calls([{"id": "a", "name": "save", "arguments": "{}", "extra_content": {"signature": "x"}}])[0]
    turn.replied(Reply("", (call,), None, {"thinking_blocks": thinking}))
    message = turn.messages[0]
    assert message["thinking_blocks"] == thinking
    assert message["tool_calls"][0]["extra_content"] == {"signature": "x"}


def test_usage_at_its_limit_ends_the_turn_politely() -> None:
    turn = Turn(TurnPolicy(usage_limit=UsageLimit(max_tokens=100)))
    turn.replied(Reply("", (ToolCall("a", "save", {}),), {"prompt_tokens": 90, "completion_tokens": 20}))
    turn.answered("a", "Saved.")
    assert turn.next() == Finish(APOLOGY, StoppedReason.USAGE_LIMIT)
    assert turn.messages[-1] == {"role": "assistant", "content": APOLOGY}


@pytest.mark.parametrize(("spent", "goes_on"), [(None, True), ({"total_tokens": 0, "prompt_tokens": 40}, False)])
def test_conversations_limit_counts_what_earlier_turns_used(spent: dict[str, Any] | None, goes_on: bool) -> None:
    policy = TurnPolicy(conversation_limit=UsageLimit(max_tokens=100), conversation_reply="That was all.", ask_again=1)
    turn = Turn(policy, spent=spent)
    turn.replied(Reply("", usage={"prompt_tokens": 60}))
    turn = Turn.load(policy, turn.dump(), spent=spent)

    assert isinstance(turn.next(), CallModel) is goes_on
    assert goes_on or turn.next() == Finish("That was all.", StoppedReason.CONVERSATION_LIMIT)


def test_usage_below_its_limit_lets_the_turn_go_on() -> None:
    turn = Turn(TurnPolicy(usage_limit=UsageLimit(max_tokens=1_000)))
    turn.replied(Reply("", (ToolCall("a", "save", {}),), {"prompt_tokens": 90, "completion_tokens": 20}))
    turn.answered("a", "Saved.")
    assert isinstance(turn.next(), CallModel)
