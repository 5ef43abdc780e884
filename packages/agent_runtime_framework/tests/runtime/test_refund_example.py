"""The example in which a person decides, in two processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[4] / "examples" / "refund.py"


def run(store: Path, *lines: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, EXAMPLE, store],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_refund_waits_and_is_approved_by_another_process(tmp_path: Path) -> None:
    assert run(tmp_path / "r.db", "I want a refund of 80 euros") == ["I have to ask about that."]
    assert run(tmp_path / "r.db", "/pending", "/approve") == [
        "  [\"refund {'amount': 80}: 80 euros are more than the desk may give back\"]",
        "  80 euros are on their way.",
    ]


def test_a_colleague_takes_over_and_hands_back(tmp_path: Path) -> None:
    said = run(
        tmp_path / "r.db",
        "please call a colleague, a human person",
        "hello?",
        "/say Anna here.",
        "/back they want 20 back",
        "20 euros please",
    )
    assert said == [
        "I get a colleague for you.",
        "(nothing is answered)",
        "  answered",
        "  True",
        "20 euros are on their way.",
    ]
