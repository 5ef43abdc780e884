from __future__ import annotations

from pathlib import Path

import pytest

from agent_runtime_framework.cli.main import main
from agent_runtime_framework.cli.serve import Served, make_app

AGENT = '''
from agent_runtime_framework.journey import Journey, step

class Desk(Journey):
    """The desk of a small hotel."""
    ask = step("Ask how many nights they want to stay.")

async def who(request):
    return request.headers.get("x-user")
'''
KEY = "0123456789abcdef"


@pytest.fixture
def hotel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "front_hotel.py"
    path.write_text(AGENT, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say who may ask"),
        (["--no-auth", "--api-key", f"{KEY}=ada"], "say who may ask"),
        (["--no-auth", "--auth", "front_hotel:who"], "say who may ask"),
        (["--api-key", KEY], "KEY=PRINCIPAL"),
        (["--api-key", "short=ada"], "at least 16"),
        (["--api-keys-file", "nowhere.txt"], "nowhere.txt"),
        (["--api-keys-file", "empty.txt"], "has no keys"),
        (["--auth", "front_hotel"], "MODULE:CALLABLE"),
        (["--auth", "front_hotel:AGENT"], "has no 'AGENT'"),
        (["--no-auth", "--workers", "0"], "--workers is 0"),
        (["--no-auth", "--workers", "2", "--reload"], "leave out --workers"),
        (["--no-auth", "--workers", "2", "--store", "memory://"], "share"),
        (["--no-auth", "--max-body", "0"], "body is 0"),
        (["--no-auth", "--model", "me"], "nobody sits at a server"),
    ],
)
def test_what_cannot_be_served_is_refused_before_it_starts(
    options: list[str], said: str, hotel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hotel.parent / "empty.txt").write_text("# nobody\n\n", encoding="utf-8")
    model = [] if "--model" in options else ["--model", "offline"]

    assert main(["serve", "front_hotel.py", *model, *options]) == 2

    error = capsys.readouterr().err
    assert said in error
    assert KEY not in error


def test_a_server_does_not_fall_back_to_the_offline_model(
    hotel: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    assert main(["serve", "front_hotel.py", "--no-auth"]) == 2
    assert "--model offline" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::"])
def test_dev_answers_this_machine_only(host: str, hotel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "front_hotel.py", "--host", host]) == 2
    assert "this machine only" in capsys.readouterr().err


def test_a_hook_and_keys_become_the_apps(hotel: Path) -> None:
    hooked = make_app(Served(targets=["front_hotel.py"], store="memory://", model="offline", auth="front_hotel:who"))
    keyed = make_app(Served(targets=["front_hotel.py"], store="memory://", model="offline", api_keys={KEY: "ada"}))

    assert hooked.service.auth is not None
    assert keyed.service.auth is not None
    assert keyed.service.limits.rate == 10.0


def test_dev_shows_what_the_model_is_told_and_answers_its_own_names_only(hotel: Path) -> None:
    app = make_app(Served(targets=["front_hotel.py"], store="memory://", is_dev=True))

    assert app.service.shows_prompts
    assert app.service.auth is None
    assert any("allowed_hosts" in each.kwargs for each in app.user_middleware)
