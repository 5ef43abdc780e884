"""10,000 malformed model outputs: nothing crashes, nothing runs that does not fit, the history stays sound."""

import json
import random
from typing import Any

import pytest

from agent_runtime_core.interfaces import JSONObject, LLMResponse
from agent_runtime_framework.config import override_config
from agent_runtime_framework.events import Emitter, Event
from agent_runtime_framework.executor.asking import StreamedReplies, WholeReplies
from agent_runtime_framework.executor.loop import TurnIO, drive
from agent_runtime_framework.executor.policy import TurnPolicy
from agent_runtime_framework.executor.turn import Finish, Turn
from agent_runtime_framework.messages import call_ids
from agent_runtime_framework.testing import ScriptedLLM, anthropic_problems, openai_problems
from agent_runtime_framework.toolcalls import ToolCall
from agent_runtime_framework.tools.offer import Offer
from agent_runtime_framework.tools.schema import ToolParameter, ToolSchema

CHOOSE = ToolSchema(
    "choose",
    "Choose.",
    [ToolParameter("kind", "string", required=True, enum=["car", "home"]), ToolParameter("count", "integer")],
)
PAY = ToolSchema("pay", "Pay.", [ToolParameter("amount", "number", required=True)])
STEPS = {"choose": (CHOOSE,), "pay": (PAY,)}
USER: JSONObject = {"role": "user", "content": "hi"}


class Shop:
    """Two steps; complains where a tool runs that the step does not have, or on arguments that do not fit."""

    settles = False
    is_ready = True

    def __init__(self) -> None:
        self.step = "choose"
        self.ran = 0

    def view(self) -> tuple[str | None, Offer | None]:
        return "Help.", self.offer()

    async def settle(self) -> tuple[list[str], bool]:
        return [], False

    async def prepare(self) -> None:
        pass

    def offer(self) -> Offer | None:
        return Offer(STEPS[self.step])

    def refresh(self) -> None:
        pass

    async def run(self, call: ToolCall) -> object:
        self.ran += 1
        assert call.name == self.step, call
        assert _fits(call), call
        self.step = "pay" if self.step == "choose" else "choose"
        return json.dumps(call.arguments, ensure_ascii=False)

    def snapshot(self) -> str | None:
        return self.step

    def restore(self, snapshot: str | None) -> None:
        self.step = snapshot or "choose"


def _fits(call: ToolCall) -> bool:
    """Said again by hand, so that the check under test is not its own judge."""
    arguments = call.arguments
    if call.name == "pay":
        amount = arguments.get("amount")
        return isinstance(amount, (int, float)) and not isinstance(amount, bool) and -1e308 < amount < 10**4300
    count = arguments.get("count", 0)
    is_whole = (isinstance(count, int) and not isinstance(count, bool)) or (isinstance(count, float) and count % 1 == 0)
    return arguments.get("kind") in ("car", "home") and is_whole


class Wire:
    """Sends every event; keeps those that cannot be sent."""

    def __init__(self) -> None:
        self.unsound: list[Event] = []

    def push(self, event: Event) -> None:
        try:
            json.dumps(event.payload, ensure_ascii=False, allow_nan=False).encode()
        except ValueError:
            self.unsound.append(event)
        if "\x00" in event.text:
            self.unsound.append(event)


BAD_TEXTS = [
    "", " ", "\x00", "\ud800", "a\udfffb", "null", "{", "}", "[", "NaN", "{}", "[]", "{{}}", "```", "```json",
    "<tool_call>", "</tool_call>", "choose", "choose(", "choose()", "pay", "pay(amount=1e999)", "pay(amount=--1)",
    "_secret", "__class__", "\u202e", "🙂", "x" * 300, "\\", '"', "'", "{'a': ", "\\u0000", "\\ud800", "1e999",
    "9" * 400, "-0", "true", "\n\n\n",
]  # fmt: skip
GOOD = [
    '{"kind": "car"}', '{"kind": "home", "count": 2}', '{"amount": 5}', '{"amount": 1e3}', "{'kind': 'car'}",
    '{"name": "choose", "arguments": {"kind": "car"}}', '{"name": "pay", "arguments": {"amount": 5}}',
    'choose(kind="car")', "pay(amount=5)", '<tool_call>{"name": "choose", "arguments": {"kind": "car"}}</tool_call>',
    '```json\n{"amount": 5}\n```', '{"kind": "boat"}', '{"kind": "car", "count": "2"}', '{"amount": true}',
    '{"amount": NaN}', '{"amount": Infinity}', '{"amount": 1e999}', '{"amount": ' + "9" * 5_000 + "}",
]  # fmt: skip
NAMES = ["choose", "pay", "steal", "", "choose ", "CHOOSE", "_secret", "x" * 200, "\ud800", "a\x00", "a.b", "tool call"]


def _value(rng: random.Random, depth: int = 0) -> Any:
    """Anything at all."""
    kind = rng.randrange(14 if depth < 3 else 10)
    match kind:
        case 0:
            return None
        case 1:
            return rng.choice([True, False])
        case 2:
            return rng.choice([0, -1, 10**30, 10**4_000, 2**63])
        case 3:
            return rng.choice([0.5, float("inf"), float("nan"), -0.0, 1e308])
        case 4 | 5 | 6:
            return _text(rng)
        case 7 | 8:
            return rng.choice(["car", "home", "choose", "pay", 5, 2])
        case 9:
            return rng.choice([b"raw", (1, 2), {1, 2}, object()])
        case 10 | 11:
            return [_value(rng, depth + 1) for _ in range(rng.randrange(4))]
        case _:
            keys = ["kind", "count", "amount", "name", "arguments", "id", "function", "text", "type", "\ud800", ""]
            return {rng.choice(keys): _value(rng, depth + 1) for _ in range(rng.randrange(4))}


