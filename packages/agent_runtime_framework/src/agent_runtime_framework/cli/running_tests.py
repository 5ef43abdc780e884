"""Runs tests: by pytest where it is installed, else the scenario files alone."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from agent_runtime_core.llm.real_requests import forbid_real_requests
from agent_runtime_framework.cli.failures import FAILED, MISUSED, OK, UsageError, users_traceback
from agent_runtime_framework.testing.coverage.collect import Coverage
from agent_runtime_framework.testing.coverage.report import report_json, report_lines
from agent_runtime_framework.testing.coverage.skeletons import write_skeletons
from agent_runtime_framework.testing.scenarios.errors import ExpectationFailed, ScenarioError
from agent_runtime_framework.testing.scenarios.reading import is_scenario_file, read_scenarios
from agent_runtime_framework.testing.scenarios.running import run_scenario
from agent_runtime_framework.testing.scenarios.scenario import Scenario
from agent_runtime_framework.testing.scenarios.writing import SCHEMA

NOTHING_TO_RUN = 5
"""How pytest says that it found no tests."""
WRONGLY_ASKED = 4
"""How pytest says that an option or a path is wrong."""


def run_tests(args: Namespace) -> int:
    """Run what the options of `test` name; returns the exit code."""
    if args.schema:
        sys.stdout.write(SCHEMA.read_text(encoding="utf-8"))
        return OK
    paths: list[str] = args.paths or ["."]
    for each in paths:
        if not Path(each.partition("::")[0]).exists():
            raise UsageError(f"there is no {each!r} here; the working directory is {Path.cwd()}")
    if args.scenarios_only or find_spec("pytest") is None:
        return _run_scenarios(paths, args)
    return _run_pytest(paths, args)


def _run_pytest(paths: Sequence[str], args: Namespace) -> int:
    # In a process of its own: this one has imported the package, which pytest wants to do itself.
    options = ["-k", args.k] if args.k else []
    if args.coverage_json:
        options.append(f"--journey-coverage-json={args.coverage_json}")
    if args.coverage:
        options.append("--journey-coverage")
    if args.skeletons:
        options.append(f"--journey-skeletons={args.skeletons}")
    done = subprocess.run([sys.executable, "-m", "pytest", *options, *paths], check=False)
    if done.returncode == NOTHING_TO_RUN:
        sys.stderr.write("agent-runtime: there is nothing to run: no *.scenario.yaml and no tests\n")
    if done.returncode == WRONGLY_ASKED:
        return MISUSED
    return OK if done.returncode == OK else FAILED


def _run_scenarios(paths: Sequence[str], args: Namespace) -> int:
    coverage = Coverage()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with forbid_real_requests():
        for file, scenario, problem in _chosen(paths, args.k):
            verdict = _verdict(scenario, coverage) if problem is None else ("failed", problem)
            counts[verdict[0]] += 1
            name = f"{file}::{scenario.name}" if scenario is not None else str(file)
            sys.stdout.write(f"{verdict[0].upper():<8}{name}\n{_indented(verdict[1])}")
    sys.stdout.write(", ".join(f"{number} {what}" for what, number in counts.items() if number) or "nothing to run")
    sys.stdout.write("\n")
    if args.coverage or args.coverage_json or args.skeletons:
        _report(coverage, args)
    return OK if counts["passed"] and not counts["failed"] else FAILED


def _chosen(paths: Sequence[str], words: str) -> Iterator[tuple[Path, Scenario | None, str | None]]:
    """Scenarios with their files; a file that cannot be read comes alone, with the reason."""
    for each in paths:
        where, _, wanted = each.partition("::")
        for file in _files(Path(where)):
            try:
                scenarios = read_scenarios(file).scenarios
            except ScenarioError as error:
                yield file, None, str(error)
                continue
            for scenario in scenarios:
                if wanted in ("", scenario.name) and words.casefold() in scenario.name.casefold():
                    yield file, scenario, None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if is_scenario_file(path) else []
    hidden = {".git", ".venv", "venv", "node_modules", "__pycache__"}
    return sorted(each for each in path.rglob("*.scenario.y*ml") if not hidden & set(each.parts))


def _verdict(scenario: Scenario | None, coverage: Coverage) -> tuple[str, str]:
    assert scenario is not None  # a file that could not be read has its problem already
    if scenario.skip:
        return "skipped", scenario.skip
    try:
        run_scenario(scenario, [coverage])
    except ExpectationFailed as error:
        return "failed", f"{error}\n{error.conversation}"
    except ScenarioError as error:
        return "failed", str(error)
    except Exception as error:  # noqa: BLE001  the author's code may raise anything; the other scenarios still run
        return "failed", users_traceback(error)
    return "passed", ""


def _report(coverage: Coverage, args: Namespace) -> None:
    journeys = list(coverage.journeys.values())
    sys.stdout.write("\n" + "\n".join(report_lines(journeys)) + "\n")
    if args.coverage_json:
        text = json.dumps(report_json(journeys), indent=2, ensure_ascii=False)
        Path(args.coverage_json).write_text(text, encoding="utf-8")
    for each in journeys if args.skeletons else ():
        if (written := write_skeletons(each, Path(args.skeletons))) is not None:
            sys.stdout.write(f"skeletons for {each.name}: {written}\n")


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
