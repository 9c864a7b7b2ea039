# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent to the simulated Entra, it answers in its own shape and never breaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.simulators.entra.simulator import EntraSimulator
from centralino.simulators.http.clock import SteppedClock
from tests.kit import entra as kit

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.property

TEXT = st.text(max_size=60)
TENANTS = st.sampled_from([kit.TENANT_ID, "first.example", "common", "organizations", "nowhere"])
VALUES: Mapping[str, st.SearchStrategy[str]] = {
    "grant_type": st.sampled_from(
        [
            "client_credentials",
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:device_code",
        ]
    )
    | TEXT,
    "client_id": st.sampled_from([kit.CLIENT_ID, kit.DESKTOP_ID, kit.DAEMON_ID]) | TEXT,
    "client_secret": st.sampled_from([kit.SECRET, kit.OLD_SECRET]) | TEXT,
    "client_assertion_type": st.just("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    "client_assertion": TEXT,
    "scope": st.sampled_from(
        ["https://graph.microsoft.com/.default", "User.Read openid", f"{kit.URI}/.default"]
    )
    | TEXT,
    "assertion": TEXT,
    "requested_token_use": st.sampled_from(["on_behalf_of", ""]),
    "code": TEXT,
    "code_verifier": TEXT,
    "redirect_uri": st.just(kit.REDIRECT) | TEXT,
    "refresh_token": TEXT,
    "device_code": TEXT,
    "claims": TEXT,
    "response_type": st.sampled_from(["code", "token"]) | TEXT,
    "response_mode": st.sampled_from(["query", "fragment", "form_post"]) | TEXT,
    "code_challenge": TEXT,
    "code_challenge_method": st.sampled_from(["S256", "plain"]),
    "state": TEXT,
    "nonce": TEXT,
    "prompt": st.sampled_from(["none", "login"]),
    "ui_locales": TEXT,
    "context": TEXT,
    "person": TEXT,
    "decision": st.sampled_from(["cancel", "approve"]) | TEXT,
}
FORMS = st.fixed_dictionaries({}, optional=dict(VALUES))
TOKEN_ROUTES = ("oauth2/v2.0/token", "oauth2/v2.0/devicecode")
PAGE_ROUTES = ("oauth2/v2.0/authorize", "v2.0/adminconsent", "adminconsent", "oauth2/v2.0/logout")

ENTRA = EntraSimulator(kit.scenario(), SteppedClock(), make_key=kit.lent_keys())


def send(method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes them
    """Send one request in memory."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=ENTRA.service)
        async with httpx.AsyncClient(transport=transport, base_url="https://entra.test") as web:
            return await web.request(method, path, **options)

    answer = asyncio.run(ask())
    assert ENTRA.service.broken == []
    return answer


@given(tenant=TENANTS, route=st.sampled_from(TOKEN_ROUTES), form=FORMS)
def test_a_form_gets_tokens_or_an_error_by_number(
    tenant: str, route: str, form: dict[str, str]
) -> None:
    answer = send("POST", f"/{tenant}/{route}", data=form)
    told = answer.json()
    if answer.status_code == 200:
        assert "access_token" in told or "device_code" in told
        return
    assert answer.status_code in {400, 401}
    assert told["error"]
    assert told["error_description"].startswith(f"AADSTS{told['error_codes'][0]}: ")


@given(tenant=TENANTS, route=st.sampled_from(PAGE_ROUTES), query=FORMS)
def test_an_address_shows_a_page_or_leads_to_a_registered_one(
    tenant: str, route: str, query: dict[str, str]
) -> None:
    answer = send("GET", f"/{tenant}/{route}", params=query)
    if answer.is_redirect:
        assert answer.headers["location"].startswith((kit.REDIRECT, "http://localhost"))
        return
    assert answer.status_code in {200, 400}
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in answer.text


@given(target=st.sampled_from(["login", "consent"]), form=FORMS)
def test_a_page_that_was_never_shown_cannot_be_answered(target: str, form: dict[str, str]) -> None:
    assert send("POST", f"/common/{target}", data=form).status_code == 400


@given(
    path=st.sampled_from(["teams-token", "keys", "faults", "sign-outs"]),
    body=st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=5)
    | st.dictionaries(
        st.sampled_from(["tenant", "person", "client_id", "do", "number", "times", "defect"]),
        st.none() | st.integers() | TEXT,
    ),
)
def test_the_simulators_own_endpoints_refuse_nonsense(path: str, body: object) -> None:
    answer = send("POST", f"/simulator/{path}", json=body)
    assert answer.status_code in {200, 400, 403, 404}
