"""The pytest plugin, seen from a project that uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

JOURNEY = (Path(__file__).parent / "journeys.py").read_text(encoding="utf-8")
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\nasyncio_mode = strict\n"

ASKS_OPENAI = """
    from agent_runtime_core.llm import get_llm_client
    from journeys import Quote

    def test_it(talk):
        client = get_llm_client("openai", api_key="k", model="gpt-4o", timeout=0.01)
        talk(Quote, client)("hi")
"""

SCENARIOS = """
agent: journeys.py:Quote
scenarios:
  - name: a car is insured
    turns:
      - user: car
        expect: {step: car, called: pick}
      - user: W-123, 40000 km, I'm 30
        expect: {step: STEP, state: {price: 580}}
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("AGENT_RUNTIME_ALLOW_REAL_MODELS", raising=False)
    pytester.makeini(INI)
    pytester.makepyfile(journeys=JOURNEY)
    pytester.syspathinsert()
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "no:cacheprovider", *options)


def test_talk_needs_no_key_no_network_and_no_import(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from journeys import Quote

        def test_quote(talk):
            t = talk(Quote)
            t("car", "W-123, 40000 km, I'm 30")
            assert t.state.plate == "W-123" and t.step is Quote.offer and not t.refused
        """
    )
    run(project).assert_outcomes(passed=1)


def test_a_test_that_fails_shows_the_conversation(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from journeys import Quote

        def test_quote(talk):
            t = talk(Quote)
            t("car")
            assert t.state.plate == "W-123"
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- conversation -*", "  > car", '*called pick(kind="car")*', "*choose -> car by pick"]
    )


def test_a_real_model_is_not_asked(project: pytest.Pytester) -> None:
    project.makepyfile(ASKS_OPENAI)
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*OpenAIClient was about to ask the model 'gpt-4o' at https://api.openai.com/v1/*"])


@pytest.mark.parametrize("way", ["option", "ini", "variable", "marker"])
def test_it_may_be_allowed(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    marker = "import pytest\npytestmark = pytest.mark.real_model\n" if way == "marker" else ""
    project.makepyfile(
        f"""{marker}
from agent_runtime_core.llm.real_requests import are_real_requests_forbidden

def test_it():
    assert not are_real_requests_forbidden()
"""
    )
    if way == "ini":
        project.makeini(f"{INI}allow_real_models = true\n")
    if way == "variable":
        monkeypatch.setenv("AGENT_RUNTIME_ALLOW_REAL_MODELS", "1")
    run(project, *(["--allow-real-models"] if way == "option" else [])).assert_outcomes(passed=1)


def test_a_variable_that_says_neither_is_an_error(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_ALLOW_REAL_MODELS", "perhaps")
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*AGENT_RUNTIME_ALLOW_REAL_MODELS is 'perhaps'; expected true or false"])


def test_scenarios_are_tests(project: pytest.Pytester) -> None:
    project.path.joinpath("quote.scenario.yaml").write_text(SCENARIOS.replace("STEP", "offer"))
    result = run(project, "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["quote.scenario.yaml::a car is insured PASSED*"])


def test_a_scenario_that_fails_names_the_line_and_shows_the_conversation(project: pytest.Pytester) -> None:
    project.path.joinpath("quote.scenario.yaml").write_text(SCENARIOS.replace("STEP", "done"))
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["quote.scenario.yaml:9: the step is 'offer', expected 'done'", "", "Quote, beginning in choose", "  > car"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_file_that_cannot_be_read_is_an_error_with_the_line(project: pytest.Pytester) -> None:
    project.path.joinpath("quote.scenario.yaml").write_text("agent: journeys.py:Quote\nturns:\n  - usr: car\n")
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["quote.scenario.yaml:3: a turn has no 'usr'; did you mean 'user'?"])


def test_coverage_is_told_and_written(project: pytest.Pytester) -> None:
    project.path.joinpath("quote.scenario.yaml").write_text(SCENARIOS.replace("STEP", "offer"))
    result = run(project, "--journey-coverage-json=reached.json", "--journey-skeletons=missing")
    result.stdout.fnmatch_lines(
        ["*journey coverage*", "Quote  steps 3/6 *moves 2/7 *guards 1/2*", "*  offer -> done by accept"]
    )
    told = json.loads(project.path.joinpath("reached.json").read_text())
    assert told["journeys"][0]["counts"]["steps"] == [3, 6]
    assert project.path.joinpath("missing/quote_missing.scenario.yaml").exists()


def test_written_skeletons_run(project: pytest.Pytester) -> None:
    project.path.joinpath("quote.scenario.yaml").write_text(SCENARIOS.replace("STEP", "offer"))
    run(project, "--journey-skeletons=missing")
    result = run(project, "--journey-coverage", "missing")
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > outcomes["skipped"] > 0
    assert "failed" not in outcomes


def test_the_package_is_not_imported_where_it_is_not_used(project: pytest.Pytester) -> None:
    project.makepyfile("import sys\n\ndef test_it():\n    assert 'agent_runtime_framework' not in sys.modules\n")
    run(project).assert_outcomes(passed=1)
