"""The widget on a page of somebody else, in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sites import served

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow

PAGE = """<!doctype html><html lang="en"><title>Acme</title><h1>Acme</h1>
<script type="module" src="{agents}/static/widget.js"></script>
<script type="module" src="/key.js"></script>
<agent-chat agent="person" heading="Acme" floating></agent-chat></html>"""
KEY = 'document.querySelector("agent-chat").headers = () => ({ "X-API-Key": "a-long-secret-key-of-acme" });'

PERSON = """
from typing import Literal
from pydantic import BaseModel
from agent_runtime_framework.journey import FormJourney

class Person(BaseModel):
    name: str
    size: Literal["small", "large"]
    password: str | None = None

person = FormJourney(Person)
"""


class Acme(BaseHTTPRequestHandler):
    """A site with a strict policy, which knows the agents only by their address."""

    def __init__(self, agents: str, *args: Any) -> None:
        self.agents = agents
        super().__init__(*args)

    def do_GET(self) -> None:
        is_script = self.path == "/key.js"
        body = (KEY if is_script else PAGE.format(agents=self.agents)).encode()
        policy = f"default-src 'none'; script-src 'self' {self.agents}; connect-src {self.agents}; img-src data:"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("serve")
    (folder / "person.py").write_text(PERSON)
    shop = ThreadingHTTPServer(("127.0.0.1", 0), partial(Acme, ""))
    url = f"http://127.0.0.1:{shop.server_port}"
    command = ["serve", "person.py:person", "--model", "offline", "--api-key", "a-long-secret-key-of-acme=acme"]
    with served([*command, "--cors-origin", url], folder, folder / "ledger") as agents:
        shop.RequestHandlerClass = partial(Acme, agents)
        thread = threading.Thread(target=shop.serve_forever, daemon=True)
        thread.start()
        yield url
        shop.shutdown()
        shop.server_close()
        thread.join()


def expect(found: Locator) -> Any:
    from playwright.sync_api import expect as expecting

    return expecting(found)


def messages(page: Page) -> Locator:
    return page.locator(".message:not(.waiting)")


def test_a_form_is_filled_with_the_keyboard_alone_under_a_strict_policy(
    acme: str, open_page: Callable[[str], Page]
) -> None:
    page = open_page(acme)
    page.get_by_role("button", name="Open Acme").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your message")).to_be_focused()

    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    expect(messages(page)).to_have_count(2)
    page.keyboard.type("I'm Ada Lovelace")
    page.keyboard.press("Enter")
    large = page.get_by_role("group", name="Answers").get_by_role("button", name="large")
    expect(large).to_be_visible()
    large.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".message.user").last).to_have_text("large")

    page.get_by_label("Your message").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open Acme")).to_be_focused()


def test_several_fields_are_filled_in_as_native_controls(acme: str, open_page: Callable[[str], Page]) -> None:
    page = open_page(acme)
    page.get_by_role("button", name="Open Acme").click()
    page.get_by_label("Your message").fill("hello")
    page.keyboard.press("Enter")

    page.locator("summary").click()
    page.get_by_label("name").fill("Ada")
    page.get_by_label("size").select_option(label="small")
    page.locator("form.fields").get_by_role("button", name="Send").click()

    expect(messages(page).last).to_contain_text("Ada")


def test_what_is_said_is_announced(acme: str, open_page: Callable[[str], Page]) -> None:
    page = open_page(acme)
    page.get_by_role("button", name="Open Acme").click()
    page.get_by_label("Your message").fill("hello")
    page.keyboard.press("Enter")

    log = page.get_by_role("log", name="Conversation")
    expect(log).to_contain_text("hello")
    expect(log).not_to_have_attribute("aria-busy", "true")


def test_the_script_sends_nothing_before_it_is_opened(acme: str, open_page: Callable[[str], Page]) -> None:
    asked: list[str] = []
    page = open_page("about:blank")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(acme)

    expect(page.get_by_role("button", name="Open Acme")).to_be_visible()
    assert [url for url in asked if "/conversations" in url] == []


def test_the_files_are_small() -> None:
    static = Path(__file__).parents[3] / "src/agent_runtime_framework/server/static"
    assert sum(each.stat().st_size for each in static.rglob("*.*")) < 100_000
