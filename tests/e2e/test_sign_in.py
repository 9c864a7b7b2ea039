# SPDX-License-Identifier: Apache-2.0
"""Signing in with a real browser: the product's own page, the simulated Entra, and back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from centralino.adapters.clock import SystemClock
from centralino.bootstrap.certified_cloud import SupervisedCloudProduct
from centralino.certification.cloud.lab import CloudLab, CloudOptions
from tests.kit.threads import in_a_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

DESKTOP = {"width": 1280, "height": 900}
BOARD, DOOR, REFUSED, WHO = "#board:visible", "#door:visible", "#refused:visible", "#who"


@asynccontextmanager
async def _running(folder: str) -> AsyncIterator[CloudLab]:
    options = CloudOptions(Path(folder) / "data", Path(folder) / "run")
    async with CloudLab(options, SupervisedCloudProduct(), SystemClock()) as made:
        await made.start_product()
        yield made


@pytest.fixture(scope="module")
def lab() -> Iterator[CloudLab]:
    """Run the product, with Entra and Graph beside it, once."""
    with (
        TemporaryDirectory(prefix="centralino-") as folder,
        in_a_thread(lambda: _running(folder)) as made,
    ):
        yield made


@pytest.fixture
def page(browser: Browser, lab: CloudLab) -> Iterator[Page]:
    """Open the product's page as somebody who is not signed in; no script of it may fail.

    The certificate of the simulated Entra comes from an authority of this run, which no browser
    knows, so it is not checked here; the product itself does.
    """
    context = browser.new_context(
        viewport=DESKTOP,  # type: ignore[arg-type]  # two numbers
        locale="en-GB",
        ignore_https_errors=True,
    )
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(lab.api + "/")
    opened.wait_for_selector(DOOR)
    yield opened
    context.close()
    assert problems == []


def sign_in(page: Page, name: str) -> None:
    """Go through the door as one of the people, by keyboard."""
    page.locator("#sign-in").press("Enter")
    page.locator("button", has_text=name).press("Enter")


def test_a_supervisor_enters_stays_and_leaves(page: Page) -> None:
    sign_in(page, "Supervisor")
    page.wait_for_selector(BOARD)
    page.wait_for_selector('#link[data-state="live"]')
    assert page.inner_text(WHO) == "Supervisor"
    assert "Help" in page.inner_text("#queues")
    page.reload()
    page.wait_for_selector(BOARD)
    assert page.evaluate("document.cookie") == "", "the session must be out of a script's reach"
    page.click("#sign-out")
    page.wait_for_selector(DOOR)
    page.reload()
    page.wait_for_selector(DOOR)


@pytest.mark.parametrize("name", ["Employee", "Outsider"])
def test_who_is_not_admitted_is_told_so_and_sees_nothing(page: Page, name: str) -> None:
    sign_in(page, name)
    page.wait_for_selector(REFUSED)
    assert "not admitted" in page.inner_text("#refused")
    assert not page.is_visible("#board")
    assert "refused" not in page.url, "the reason must not stay in the address"


def test_who_changes_his_mind_can_begin_again(page: Page) -> None:
    page.click("#sign-in")
    page.locator("button", has_text="Cancel").click()
    page.wait_for_selector(REFUSED)
    sign_in(page, "Agent")
    page.wait_for_selector(BOARD)


def test_the_language_goes_along(page: Page) -> None:
    page.click('[data-language="it"]')
    sign_in(page, "Employee")
    page.wait_for_selector(REFUSED)
    assert "non ammesso" in page.inner_text("#refused")
    assert page.get_attribute("html", "lang") == "it"


def test_an_answer_nobody_asked_for_signs_nobody_in(page: Page, lab: CloudLab) -> None:
    page.goto(f"{lab.api}/v1/sign-in/callback?code=guessed&state=guessed")
    page.wait_for_selector(REFUSED)
    assert not page.is_visible("#board")
