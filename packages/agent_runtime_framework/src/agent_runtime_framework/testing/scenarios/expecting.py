"""Whether a conversation went as a scenario says."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.testing.conversation.record import CallMade, Refusal
from agent_runtime_framework.testing.conversation.visible import difference
from agent_runtime_framework.testing.scenarios.errors import Place
from agent_runtime_framework.testing.scenarios.scenario import Expectation, ExpectedCall, ExpectedReply

Failure = tuple[Place, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is compared with an expectation: a turn, or the whole conversation.

    Attributes:
        step: The step it is in.
        path: The steps it went through.
        state: The state.
        calls: The calls that ran.
        refused: The calls that were refused.
        reply: What was said.
        is_over: Whether the journey is over.
        requests: How many model requests there were.
    """

    step: str
    path: Sequence[str]
    state: JSONObject
    calls: Sequence[CallMade]
    refused: Sequence[Refusal]
    reply: str
    is_over: bool
    requests: int


def failures(expected: Expectation, found: Found) -> list[Failure]:
    """What is otherwise, with the place of each expectation."""
    return [
        (expected.places[name], text)
        for name, texts in (
            ("step", _step(expected.step, found)),
            ("path", _path(expected.path, found)),
            ("state", (text for _, text in difference(expected.state, found.state))),
            ("called", _called(expected.called, found)),
            ("not_called", _not_called(expected.not_called, found)),
            ("refused", _refused(expected.refused, found)),
            ("reply", _reply(expected.reply, found)),
            ("final", _final(expected.final, found)),
            ("requests", _requests(expected.requests, found)),
        )
        for text in texts
    ]


def _step(expected: str | None, found: Found) -> Iterator[str]:
    if expected is not None and expected != found.step:
        yield f"the step is {found.step!r}, expected {expected!r}"


def _path(expected: Sequence[str] | None, found: Found) -> Iterator[str]:
    if expected is not None and list(expected) != list(found.path):
        yield f"the path was {' -> '.join(found.path)}, expected {' -> '.join(expected)}"


def _called(expected: Sequence[ExpectedCall], found: Found) -> Iterator[str]:
    rest = [call for call in found.calls if call.ok]
    for wanted in expected:
        place = next((i for i, call in enumerate(rest) if _fits(wanted, call)), None)
        if place is None:
            yield f"{_shown(wanted)} was not called{_instead(wanted, found)}"
        else:
            rest = rest[place + 1 :]


def _fits(wanted: ExpectedCall, call: CallMade) -> bool:
    return wanted.name == call.name and not difference(wanted.arguments, call.arguments)


def _instead(wanted: ExpectedCall, found: Found) -> str:
    refused = next((each for each in found.refused if each.name == wanted.name), None)
    if refused is not None:
        return f"; it was refused: {refused.reason}"
    failed = next((each for each in found.calls if each.name == wanted.name and not each.ok), None)
    if failed is not None:
        return f"; it failed: {failed.result}"
    ran = ", ".join(
        f"{call.name}({', '.join(f'{n}={v!r}' for n, v in call.arguments.items())})" for call in found.calls
    )
    names = [call.name for call in found.calls]
    close = difflib.get_close_matches(wanted.name, names, n=1) if wanted.name not in names else []
    return f" here and in this order; called were: {ran or 'none'}" + (f"; did you mean {close[0]!r}?" if close else "")


def _shown(wanted: ExpectedCall) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in wanted.arguments.items())
    return f"{wanted.name}({arguments})" if arguments else wanted.name


def _not_called(expected: Sequence[str], found: Found) -> Iterator[str]:
    for call in found.calls:
        if call.name in expected:
            yield f"{call.name} was called, expected that it is not"


def _refused(expected: bool | Sequence[str] | None, found: Found) -> Iterator[str]:
    names = [each.name for each in found.refused]
    told = "; ".join(f"{each.name}: {each.reason}" for each in found.refused) or "none"
    if expected is None:
        return
    if isinstance(expected, bool):
        if expected != bool(names):
            yield f"refused calls: {told}; expected {'at least one' if expected else 'none'}"
        return
    for name in expected:
        if name not in names:
            yield f"no call of {name} was refused; refused calls: {told}"


def _reply(expected: ExpectedReply | None, found: Found) -> Iterator[str]:
    if expected is None:
        return
    said, folded = found.reply, found.reply.casefold()
    if expected.equals is not None and expected.equals != said:
        yield f"the reply is {said!r}, expected {expected.equals!r}"
    for text in expected.contains:
        if text.casefold() not in folded:
            yield f"the reply {said!r} does not contain {text!r}"
    for text in expected.lacks:
        if text.casefold() in folded:
            yield f"the reply {said!r} contains {text!r}, expected that it does not"
    for pattern in expected.matches:
        if not re.search(pattern, said):
            yield f"the reply {said!r} does not match {pattern!r}"


def _final(expected: bool | None, found: Found) -> Iterator[str]:
    if expected is not None and expected != found.is_over:
        yield f"the journey is {'over' if found.is_over else 'not over'}, in step {found.step!r}"


def _requests(expected: int | None, found: Found) -> Iterator[str]:
    if expected is not None and found.requests > expected:
        yield f"it took {found.requests} model requests, expected at most {expected}"