def _text(rng: random.Random) -> str:
    text = rng.choice(GOOD if rng.random() < 0.5 else BAD_TEXTS)
    for _ in range(rng.randrange(3)):
        match rng.randrange(6):
            case 0:
                text = text[: rng.randrange(len(text) + 1)]
            case 1:
                text = text[rng.randrange(len(text) + 1) :]
            case 2:
                place = rng.randrange(len(text) + 1)
                text = text[:place] + rng.choice(BAD_TEXTS) + text[place:]
            case 3:
                text = rng.choice(["Sure. ", "\n", "```\n", "["]) + text + rng.choice(["", "\nBye.", "\n```", "]"])
            case 4:
                text = json.dumps(text)
            case _:
                text = text * rng.randrange(4)
    return text


def _huge(rng: random.Random) -> str:
    return rng.choice(
        [
            "x" * 1_000_000,
            "{" * 10_000,
            "[" * 10_000 + "]" * 10_000,
            '{"a":' * 10_000 + "1" + "}" * 10_000,
            '{"kind": "car", "x": "' + "y" * 1_000_000 + '"}',
            '{"kind": "car"}' * 20_000,
            "choose(" * 10_000 + ")" * 10_000,
            "<tool_call>" * 10_000,
            '{"amount": ' + "9" * 100_000 + "}",
            "\x00" * 100_000,
            "\ud800" * 100_000,
            '"\\' * 50_000,
        ]
    )


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"kind": value}
    return value


def _call(rng: random.Random) -> Any:
    if rng.random() < 0.1:
        return _value(rng)
    name = rng.choice(NAMES) if rng.random() < 0.7 else _value(rng)
    if rng.random() < 0.02:
        arguments: Any = rng.choice([_huge(rng), _nested(10_000)])
    else:
        arguments = rng.choice(GOOD) if rng.random() < 0.5 else rng.choice([_text(rng), _value(rng)])
    body = {"name": name, "arguments": arguments}
    call: Any = {"function": body, "type": "function"} if rng.random() < 0.6 else body
    if rng.random() < 0.7:
        call["id"] = rng.choice(["call_1", "call_1", "call_2", "", "a b", "x" * 5_000, "\ud800", _value(rng)])
    if rng.random() < 0.1:
        call.pop(rng.choice(list(call)))
    return call


def malformed(rng: random.Random) -> Any:
    """A model's message as no model should write it."""
    if rng.random() < 0.02:
        return _value(rng)
    message: JSONObject = {"role": "assistant"}
    if rng.random() < 0.9:
        message["content"] = _text(rng) if rng.random() < 0.7 else _value(rng)
    if rng.random() < 0.005:
        message["content"] = _huge(rng)
    if rng.random() < 0.6:
        message["tool_calls"] = [_call(rng) for _ in range(rng.randrange(4))] if rng.random() < 0.9 else _value(rng)
    if rng.random() < 0.001:
        message["tool_calls"] = [_call(rng)] * 5_000
    return message


async def take_turn(rng: random.Random, shop: Shop, history: list[JSONObject]) -> tuple[Turn, Finish]:
    messages = [malformed(rng) for _ in range(3)]
    llm = ScriptedLLM(*(LLMResponse(message=message) for message in messages), pieces=(1, 3, 10, 1_000))
    turn = Turn(TurnPolicy(max_requests=3, stop_on_text=rng.random() < 0.5, ask_again=1), call_ids(history))
    # A client may only stream what is a message.
    can_stream = all(isinstance(each, dict) for each in messages) and rng.random() < 0.5
    model = StreamedReplies(llm) if can_stream else WholeReplies(llm)
    wire = Wire()
    end = await drive(turn, shop, TurnIO(model=model, emitter=Emitter([wire])), [*history, USER])
    assert isinstance(end, Finish)
    assert wire.unsound == []
    return turn, end


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.asyncio
async def test_malformed_outputs_break_nothing(seed: int) -> None:
    outputs, ran = 0, 0
    with override_config(debug=True):
        for number in range(1_000):
            rng = random.Random(f"{seed}.{number}")
            shop = Shop()
            turn, end = await take_turn(rng, shop, [])
            outputs += turn.requests
            ran += shop.ran
            case = f"seed {seed}.{number}"
            assert openai_problems([USER, *turn.messages]) == [], case
            assert anthropic_problems([USER, *turn.messages]) == [], case
            json.dumps([end.response, end.stopped_reason, turn.dump()], ensure_ascii=False, allow_nan=False).encode()
    assert outputs > 1_000
    assert ran > 50  # otherwise the generator would prove nothing


@pytest.mark.asyncio
async def test_conversation_survives_malformed_outputs() -> None:
    shop, history = Shop(), list[JSONObject]()
    with override_config(debug=True):
        for number in range(100):
            turn, _ = await take_turn(random.Random(f"conversation.{number}"), shop, history)
            history += [USER, *turn.messages]
    assert openai_problems(history) == []
    assert anthropic_problems(history) == []
