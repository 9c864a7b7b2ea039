# SPDX-License-Identifier: Apache-2.0
"""The status page: one document, nothing from elsewhere, two languages that say the same."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib import resources
from typing import get_args

import pytest
from typing_extensions import override

from centralino.api.status_page import LANGUAGES, catalogue_of, status_page
from centralino.core.agents.lifecycle import AgentState, NotReadyReason
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.routing.events import Event
from tests.unit.api.reception import Reception

pytestmark = pytest.mark.unit

SCRIPT = resources.files("centralino.api.page").joinpath("status.js").read_text("utf-8")


class Outline(HTMLParser):
    """Collects what the page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, str] = {}
        self._open = ""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    @override
    def handle_data(self, data: str) -> None:
        if self._open in {"script", "style"}:
            self.inline[self._open] = self.inline.get(self._open, "") + data

    @override
    def handle_endtag(self, tag: str) -> None:
        self._open = ""


@pytest.fixture(scope="module")
def outline() -> Outline:
    """Give the page, read."""
    found = Outline()
    found.feed(status_page()[0])
    return found


def test_the_page_needs_no_token_and_holds_no_data() -> None:
    answer = Reception().ask("GET", "/", token=None)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for secret in ("Acme", "anna", "+39"):
        assert secret not in answer.text


def test_script_and_style_are_what_the_policy_allows_and_nothing_else(outline: Outline) -> None:
    policy = Reception().ask("GET", "/", token=None).headers["content-security-policy"]
    for kind in ("script", "style"):
        digest = hashlib.sha256(outline.inline[kind].encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}';" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_nothing_is_loaded_from_anywhere(outline: Outline) -> None:
    for tag, attributes in outline.tags:
        assert tag not in {"img", "iframe", "object", "embed"}
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href"):
            value = attributes.get(name)
            is_own = value is None or value.startswith(("#", "data:")) or value == "/v1/sign-in"
            assert is_own, (tag, value)
    assert not re.search(r"https?://(?!www\.w3\.org)", SCRIPT)


def test_the_page_can_be_found_by_landmark_and_header(outline: Outline) -> None:
    tags = [tag for tag, _ in outline.tags]
    assert tags.count("main") == tags.count("header") == tags.count("h1") == 1
    ids = {attributes.get("id") for _, attributes in outline.tags}
    for tag, attributes in outline.tags:
        if tag in {"table", "section"}:
            assert attributes["aria-labelledby"] in ids
        if tag == "th":
            assert attributes["scope"] == "col"
        if tag == "label":
            assert attributes["for"] in ids
    live = [attributes for _, attributes in outline.tags if "aria-live" in attributes]
    assert [attributes["aria-live"] for attributes in live] == ["polite"]


def test_both_languages_have_the_same_sentences_with_the_same_places() -> None:
    first, second = (catalogue_of(name) for name in LANGUAGES)
    assert list(first) == list(second)
    for name, sentence in first.items():
        assert re.findall(r"\{\w+\}", sentence) == re.findall(r"\{\w+\}", second[name]), name
        assert second[name].strip()


def test_every_word_that_the_page_asks_for_is_there(outline: Outline) -> None:
    catalogue = catalogue_of("en")
    asked = set(re.findall(r'\bt\("([^"]+)"\)', SCRIPT))
    for _, attributes in outline.tags:
        for name in ("data-t", "data-t-label"):
            if (value := attributes.get(name)) is not None:
                asked.add(value)
    states = re.findall(r'(?:showLink|ask)\("(\w+)"\)', SCRIPT)
    asked.update(f"link.{state}" for state in states)
    assert len(asked) > 30
    assert asked <= set(catalogue)


@pytest.mark.parametrize("event", [kind.__struct_config__.tag for kind in get_args(Event)])
def test_every_event_has_a_word(event: str) -> None:
    assert f"event.{event}" in catalogue_of("it")


@pytest.mark.parametrize("reason", [one.value for one in NotReadyReason])
def test_every_reason_of_ours_has_a_word(reason: str) -> None:
    assert f"reason.{reason}" in catalogue_of("it")


@pytest.mark.parametrize("state", [f"agent.{one.value}" for one in AgentState])
def test_every_state_of_an_agent_has_a_word(state: str) -> None:
    assert state in catalogue_of("it")


@pytest.mark.parametrize(
    "state",
    [f"interaction.{one.value}" for one in InteractionState if one is not InteractionState.ENDED],
)
def test_every_state_of_an_interaction_has_a_word(state: str) -> None:
    assert state in catalogue_of("it")
