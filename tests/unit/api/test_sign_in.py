# SPDX-License-Identifier: Apache-2.0
"""Signing in over HTTP: cookies, sessions, what other sites may not do, how failures are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centralino.api.cookies import BEGUN, CONSENT, OWN_HEADER, SESSION
from centralino.api.settings import ApiSettings
from centralino.core.kernel.errors import NotAllowed, RemoteUnavailable
from centralino.exchange.sign_in import (
    ConsentNeeded,
    InteractionNeeded,
    Session,
)
from centralino.exchange.tokens import Principal, Role
from tests.unit.api.lobby import GOOD, HTML, SEALED, Lobby, set_cookies
from tests.unit.api.reception import ACME, BOSS, LOOKER, NOW, Reception

if TYPE_CHECKING:
    from centralino.core.kernel.errors import AppError

pytestmark = pytest.mark.unit


def test_a_browser_is_sent_to_the_sign_in_service_with_a_cookie_to_bring_back() -> None:
    lobby = Lobby()
    answer = lobby.browse("GET", "/v1/sign-in?to=/desk&language=it", {})
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "https://login.example/authorize?x=1",
    )
    assert lobby.sign_in.begun == [
        ("http://127.0.0.1:8080/v1/sign-in/callback", "/desk", "it"),
    ]
    told = set_cookies(answer)[BEGUN]
    for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=600"):
        assert part in told
    assert "Secure" not in told


def test_behind_tls_cookies_are_secure_and_bound_to_the_host() -> None:
    lobby = Lobby(settings=ApiSettings(public_url="https://contact.example/"))
    answer = lobby.browse("GET", "/v1/sign-in", {})
    told = set_cookies(answer)[f"__Host-{BEGUN}"]
    assert "Secure" in told
    assert lobby.sign_in.begun[0][0] == "https://contact.example/v1/sign-in/callback"


def test_a_finished_sign_in_makes_a_session() -> None:
    answer = Lobby().browse(
        "GET", f"/v1/sign-in/callback?state={GOOD}&code=c", {BEGUN: "sealed-flow"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    told = set_cookies(answer)
    assert told[SESSION].startswith(f"{SESSION}={SEALED};")
    assert "Max-Age=0" in told[BEGUN]


def test_a_person_sees_of_a_failure_its_code_and_a_program_the_problem() -> None:
    lobby = Lobby()
    path = "/v1/sign-in/callback?state=other"
    page = lobby.browse("GET", path, {BEGUN: "sealed-flow"}, **HTML)
    assert (page.status_code, page.headers["location"]) == (303, "/?refused=sign-in-failed")
    assert "Max-Age=0" in set_cookies(page)[BEGUN]
    problem = lobby.browse("GET", path, {BEGUN: "sealed-flow"})
    assert (problem.status_code, problem.json()["code"]) == (401, "sign-in-failed")
    assert problem.json()["mend"]


@pytest.mark.parametrize(
    ("failure", "status"),
    [(NotAllowed("no role"), 403), (RemoteUnavailable("entra", "code"), 503)],
)
def test_other_failures_keep_their_status(failure: AppError, status: int) -> None:
    lobby = Lobby()
    lobby.sign_in.failure = failure
    assert lobby.browse("GET", "/v1/sign-in/callback", {}).status_code == status


def test_a_session_opens_what_a_token_opens() -> None:
    lobby = Lobby()
    session = lobby.browse("GET", "/v1/session", {SESSION: SEALED}).json()
    assert session["subject"] == "oid-1"
    assert session["roles"] == ["supervisor"]
    assert session["name"] == "Anna Riva"
    assert session["ends_at"].endswith("Z")
    assert lobby.browse("GET", "/v1/live", {SESSION: SEALED}).status_code == 200
    by_token = lobby.ask("GET", "/v1/session", token=LOOKER).json()
    assert (by_token.get("name", "")) == ""


@pytest.mark.parametrize("cookies", [{}, {SESSION: "forged"}, {SESSION: ""}])
def test_without_a_good_session_nobody_comes_in(cookies: dict[str, str]) -> None:
    for path in ("/v1/session", "/v1/live"):
        answer = Lobby().browse("GET", path, cookies)
        assert (answer.status_code, answer.json()["code"]) == (401, "token-refused")


def test_a_bad_token_is_not_mended_by_a_good_session() -> None:
    answer = Lobby().browse("GET", "/v1/live", {SESSION: SEALED}, authorization="Bearer wrong")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"x_centralino_request": "1"}, 200),
        ({"x_centralino_request": "1", "sec_fetch_site": "same-origin"}, 200),
        ({"x_centralino_request": "1", "sec_fetch_site": "cross-site"}, 403),
        ({"x_centralino_request": "1", "sec_fetch_site": "same-site"}, 403),
    ],
)
def test_another_site_cannot_use_a_session_to_change_something(
    headers: dict[str, str], status: int
) -> None:
    answer = Lobby().browse(
        "POST", "/v1/agents/anna/ready", {SESSION: SEALED}, Idempotency_Key="k", **headers
    )
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "request-unsafe"


def test_signing_out_removes_the_session() -> None:
    answer = Lobby().browse("DELETE", "/v1/session", {SESSION: SEALED}, **{OWN_HEADER: "1"})
    assert answer.status_code == 204
    assert "Max-Age=0" in set_cookies(answer)[SESSION]


def test_the_address_to_come_back_to_is_one_of_our_own_hosts() -> None:
    answer = Lobby().browse("GET", "/v1/sign-in", {}, host="attacker.example")
    assert answer.status_code == 421


# ---- onboarding


def test_an_administrator_invites_an_organisation() -> None:
    lobby = Lobby()
    answer = lobby.ask("POST", "/v1/onboarding/invitations", token=BOSS)
    assert answer.status_code == 403
    admin = Principal("oid-2", ACME, frozenset({Role.TENANT_ADMIN}))
    lobby.sign_in.read = lambda cookie: Session(admin, "Tullio", NOW)  # type: ignore[method-assign] # a fake
    answer = lobby.browse(
        "POST", "/v1/onboarding/invitations", {SESSION: SEALED}, **{OWN_HEADER: "1"}
    )
    assert answer.status_code == 201
    assert answer.json()["url"] == "http://127.0.0.1:8080/v1/onboarding?invitation=sealed-acme"


def test_an_invitation_leads_to_consent_and_then_to_sign_in() -> None:
    lobby = Lobby()
    first = lobby.browse("GET", "/v1/onboarding?invitation=sealed-acme", {})
    assert first.headers["location"].startswith("https://login.example/adminconsent?")
    assert CONSENT in set_cookies(first)
    second = lobby.browse(
        "GET", f"/v1/onboarding/callback?state={GOOD}", {CONSENT: "sealed-consent"}
    )
    assert second.headers["location"].endswith("/v1/sign-in/callback")
    assert set_cookies(second)[BEGUN].startswith(f"{BEGUN}=sealed-flow;")
    assert "Max-Age=0" in set_cookies(second)[CONSENT]


@pytest.mark.parametrize(
    ("path", "cookies"),
    [
        ("/v1/onboarding?invitation=forged", {}),
        ("/v1/onboarding/callback?state=other", {CONSENT: "sealed-consent"}),
        (f"/v1/onboarding/callback?state={GOOD}", {}),
    ],
)
def test_an_onboarding_that_was_not_begun_here_is_refused(
    path: str, cookies: dict[str, str]
) -> None:
    lobby = Lobby()
    assert lobby.browse("GET", path, cookies).status_code == 401
    assert lobby.browse("GET", path, cookies, **HTML).headers["location"].startswith("/?refused=")


# ---- a tab in Teams


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (None, 204, ""),
        (ConsentNeeded(), 403, "consent-needed"),
        (InteractionNeeded("again", details={"claims": "{}"}), 403, "interaction-needed"),
        (RemoteUnavailable("entra", "on-behalf-of"), 503, "remote-unavailable"),
    ],
)
def test_a_tab_is_told_by_a_code_what_is_needed(
    failure: AppError | None, status: int, code: str
) -> None:
    lobby = Lobby()
    lobby.delegation.failure = failure
    answer = lobby.ask("POST", "/v1/delegation", token=BOSS)
    assert answer.status_code == status
    if failure is not None:
        assert answer.json()["code"] == code
        assert answer.json()["mend"]
    if code == "interaction-needed":
        assert answer.json()["claims"] == "{}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/sign-in"),
        ("GET", "/v1/sign-in/callback"),
        ("POST", "/v1/delegation"),
        ("GET", "/v1/onboarding?invitation=x"),
        ("GET", "/v1/onboarding/callback"),
    ],
)
def test_where_no_sign_in_is_set_up_that_is_said(method: str, path: str) -> None:
    answer = Reception().ask(method, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
