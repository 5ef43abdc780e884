"""The files for deployment in `examples/deploy`: as the page shows them, and fit for the command line there is."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_runtime_framework.cli.main import COMMANDS
from agent_runtime_framework.cli.serve import GRACE_SECONDS
from agent_runtime_framework.server import Limits

ROOT = Path(__file__).parent.parent
FILES = ROOT / "examples" / "deploy"
PAGE = ROOT / "docs" / "how-to" / "deploy.md"
UNITS = sorted([*FILES.glob("*.service"), *FILES.glob("*.timer")])
TARGET = "my_package.journeys:Quote"


def compose() -> dict[str, Any]:
    return yaml.safe_load((FILES / "compose.yaml").read_text(encoding="utf-8"))


def commands_of_containers() -> Iterator[tuple[str, list[str]]]:
    for name, service in compose()["services"].items():
        if "command" in service:
            yield f"compose.yaml: {name}", list(service["command"])


def commands_of_units() -> Iterator[tuple[str, list[str]]]:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("\\\n", " ")
        for found in re.finditer(r"^ExecStart=(.*)$", text, re.MULTILINE):
            program, *arguments = shlex.split(found[1])
            assert program.endswith("/agent-runtime")
            yield unit.name, arguments


COMMANDS_USED = [*commands_of_containers(), *commands_of_units()]


def parsed(arguments: list[str]) -> argparse.Namespace:
    """What the command line makes of the arguments; it exits where it does not know them."""
    command, *rest = arguments
    parser = argparse.ArgumentParser()
    import_module(COMMANDS[command].module).add_arguments(parser)
    return parser.parse_args(rest)


def seconds_in(text: str) -> float:
    return float(text.removesuffix("s"))


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
def test_the_page_shows_the_file_as_it_is(path: Path):
    page = re.sub(r"^    ", "", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = re.sub(r"^    ", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert re.search(rf'title="{re.escape(path.name)}"\n{re.escape(text)}```', page)


@pytest.mark.parametrize(("where", "arguments"), COMMANDS_USED, ids=[where for where, _ in COMMANDS_USED])
def test_every_command_is_one_that_there_is(where: str, arguments: list[str]):
    args = parsed(arguments)

    assert args.store.startswith("postgresql://chat@"), "a password in a command can be read by everybody"
    assert getattr(args, "targets", [TARGET]) == [TARGET]


@pytest.mark.parametrize("command", ["serve", "worker", "check", "sessions"])
def test_containers_do_all_that_has_to_be_done(command: str):
    assert command in [arguments[0] for _, arguments in commands_of_containers()]


def test_nobody_is_killed_before_what_they_do_may_have_ended():
    services = compose()["services"]
    graces = {"web": GRACE_SECONDS, "worker": parsed(list(services["worker"]["command"])).grace}

    for name, grace in graces.items():
        assert seconds_in(services[name]["stop_grace_period"]) >= grace + 5
    for where, arguments in commands_of_units():
        if arguments[0] in ("serve", "worker"):
            unit = (FILES / where).read_text(encoding="utf-8")
            stop = re.search(r"TimeoutStopSec=(\d+)", unit)
            assert stop
            assert int(stop[1]) >= getattr(parsed(arguments), "grace", GRACE_SECONDS) + 5


def test_what_the_image_installs_are_extras_that_there_are():
    dockerfile = (FILES / "Dockerfile").read_text(encoding="utf-8")
    (extras,) = re.findall(r"agent_runtime_framework\[([\w,]+)\]", dockerfile)
    known = metadata("agent_runtime_framework").get_all("Provides-Extra") or []

    assert set(extras.split(",")) <= set(known)
    assert {"server", "postgres"} <= set(extras.split(","))


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_proxies_wait_longer_than_a_message_for_its_reply(name: str):
    text = (FILES / name).read_text(encoding="utf-8")
    waits = re.search(r"(?:proxy_read_timeout|response_header_timeout) (\d+)s", text)

    assert waits
    assert int(waits[1]) > Limits().wait + Limits().heartbeat
    assert text.count("{") == text.count("}")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path):
    for each in UNITS:
        text = each.read_text(encoding="utf-8").replace("/srv/chat/.venv/bin/agent-runtime", "/bin/true")
        (tmp_path / each.name.replace("@.", "@1.")).write_text(text, encoding="utf-8")

    command = ["systemd-analyze", "verify", str(tmp_path / unit.name.replace("@.", "@1."))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")
def test_nginx_takes_the_server(tmp_path: Path):
    own = re.sub(r"(listen .*) ssl;|ssl_\w+ .*;", r"\1;", (FILES / "nginx.conf").read_text(encoding="utf-8"))
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"events {{}}\nhttp {{\n{own}\n}}\n", encoding="utf-8")

    ran = subprocess.run(["nginx", "-t", "-c", str(whole)], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
