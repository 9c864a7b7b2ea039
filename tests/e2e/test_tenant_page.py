# SPDX-License-Identifier: Apache-2.0
"""The tenant page in a real browser: live, by keyboard, in two languages, light and dark, small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit.graph_stage import graph_in_a_thread
from tests.kit.graph_tenant import scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from centralino.simulators.graph.server import GraphSimulator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

NAMELESS = """() => [...document.querySelectorAll("button, select, a, input")].filter((one) => {
  const label = one.labels && one.labels[0] ? one.labels[0].textContent : "";
  return one.offsetParent !== null && !(one.getAttribute("aria-label") || label || one.textContent).trim();
}).map((one) => one.outerHTML)"""  # noqa: E501 - a script

FAINT = """() => {
  const number = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (one) => { for (let at = one; at; at = at.parentElement) {
    const found = number(getComputedStyle(at).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found; } return [255, 255, 255]; };
  return [...document.querySelectorAll("h1, h2, b, small, span, button, p, time, select")]
    .filter((one) => one.offsetParent !== null && one.textContent.trim() && !one.closest(".unseen, .skip"))
    .map((one) => { const [a, b] = [light(number(getComputedStyle(one).color)), light(ground(one))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.textContent.trim().slice(0, 40)]; })
    .filter(([ratio]) => ratio < 4.5);
}"""  # noqa: E501 - a script


@pytest.fixture(scope="module")
def graph() -> Iterator[GraphSimulator]:
    """Run a tenant once."""
    with graph_in_a_thread(scenario(port=0)) as running:
        yield running


@pytest.fixture
def page(browser: Browser, graph: GraphSimulator) -> Iterator[Page]:
    """Open the page; no script of it may fail, and nothing else may be loaded."""
    context = browser.new_context(viewport=DESKTOP, locale="en-GB", color_scheme="light")  # type: ignore[arg-type]  # two numbers
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "requestfailed",
        lambda asked: problems.append(asked.url) if "events" not in asked.url else None,
    )
    opened.goto(graph.page_url)
    opened.wait_for_selector('#link[data-state="live"]')
    opened.wait_for_selector(".person")
    yield opened
    context.close()
    assert [one for one in problems if not one.endswith("/simulator")] == []


def row_of(page: Page, name: str) -> Locator:
    return page.locator("#people > li").filter(has=page.locator(".who b", has_text=name))


def test_somebody_rings_another_answers_and_both_are_in_a_call(page: Page) -> None:
    anna, carla = row_of(page, "Anna Riva"), row_of(page, "Carla Marchi")
    anna.get_by_role("button", name="Actions of Anna Riva").press("Enter")
    anna.get_by_label("Ring whom").select_option(label="Carla Marchi")
    anna.get_by_role("button", name="Ring", exact=True).press("Enter")
    answer = carla.get_by_role("button", name="Carla Marchi: answer the call of Anna Riva")
    answer.wait_for()
    assert "Carla Marchi" in (page.locator("#said").text_content() or "")
    answer.press("Enter")
    anna.locator(".presence", has_text="In a call").wait_for()
    carla.locator(".presence", has_text="In a call").wait_for()
    carla.get_by_role("button", name="Carla Marchi: hang up the call with Anna Riva").press("Enter")
    anna.locator(".presence > span", has_text="Available").wait_for()
    assert anna.locator(".call").count() == 0


def test_a_call_can_be_declined(page: Page) -> None:
    anna, carla = row_of(page, "Anna Riva"), row_of(page, "Carla Marchi")
    anna.get_by_role("button", name="Actions of Anna Riva").click()
    anna.get_by_label("Ring whom").select_option(label="Carla Marchi")
    anna.get_by_role("button", name="Ring", exact=True).click()
    carla.get_by_role("button", name="Carla Marchi: decline the call of Anna Riva").click()
    carla.locator("small", has_text="missed").wait_for()


def test_presence_is_set_by_hand_and_reset(page: Page) -> None:
    bruno = row_of(page, "Bruno Conti")
    bruno.get_by_role("button", name="Actions of Bruno Conti").click()
    bruno.get_by_label("Presence by hand").select_option(label="Do not disturb")
    bruno.locator(".presence", has_text="Do not disturb").wait_for()
    bruno.locator("small", has_text="set by hand").wait_for()
    bruno.get_by_label("Presence by hand").select_option(label="Reset: let Teams decide")
    bruno.locator(".presence > span", has_text="Available").wait_for()
    bruno.get_by_label("Teams client").select_option(label="Locked the screen")
    bruno.locator(".presence > span", has_text="Away").wait_for()
    bruno.get_by_label("Teams client").select_option(label="Signed in, at work")
    bruno.locator(".presence > span", has_text="Available").wait_for()


def test_what_cannot_be_done_is_said(page: Page) -> None:
    bruno = row_of(page, "Bruno Conti")
    bruno.get_by_role("button", name="Actions of Bruno Conti").click()
    bruno.get_by_label("Ring whom").select_option(label="Carla Marchi")
    for _ in range(2):
        bruno.get_by_role("button", name="Ring", exact=True).click()
    page.locator("#problem", has_text="That did not work").wait_for()
    bruno.get_by_role("button", name="Bruno Conti: hang up the call with Carla Marchi").click()


def test_requests_and_happenings_appear_by_themselves(page: Page, graph: GraphSimulator) -> None:
    page.request.get(f"{graph.url}/users")
    page.locator("#requests li", has_text="GET /users").locator(".badge", has_text="401").wait_for()
    bruno = row_of(page, "Bruno Conti")
    bruno.get_by_role("button", name="Actions of Bruno Conti").click()
    bruno.get_by_label("Presence by hand").select_option(label="Do not disturb")
    page.locator("#happenings li", has_text="Bruno Conti").first.wait_for()
    bruno.get_by_label("Presence by hand").select_option(label="Reset: let Teams decide")


def test_italian_is_whole(page: Page) -> None:
    page.get_by_role("button", name="Italiano").click()
    page.get_by_role("heading", name="Persone").wait_for()
    assert page.locator("html").get_attribute("lang") == "it"
    row_of(page, "Anna Riva").get_by_role("button", name="Azioni di Anna Riva").wait_for()
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="People").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_control_has_a_name_and_every_text_can_be_read(
    page: Page, scheme: str, size: dict[str, int], tmp_path: Path
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]  # two numbers
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # a literal
    row_of(page, "Anna Riva").get_by_role("button").first.click()
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(FAINT) == []
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    assert page.screenshot(path=tmp_path / "tenant.png", full_page=True)


def test_the_first_tab_leads_past_the_header(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#people') !== null")
