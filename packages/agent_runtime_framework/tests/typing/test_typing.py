"""A strict type checker understands journeys, and finds what is wrong with them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKER = Path(sys.executable).with_name("basedpyright")


@pytest.mark.slow
@pytest.mark.skipif(not CHECKER.exists(), reason="basedpyright is not installed")
def test_a_journey_is_understood_and_its_mistakes_are_found(tmp_path: Path):
    settings = {
        "typeCheckingMode": "strict",
        "reportUnnecessaryTypeIgnoreComment": "error",
        "reportMissingTypeStubs": False,
        "include": [str(Path(__file__).with_name("short_form.py"))],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [CHECKER, "--project", tmp_path, "--pythonpath", sys.executable, "--outputjson"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    report = json.loads(done.stdout)
    assert [
        f"line {each['range']['start']['line'] + 1}: {each['message']}" for each in report["generalDiagnostics"]
    ] == []
    assert report["summary"]["filesAnalyzed"] == 1
