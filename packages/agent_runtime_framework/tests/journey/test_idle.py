from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Field, FormJourney, Journey, expire, remind, step
from agent_runtime_framework.journey.check import check
from agent_runtime_framework.journey.idle import in_short


class Quote(Journey):
    kind: str = ""
    card: str = Field("", sensitive=True)
    is_new: bool = False

    ask = step("Ask.")
    offer = step("Offer.", on_idle=remind("30 min", say="Well?"))
    patient = step("Wait.", on_idle=())
    gone = step(say="Closed.", final=True)

    on_idle = (remind("2h", say="Still there? $recap"), expire(timedelta(days=7), to=gone))

    @ask.tool(to=offer)
    def go(self) -> str:
        """Go on."""
        return ""

    @offer.tool(to=patient)
    def wait(self) -> str:
        """Wait."""
        return ""

    @patient.tool(to=offer)
    def back(self) -> str:
        """Go back."""
        return ""


def rules(name: str) -> list[tuple[str, str, str | None]]:
    return [(rule.kind, in_short(rule.after), rule.to) for rule in Quote.definition.steps[name].on_idle]


def test_a_journeys_rules_hold_in_every_step_that_has_none_of_its_own_and_does_not_end_it() -> None:
    assert rules("ask") == [("remind", "2h", None), ("expire", "7d", "gone")]
    assert rules("offer") == [("remind", "30m", None)]
    assert rules("patient") == []
    assert rules("gone") == []


def test_a_journey_never_expires_to_where_it_is() -> None:
    class Parked(Journey):
        ask = step("Ask.")
        parked = step("Ask whether to go on.")
        on_idle = (remind("1h", say="Hello?"), expire("1d", to="parked"))

    assert [rule.kind for rule in Parked.definition.steps["parked"].on_idle] == ["remind"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", timedelta(hours=2)),
        ("1h30m", timedelta(minutes=90)),
        ("1h 30 min", timedelta(minutes=90)),
        ("7 days", timedelta(days=7)),
        ("2 weeks", timedelta(days=14)),
        ("1.5h", timedelta(minutes=90)),
        ("90s", timedelta(seconds=90)),
    ],
)
def test_times_are_read_as_people_write_them(text: str, expected: timedelta) -> None:
    assert remind(text, say="Hello?").after == expected


@pytest.mark.parametrize("after", ["", "soon", "-2h", "2 parsecs", "h", "2h and a bit", "0s", timedelta(0), 7])
def test_what_is_no_time_is_refused_with_the_line(after: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"test_idle\.py:\d+: .*(no time|expected)"):
        remind(after, say="Hello?")


@pytest.mark.parametrize("options", [{}, {"say": "a", "tell": "b"}])
def test_a_reminder_says_something_or_tells_the_model(options: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="write one of them"):
        remind("2h", **options)


@pytest.mark.parametrize(
    ("on_idle", "complaint"),
    [
        ([remind("2h", say="a"), remind("1h", say="b")], "write them in rising order"),
        ([remind("2h", say="a"), remind("2h", say="b")], "write them in rising order"),
        ([expire("1h"), remind("2h", say="b")], "put it last"),
        ([expire("1h", to="nowhere")], "'nowhere', which is no step of Broken"),
        ([expire("1h", to=Quote.gone)], "a step of another journey"),
        (["2h"], "expected remind"),
        ("2h", "expected remind"),
    ],
)
def test_rules_that_make_no_sense_are_refused_when_the_class_is_made(on_idle: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        type("Broken", (Journey,), {"ask": step("Ask."), "gone": step("Bye."), "on_idle": on_idle})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"final": True}, "nobody is waited for"), ({"prompt": "Ask."}, "leads to the step itself")],
)
def test_a_step_that_expires_from_its_end_or_to_itself_is_refused(options: Any, complaint: str) -> None:
    prompt = options.pop("prompt", None)
    ask = step(prompt, say=None if prompt else "Bye.", on_idle=expire("1h", to="ask"), **options)
    with pytest.raises(ConfigurationError, match=complaint):
        type("Broken", (Journey,), {"ask": ask})


def test_a_final_step_may_still_follow_up() -> None:
    class Sold(Journey):
        sold = step(say="Sold.", final=True, on_idle=remind("1d", say="Happy with it?"))

    assert len(Sold.definition.steps["sold"].on_idle) == 1


def test_the_recap_is_made_from_the_state_and_keeps_secrets() -> None:
    assert Quote(kind="car", card="4111", is_new=True).recap == "kind: car, is new"
    assert Quote().recap == ""


def test_the_recap_of_a_form_holds_its_answers() -> None:
    class Person(BaseModel):
        name: str
        age: int

    journey = FormJourney(Person, on_idle=remind("1d", say="We have: $recap."))
    state = journey()
    state.progress_of("answers")["answers"] = {"name": "Ada"}

    assert state.recap == "name: Ada"
    assert journey.definition.steps["answers"].on_idle[0].after == timedelta(days=1)


def test_check_knows_the_words_and_the_ways_of_silence() -> None:
    class Wrong(Journey):
        ask = step("Ask.")
        parked = step(say="Closed.", final=True)
        on_idle = (remind("2h", say="Hello $nmae?"), expire("7d", to="parked"))

    found = {finding.code for finding in check(Wrong)}
    assert "unknown-name" in found
    assert "unreachable" not in found
    assert "dead-end" in found  # silence is no way out for a person who is not silent


def test_the_graph_shows_where_silence_leads() -> None:
    edges = {(edge.source, edge.target): edge for edge in Quote.graph().edges}

    assert edges["ask", "gone"].labels == ("after 7d of silence",)
    assert edges["ask", "gone"].is_rescue
    assert ("offer", "gone") not in edges


def test_being_expired_is_kept_with_the_state() -> None:
    state = Quote()
    state.is_expired = True

    assert Quote.from_dict(state.to_dict()).is_expired
    assert not Quote.from_dict(Quote().to_dict()).is_expired
