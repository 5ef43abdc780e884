"""What conversations reached."""

from __future__ import annotations

from pathlib import Path

import pytest
from booking import BookingAgent
from journeys import Person, Quote
from quote import QuoteAgent

from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.testing import ScriptedLLM, Talk, call, say
from agent_runtime_framework.testing.coverage.collect import Coverage
from agent_runtime_framework.testing.coverage.reach import Reach
from agent_runtime_framework.testing.coverage.report import percentage, report_json, report_lines
from agent_runtime_framework.testing.coverage.skeletons import write_skeletons
from agent_runtime_framework.testing.scenarios.reading import read_scenarios
from agent_runtime_framework.testing.scenarios.running import run_scenario


def reached(coverage: Coverage) -> Reach:
    (found,) = coverage.journeys.values()
    return found


@pytest.fixture
def coverage() -> Coverage:
    return Coverage()


def test_steps_and_moves_are_counted_from_what_happened(coverage: Coverage) -> None:
    with Talk(Quote, observers=[coverage]) as t:
        t("car", "W-123, 40000 km, I'm 30")
    found = reached(coverage)
    assert found.missing("steps") == ["home", "done", "given_up"]
    assert "choose -> car by pick" in found.reached["moves"]
    assert "choose -> home by pick" in found.missing("moves")
    assert found.target.endswith("journeys.py:Quote")


def test_a_guard_counts_both_ways(coverage: Coverage) -> None:
    with Talk(Quote, ScriptedLLM(say("Hm.")), step=Quote.offer, observers=[coverage]) as t:
        t("hello")
    assert reached(coverage).missing("guards") == ["adult holds"]
    with Talk(Quote, ScriptedLLM(say("Hm.")), state=Quote(age=30), step=Quote.offer, observers=[coverage]) as t:
        t("hello")
    assert reached(coverage).missing("guards") == []


class Gate(Journey):
    is_open: bool = False
    here = step("Open it, and go through.")
    there = step(say="You are through.", final=True)

    def opened(self) -> bool:
        return self.is_open

    @here.tool
    def open_it(self) -> None:
        """Open it."""
        self.is_open = True

    @here.tool(to=there, when=opened)
    def go_through(self) -> None:
        """Go through."""


def test_a_guard_that_held_within_a_turn_counts(coverage: Coverage) -> None:
    with Talk(Gate, ScriptedLLM([call("open_it"), call("go_through")], call("go_through")), observers=[coverage]) as t:
        t("open it and go")
    assert t.is_over
    assert reached(coverage).missing("guards") == []


def test_mishaps_are_counted(coverage: Coverage) -> None:
    llm = ScriptedLLM(say("What?"), call("accept"), say("No."), call("pick", kind="car"), say("The plate?"))
    with Talk(Quote, llm, observers=[coverage]) as t:
        t("blah", "insure me", "car")
    mishaps = reached(coverage).reached["mishaps"]
    assert mishaps == {"choose: a message that brings nothing", "choose: a call that is refused or fails"}


def test_a_change_of_mind_is_counted_where_something_hangs_on_it(coverage: Coverage) -> None:
    llm = ScriptedLLM(call("start_over"), say("Car or home?"), call("pick", kind="home"), say("Which city?"))
    state = Quote(kind="car", age=30)
    with Talk(Quote, ScriptedLLM("Well?"), state=state, step=Quote.offer, observers=[coverage]) as t:
        t("hello")
        t.agent.llm_client.client = llm  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
        t("something else", "a home")
    assert "kind changes, so that price is open again" in reached(coverage).reached["mishaps"]


def test_a_long_form_agent_is_read_from_its_source(coverage: Coverage) -> None:
    with Talk(QuoteAgent, observers=[coverage]) as t:
        t("car")
    found = reached(coverage)
    assert found.counts("moves") == (1, 7)
    assert "offer -> choose_kind by start_over" in found.missing("moves")


def test_a_move_from_a_step_to_itself_counts(coverage: Coverage) -> None:
    with Talk(BookingAgent, observers=[coverage]) as t:
        t("2030-03-12 for 4", "no, 5 guests on 2030-03-13")
    assert "confirm -> confirm by save_details" in reached(coverage).reached["moves"]


def test_a_form_is_covered_under_its_models_name(coverage: Coverage) -> None:
    with Talk(Person, observers=[coverage]) as t:
        t("hi", "Ada", "36", "no", "yes")
    found = reached(coverage)
    assert found.target.endswith("journeys.py:Person")
    assert found.missing("moves") == []


def test_what_other_processes_reached_is_joined(coverage: Coverage) -> None:
    other = Coverage()
    with Talk(Quote, observers=[coverage]) as t:
        t("car")
    with Talk(Quote, observers=[other]) as t:
        t("home")
    coverage.join(other.to_json())
    assert {"car", "home"} <= reached(coverage).reached["steps"]


def test_the_report_says_what_is_missing_and_how_much_that_is(coverage: Coverage) -> None:
    with Talk(Quote, observers=[coverage]) as t:
        t("car")
    lines = list(report_lines(coverage.journeys.values()))
    assert lines[0] == "Quote  steps 2/6  moves 1/7  guards 0/2  mishaps 0/10"
    assert lines[1:3] == ["  steps never reached:", "    home"]
    assert lines[-1] == "TOTAL  12 %"
    assert report_json(coverage.journeys.values())["percentage"] == 12


def test_a_hundred_per_cent_is_everything() -> None:
    most = Reach("a", there={"moves": [str(number) for number in range(1000)]})
    most.add("moves", *(str(number) for number in range(999)))
    assert percentage([most]) == 99
    most.add("moves", "999")
    assert percentage([most]) == 100


def test_nothing_held_is_said() -> None:
    assert list(report_lines([])) == ["no conversation was held"]


@pytest.mark.parametrize("subject", [Quote, QuoteAgent, BookingAgent, Person])
def test_skeletons_pass_or_are_skipped(subject: object, tmp_path: Path, coverage: Coverage) -> None:
    with Talk(subject, observers=[coverage]) as t:
        t("hello")
    path = write_skeletons(reached(coverage), tmp_path)
    assert path is not None
    scenarios = read_scenarios(path).scenarios
    before = {kind: len(reached(coverage).missing(kind)) for kind in ("steps", "moves", "mishaps")}
    for each in scenarios:
        if not each.skip:
            run_scenario(each, [coverage])
    if subject is not Person:
        assert all(len(reached(coverage).missing(kind)) < number for kind, number in before.items())
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_skeletons_never_touch_a_file_that_is_there(tmp_path: Path, coverage: Coverage) -> None:
    with Talk(Quote, observers=[coverage]) as t:
        t("hello")
    first = write_skeletons(reached(coverage), tmp_path)
    second = write_skeletons(reached(coverage), tmp_path)
    assert (first, second) == (tmp_path / "quote_missing.scenario.yaml", tmp_path / "quote_missing2.scenario.yaml")
