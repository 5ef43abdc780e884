from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sys.path.append(str(Path(__file__).parent))

from sites import HERE, Site, served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; without one the tests of the page are skipped.

    It is ended with the module: as long as it runs, this thread has a running event loop, and asynchronous tests fail.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        # Who runs as root, as in a container, has no sandbox.
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`agent-runtime dev` with the tea counter."""
    folder = tmp_path_factory.mktemp("dev")
    ledger = folder / "ledger"
    with served(["dev", f"{HERE / 'tea_counter.py'}:Tea", "--model", "offline", "--no-reload"], folder, ledger) as url:
        yield Site(url=url, ledger=ledger)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Opens pages of one visitor; fails a test whose pages complained, or asked another host for anything."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    troubles: list[str] = []

    def opened(url: str) -> Page:
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: troubles.append(request.url) if not _is_here(request.url) else None)
        page.goto(url)
        return page

    yield opened
    context.close()
    assert troubles == []


def _is_here(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))
