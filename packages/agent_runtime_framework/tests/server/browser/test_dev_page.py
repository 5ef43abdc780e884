"""The developer page in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from sites import Site

pytestmark = pytest.mark.slow


def expect(found: Locator) -> Any:
    from playwright.sync_api import expect as expecting

    return expecting(found)


def say(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def replies(page: Page) -> Locator:
    return page.locator("agent-chat .message.assistant:not(.waiting)")


def here(page: Page) -> Locator:
    return page.locator("#graph .current .name")


def newest(page: Page) -> Locator:
    return page.locator(".turn").first


def ordered(page: Page) -> None:
    say(page, "a green tea please")
    expect(here(page)).to_have_text("pay")
    expect(newest(page)).to_contain_text("choose_tea")


def test_the_journey_lights_up_as_it_is_walked(site: Site, open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{site.url}/dev")
    expect(here(page)).to_have_count(0)

    ordered(page)

    expect(page.locator("#graph .walked .name").first).to_have_text("order")
    expect(page.locator("#state tr", has_text="kind")).to_contain_text("green")
    expect(newest(page)).to_contain_text("order → pay")
    expect(newest(page).locator(".chip.used")).to_have_text("choose_tea")
    prompt = newest(page).locator("textarea.prompt").first
    assert "which tea" in prompt.input_value()


def test_a_waiting_call_runs_once_it_is_approved(site: Site, open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{site.url}/dev")
    ordered(page)
    before = site.charges

    say(page, "yes, charge it")
    expect(page.locator("#pending")).to_contain_text("charge waits for approval")
    assert site.charges == before

    page.get_by_role("button", name="Approve").click()
    expect(replies(page).last).to_contain_text("Enjoy your green tea.")
    expect(here(page)).to_have_text("served")
    assert site.charges == [*before, "green"]


def test_a_rejected_call_does_not_run(site: Site, open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{site.url}/dev")
    ordered(page)
    before = site.charges
    say(page, "yes, charge it")

    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#pending")).to_be_empty()
    expect(here(page)).to_have_text("pay")
    assert site.charges == before


def test_a_refusal_is_shown_with_its_reason_to_who_plays_the_model(
    site: Site, open_page: Callable[[str], Page]
) -> None:
    page = open_page(f"{site.url}/dev")
    page.get_by_label("Play the model yourself").check()
    say(page, "a mint tea")
    ask = page.locator(".ask")

    ask.get_by_label("Tool").select_option("choose_tea")
    ask.get_by_label("Reply").fill('{"kind": "mint"}')
    ask.get_by_role("button", name="Reply as the model").click()
    expect(newest(page).locator(".refused")).to_contain_text("'kind' is 'mint'")

    ask.get_by_label("Reply").fill("We have green and black.")
    ask.get_by_role("button", name="Reply as the model").click()
    expect(replies(page).last).to_have_text("We have green and black.")
    page.get_by_label("Play the model yourself").uncheck()


def test_a_reload_and_a_second_tab_show_the_same_conversation(site: Site, open_page: Callable[[str], Page]) -> None:
    first = open_page(f"{site.url}/chat?agent=tea")
    say(first, "a black tea please")
    expect(replies(first)).to_have_count(1)

    second = open_page(f"{site.url}/chat?agent=tea")
    expect(replies(second)).to_have_count(1)
    say(second, "what was that?")
    expect(replies(second)).to_have_count(2)
    expect(second.get_by_role("log")).not_to_have_attribute("aria-busy", "true")
    said = second.locator(".message").all_inner_texts()
    expect(first.locator(".message")).to_have_text(said)

    first.reload()
    expect(first.locator(".message")).to_have_text(said)


def test_a_turn_goes_on_when_its_reader_has_left(site: Site, open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{site.url}/dev")
    page.get_by_label("Play the model yourself").check()
    say(page, "hello?")
    expect(page.locator(".ask")).to_be_visible()
    conversation = page.locator("#conversation").input_value()
    page.close()

    again = open_page(f"{site.url}/dev#{conversation}")
    again.get_by_label("Play the model yourself").check()
    again.locator(".ask").get_by_label("Reply").fill("Still here.")
    again.get_by_role("button", name="Reply as the model").click()
    expect(replies(again)).to_have_text("Still here.")
    again.get_by_label("Play the model yourself").uncheck()


def test_a_fork_goes_on_from_a_turn_without_doing_anything_to_the_world(
    site: Site, open_page: Callable[[str], Page]
) -> None:
    page = open_page(f"{site.url}/dev")
    ordered(page)
    origin = page.locator("#conversation").input_value()
    say(page, "thanks")
    expect(page.locator(".turn")).to_have_count(2)
    before = site.charges

    page.locator(".turn").nth(1).locator("summary").first.click()
    page.locator(".turn").nth(1).get_by_role("button", name="Restart from here").click()
    expect(page.locator("#conversation option:checked")).to_contain_text("@1")
    expect(replies(page)).to_have_count(1)
    expect(here(page)).to_have_text("pay")

    say(page, "yes, charge it")
    page.get_by_role("button", name="Approve").click()
    expect(newest(page)).to_contain_text("dry run: charge was not run")
    assert site.charges == before

    page.locator("#conversation").select_option(origin)
    expect(replies(page)).to_have_count(2)


def test_a_turn_is_tried_again_with_another_prompt(site: Site, open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{site.url}/dev")
    ordered(page)

    newest(page).locator(".request summary").first.click()
    newest(page).locator("textarea.prompt").first.fill("Sell them the black one. Save it with choose_tea.")
    newest(page).get_by_role("button", name="Try this turn again").first.click()

    expect(page.locator("#conversation option:checked")).to_contain_text("@0")
    expect(newest(page)).to_contain_text("choose_tea")
    assert newest(page).locator("textarea.prompt").first.input_value().startswith("Sell them the black one.")


def test_a_conversation_becomes_a_scenario(site: Site, open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{site.url}/dev")
    ordered(page)

    page.get_by_role("button", name="Copy as test").click()

    expect(page.locator("dialog pre")).to_contain_text("user: a green tea please")
    expect(page.locator("dialog pre")).to_contain_text("step: pay")


def test_on_a_phone_one_pane_is_shown_at_a_time(site: Site, open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{site.url}/dev")
    page.set_viewport_size({"width": 390, "height": 780})
    ordered_by_phone = page.get_by_role("button", name="Journey")

    say(page, "a green tea please")
    expect(replies(page)).to_have_count(1)
    expect(page.locator("#graph")).not_to_be_visible()
    ordered_by_phone.click()
    expect(page.locator("#graph")).to_be_visible()
    expect(page.locator("agent-chat")).not_to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
