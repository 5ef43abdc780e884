"""From scenarios to a file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError

SCHEMA = Path(__file__).with_name("scenario.schema.json")


def scenarios_text(agent: str, scenarios: Iterable[JSONObject], remark: str = "") -> str:
    """The text of a scenario file.

    Args:
        agent: Whom it is about, as the file names it.
        scenarios: The scenarios as the file holds them.
        remark: What stands at the head, as a comment.

    Raises:
        ConfigurationError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise ConfigurationError("scenario files need PyYAML; install agent_runtime_framework[testing]") from error

    head = "".join(f"# {each}\n" for each in remark.splitlines())
    body: dict[str, Any] = {"agent": agent, "scenarios": list(scenarios)}
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)
    return head + text


def target_from(target: str, directory: Path) -> str:
    """A target of a file, as a scenario file in a directory names it; one of a module stays as it is."""
    file, colon, name = target.rpartition(":")
    if not file.endswith(".py"):
        file, colon, name = target, "", ""
    if not file.endswith(".py"):
        return target
    return f"{Path(os.path.relpath(file, directory)).as_posix()}{colon}{name}"
