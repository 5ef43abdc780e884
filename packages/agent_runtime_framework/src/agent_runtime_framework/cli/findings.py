"""What `agent-runtime check` shows."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_runtime_framework.cli.failures import FAILED, OK, UserCodeError
from agent_runtime_framework.cli.subjects import load_subjects
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.check import Finding, Severity, check, finding_of


@dataclass(frozen=True, slots=True)
class Checked:
    """A journey that was checked."""

    name: str
    findings: Sequence[Finding]


def show_findings(args: Namespace) -> int:
    """Check every target and write what was found; returns the exit code."""
    checked = [each for target in args.targets for each in _checked(target)]
    if args.no_hints:
        checked = [Checked(each.name, _without_hints(each.findings)) for each in checked]
    counts = Counter(finding.severity for each in checked for finding in each.findings)
    sys.stdout.write(_as_json(checked, counts) if args.format == "json" else _as_text(checked, counts))
    failing = {Severity.ERROR, Severity.WARNING} if args.strict else {Severity.ERROR}
    return FAILED if any(counts[each] for each in failing) else OK


def _checked(target: str) -> list[Checked]:
    try:
        return [Checked(each.name, check(each.journey)) for each in load_subjects(target)]
    except UserCodeError as error:
        # A class that says what is wrong with it while it is made has a finding, not a traceback.
        if not isinstance(error.__cause__, ConfigurationError):
            raise
        return [Checked(target, [finding_of(error.__cause__)])]


def _without_hints(findings: Iterable[Finding]) -> list[Finding]:
    return [each for each in findings if each.severity is not Severity.HINT]


def _as_json(checked: Sequence[Checked], counts: Counter[Severity]) -> str:
    data = {
        "journeys": [
            {"target": each.name, "findings": [finding.to_dict() for finding in each.findings]} for each in checked
        ],
        "errors": counts[Severity.ERROR],
        "warnings": counts[Severity.WARNING],
        "hints": counts[Severity.HINT],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _as_text(checked: Sequence[Checked], counts: Counter[Severity]) -> str:
    lines: list[str] = []
    for each in checked:
        lines += [_line(finding) for finding in each.findings]
    journeys = "1 journey" if len(checked) == 1 else f"{len(checked)} journeys"
    found = ", ".join(_counted(counts[severity], severity) for severity in Severity if counts[severity])
    lines.append(f"{found or 'nothing to complain of'} in {journeys}")
    return "\n".join(lines) + "\n"


def _line(finding: Finding) -> str:
    where = f"{_relative(finding.file)}:{finding.line}: " if finding.source else ""
    hint = f"\n    {finding.hint}" if finding.hint else ""
    return f"{where}{finding.severity}: {finding.message} [{finding.code}]{hint}"


def _relative(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def _counted(number: int, severity: Severity) -> str:
    return f"{number} {severity}" if number == 1 else f"{number} {severity}s"
