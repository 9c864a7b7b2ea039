# SPDX-License-Identifier: Apache-2.0
"""The simulated Entra's documents, pages and errors, asked over the wire."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pytest

from centralino.simulators.entra import errors
from centralino.simulators.entra.grants import challenge_of
from centralino.simulators.entra.simulator import EntraSimulator
from centralino.simulators.http.clock import SteppedClock
from tests.kit import entra as kit
from tests.kit.entra_stage import answered, context_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

pytestmark = [pytest.mark.wire, pytest.mark.timeout(30)]

VERIFIER = "v" * 43
GRAPH = "https://graph.microsoft.com/.default"


class Stage:
    """A service over plain HTTP on the loopback, its clock, and a browser."""

    def __init__(self, entra: EntraSimulator, clock: SteppedClock, web: httpx.AsyncClient) -> None:
        self.entra = entra
        self.clock = clock
        self.web = web

    async def get_json(self, path: str) -> dict[str, Any]:
        """Return a document."""
        answer = await self.web.get(path)
        assert answer.status_code == 200
        return dict(answer.json())

    async def authorize(self, tenant: str = kit.TENANT_ID, **changes: str) -> httpx.Response:
        """Open the sign-in page."""
        query = {
            "client_id": kit.CLIENT_ID,
            "response_type": "code",
            "redirect_uri": kit.REDIRECT,
            "scope": "openid profile offline_access User.Read",
            "state": "s-1",
            "nonce": "n-1",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        given = {name: value for name, value in query.items() if value}
        return await self.web.get(f"/{tenant}/oauth2/v2.0/authorize", params=given)

    async def sign_in(self, person: str = kit.ANNA, **changes: str) -> dict[str, str]:
        """Sign in and return what the client is told."""
        page = await self.authorize(**changes)
        told = {"context": context_of(page), "person": person}
        return answered(await self.web.post("/common/login", data=told))

    async def token(self, tenant: str = kit.TENANT_ID, **form: str) -> httpx.Response:
        """Ask for a token."""
        told = {"client_id": kit.CLIENT_ID, "client_secret": kit.SECRET, **form}
        given = {name: value for name, value in told.items() if value}
        return await self.web.post(f"/{tenant}/oauth2/v2.0/token", data=given)

    async def redeem(self, code: str, **changes: str) -> httpx.Response:
        """Redeem a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": kit.REDIRECT,
            "code_verifier": VERIFIER,
            **changes,
        }
        return await self.token(**form)


@asynccontextmanager
async def running(**changes: object) -> AsyncIterator[Stage]:
    """Run a service until the end of the block."""
    clock = SteppedClock()
    scenario = kit.scenario(host="127.0.0.1", **changes)
    async with EntraSimulator(scenario, clock, make_key=kit.lent_keys()) as entra:
        async with httpx.AsyncClient(base_url=entra.base_url) as web:
            yield Stage(entra, clock, web)
        assert entra.service.broken == []


def play(part: Callable[[Stage], Awaitable[None]], **changes: object) -> None:
    """Play a part with a running service."""

    async def main() -> None:
        async with running(**changes) as stage:
            await part(stage)

    asyncio.run(main())


def number_of(answer: httpx.Response) -> int:
    return int(answer.json()["error_codes"][0])


# ---- documents


def test_discovery_of_a_tenant_by_id_and_by_domain() -> None:
    async def part(stage: Stage) -> None:
        for name in (kit.TENANT_ID, "FIRST.example"):
            found = await stage.get_json(f"/{name}/v2.0/.well-known/openid-configuration")
            assert found["issuer"] == f"{stage.entra.base_url}/{kit.TENANT_ID}/v2.0"
            keys = await stage.get_json(urlsplit(found["jwks_uri"]).path)
            assert len(keys["keys"]) >= 2

    play(part)


@pytest.mark.parametrize("name", ["common", "organizations"])
def test_discovery_of_any_tenant_has_a_placeholder(name: str) -> None:
    async def part(stage: Stage) -> None:
        found = await stage.get_json(f"/{name}/v2.0/.well-known/openid-configuration")
        assert found["issuer"] == stage.entra.base_url + "/{tenantid}/v2.0"
        old = await stage.get_json(f"/{name}/.well-known/openid-configuration")
        assert old["issuer"] == "https://sts.windows.net/{tenantid}/"

    play(part)


@pytest.mark.parametrize(
    "path",
    ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys", "oauth2/v2.0/authorize"],
)
def test_an_unknown_tenant_is_told(path: str) -> None:
    async def part(stage: Stage) -> None:
        answer = await stage.web.get(f"/nowhere.example/{path}")
        assert answer.status_code == 400
        assert "AADSTS90002" in answer.text

    play(part)


def test_callback_keys_and_metadata_are_served() -> None:
    async def part(stage: Stage) -> None:
        for prefix in ("/comms", "/bot"):
            found = await stage.get_json(f"{prefix}/v1/.well-known/OpenIdConfiguration")
            keys = await stage.get_json(urlsplit(found["jwks_uri"]).path)
            assert len(keys["keys"]) == 2
            is_bot = prefix == "/bot"
            assert all(("endorsements" in key) == is_bot for key in keys["keys"])

    play(part)


# ---- signing in


def test_the_page_offers_the_people_in_the_language_of_the_browser() -> None:
    async def part(stage: Stage) -> None:
        english = await stage.authorize()
        italian = await stage.authorize(ui_locales="it-IT")
        assert "Anna Riva" in english.text
        assert '<html lang="en">' in english.text
        assert '<html lang="it">' in italian.text
        assert "Accedi" in italian.text
        assert "frame-ancestors" in english.headers["content-security-policy"]

    play(part)


def test_one_signs_in_and_the_client_gets_all_three_tokens() -> None:
    async def part(stage: Stage) -> None:
        told = await stage.sign_in()
        assert told["state"] == "s-1"
        answer = (await stage.redeem(told["code"], client_info="1")).json()
        claims = jwt.decode(answer["id_token"], options={"verify_signature": False})
        assert (claims["nonce"], claims["oid"]) == ("n-1", kit.ANNA)
        assert set(answer) >= {"access_token", "refresh_token", "client_info", "expires_in"}

    play(part)


def test_common_takes_people_of_every_tenant() -> None:
    async def part(stage: Stage) -> None:
        told = await stage.sign_in(kit.STRANGER, tenant="common", scope="openid")
        answer = await stage.redeem(told["code"], tenant="common", scope="openid")
        claims = jwt.decode(answer.json()["id_token"], options={"verify_signature": False})
        assert claims["tid"] == kit.OTHER_TENANT_ID

    play(part)


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_the_answer_comes_in_the_mode_that_was_asked(mode: str) -> None:
    async def part(stage: Stage) -> None:
        page = await stage.authorize(response_mode=mode)
        told = {"context": context_of(page), "person": kit.ANNA}
        answer = await stage.web.post("/common/login", data=told)
        if mode == "form_post":
            assert answered(answer)["state"] == "s-1"
        else:
            parts = urlsplit(answer.headers["location"])
            found = parts.query if mode == "query" else parts.fragment
            assert dict(parse_qsl(found))["state"] == "s-1"

    play(part)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"client_id": "dddddddd-0000-4000-8000-000000000000"}, 700016),
        ({"redirect_uri": "http://attacker.example/"}, 50011),
        ({"redirect_uri": "http://127.0.0.1:8080/elsewhere"}, 50011),
    ],
)
def test_what_may_not_be_sent_back_is_shown(changes: dict[str, str], number: int) -> None:
    async def part(stage: Stage) -> None:
        answer = await stage.authorize(**changes)
        assert answer.status_code == 400
        assert f"AADSTS{number}" in answer.text

    play(part)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": "api://unknown/x"}, "invalid_resource"),
        ({"scope": f"User.Read {kit.URI}/access_as_user"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_other_errors_are_sent_back_with_the_state(changes: dict[str, str], error: str) -> None:
    async def part(stage: Stage) -> None:
        told = answered(await stage.authorize(**changes))
        assert (told["error"], told["state"]) == (error, "s-1")

    play(part)


def test_cancelling_and_missing_consent_are_sent_back() -> None:
    async def part(stage: Stage) -> None:
        page = await stage.authorize()
        told = {"context": context_of(page), "decision": "cancel"}
        answer = answered(await stage.web.post("/common/login", data=told))
        assert answer["error"] == "access_denied"
        assert (await stage.sign_in(scope="Mail.Read"))["error"] == "consent_required"

    play(part)


def test_a_page_is_good_once() -> None:
    async def part(stage: Stage) -> None:
        page = await stage.authorize()
        told = {"context": context_of(page), "person": kit.ANNA}
        assert (await stage.web.post("/common/login", data=told)).is_redirect
        assert (await stage.web.post("/common/login", data=told)).status_code == 400

    play(part)


# ---- codes and refresh tokens


def test_a_code_ends_after_ten_minutes() -> None:
    async def part(stage: Stage) -> None:
        told = await stage.sign_in()
        stage.clock.advance(600)
        assert number_of(await stage.redeem(told["code"])) == 70008

    play(part)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"redirect_uri": "http://127.0.0.1:9/"}, 500112),
        ({"code_verifier": "w" * 43}, 501481),
        ({"code_verifier": ""}, 501481),
        ({"client_id": kit.DAEMON_ID}, 70000),
    ],
)
def test_a_code_is_bound_to_its_request_and_used_up(changes: dict[str, str], number: int) -> None:
    async def part(stage: Stage) -> None:
        code = (await stage.sign_in())["code"]
        assert number_of(await stage.redeem(code, **changes)) == number
        again = await stage.redeem(code)
        assert (number_of(again) if again.is_error else 0) == (54005 if number != 70000 else 0)

    play(part)


def test_a_refresh_token_serves_other_resources_until_the_person_is_signed_out() -> None:
    async def part(stage: Stage) -> None:
        first = (await stage.redeem((await stage.sign_in())["code"])).json()
        stage.clock.advance(3600)
        asked = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        scope = f"{kit.URI}/access_as_user"
        second = (await stage.token(scope=scope, **asked)).json()
        claims = jwt.decode(second["access_token"], options={"verify_signature": False})
        assert (claims["aud"], claims["scp"]) == (kit.CLIENT_ID, "access_as_user")
        assert claims["roles"] == ["Agent"]
        await stage.web.post("/simulator/sign-outs", json={"person": kit.ANNA})
        assert number_of(await stage.token(**asked)) == 50173

    play(part)


# ---- errors of the token endpoint


@pytest.mark.parametrize(
    ("form", "status", "number"),
    [
        ({}, 400, 900144),
        ({"grant_type": "password"}, 400, 70003),
        ({"grant_type": "client_credentials"}, 400, 900144),
        ({"grant_type": "client_credentials", "scope": "User.Read"}, 400, 1002012),
        ({"grant_type": "client_credentials", "scope": "https://x/.default"}, 400, 500011),
        ({"grant_type": "client_credentials", "client_secret": ""}, 401, 7000218),
        ({"grant_type": "client_credentials", "client_id": ""}, 400, 900144),
        ({"grant_type": "client_credentials", "client_id": kit.DESKTOP_ID}, 401, 700025),
        ({"grant_type": "authorization_code", "code": "guess"}, 400, 9002313),
        ({"grant_type": "refresh_token", "refresh_token": "guess"}, 400, 9002313),
    ],
)
def test_a_wrong_request_is_told_by_number(form: dict[str, str], status: int, number: int) -> None:
    async def part(stage: Stage) -> None:
        answer = await stage.token(**form)
        assert (answer.status_code, number_of(answer)) == (status, number)
        told = answer.json()
        assert told["error_description"].startswith(f"AADSTS{number}: ")
        assert set(told) >= {"error", "timestamp", "trace_id", "correlation_id"}

    play(part)


def test_a_body_that_is_no_form_or_too_large_is_refused() -> None:
    async def part(stage: Stage) -> None:
        path = f"/{kit.TENANT_ID}/oauth2/v2.0/token"
        assert (await stage.web.post(path, json={})).status_code == 400
        large = await stage.web.post(path, data={"x": "y" * 300_000})
        assert large.status_code == 413

    play(part)


def test_throttling_says_when_to_come_again() -> None:
    async def part(stage: Stage) -> None:
        stage.entra.plant(errors.THROTTLED, retry_after_s=17)
        answer = await stage.token(grant_type="client_credentials", scope=GRAPH)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "17")
        answer = await stage.token(grant_type="client_credentials", scope=GRAPH)
        assert answer.status_code == 200

    play(part)


def test_a_client_may_prove_itself_by_basic_authentication() -> None:
    async def part(stage: Stage) -> None:
        answer = await stage.web.post(
            f"/{kit.TENANT_ID}/oauth2/v2.0/token",
            data={"grant_type": "client_credentials", "scope": GRAPH},
            auth=(kit.CLIENT_ID, kit.SECRET),
        )
        assert answer.status_code == 200

    play(part)


def test_the_services_clock_may_be_ahead() -> None:
    async def part(stage: Stage) -> None:
        answer = await stage.token(grant_type="client_credentials", scope=GRAPH)
        claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
        assert claims["iat"] == int(stage.clock.utc()) + 240

    play(part, clock_skew_s=240.0)


# ---- consent


async def ask_consent(stage: Stage, path: str, **more: str) -> httpx.Response:
    """Open the page of admin consent."""
    query = {
        "client_id": kit.CLIENT_ID,
        "redirect_uri": kit.REDIRECT,
        "state": "c-1",
        "scope": GRAPH,
        **more,
    }
    return await stage.web.get(path, params=query)


@pytest.mark.parametrize("path", ["/organizations/v2.0/adminconsent", "/common/adminconsent"])
def test_an_admin_consents_for_his_tenant(path: str) -> None:
    async def part(stage: Stage) -> None:
        ask = {"grant_type": "client_credentials", "scope": GRAPH, "tenant": kit.OTHER_TENANT_ID}
        assert number_of(await stage.token(**ask)) == 700016
        page = await ask_consent(stage, path)
        assert "User.Read.All" in page.text
        told = {"context": context_of(page), "person": kit.STRANGER}
        answer = answered(await stage.web.post("/common/consent", data=told))
        assert (answer["admin_consent"], answer["tenant"]) == ("True", kit.OTHER_TENANT_ID)
        assert answer["state"] == "c-1"
        token = (await stage.token(**ask)).json()["access_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["roles"] == ["User.Read.All"]

    play(part)


def test_consent_may_be_declined_and_is_for_admins_only() -> None:
    async def part(stage: Stage) -> None:
        page = await ask_consent(stage, f"/{kit.TENANT_ID}/v2.0/adminconsent")
        told = {"context": context_of(page), "decision": "cancel"}
        answer = answered(await stage.web.post("/common/consent", data=told))
        assert (answer["error"], answer["state"]) == ("permission_denied", "c-1")
        page = await ask_consent(stage, f"/{kit.TENANT_ID}/v2.0/adminconsent")
        told = {"context": context_of(page), "person": kit.ANNA}
        assert (await stage.web.post("/common/consent", data=told)).status_code == 400

    play(part)


# ---- the simulator's own endpoints


def test_a_fake_teams_host_fetches_what_the_tab_would_get() -> None:
    async def part(stage: Stage) -> None:
        body = {"tenant": kit.TENANT_ID, "person": kit.ANNA, "client_id": kit.CLIENT_ID}
        token = (await stage.web.post("/simulator/teams-token", json=body)).json()["token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["aud"], claims["scp"]) == (kit.CLIENT_ID, "access_as_user")
        refused = await stage.web.post(
            "/simulator/teams-token", json={**body, "client_id": kit.DAEMON_ID}
        )
        assert refused.json() == {"reason": "resourceRequiresConsent"}
        missing = await stage.web.post("/simulator/teams-token", json={**body, "person": "x"})
        assert missing.status_code == 404

    play(part)


def test_keys_rotate_and_errors_are_planted_from_outside() -> None:
    async def part(stage: Stage) -> None:
        before = stage.entra.ring.current.kid
        await stage.web.post("/simulator/keys", json={"do": "rotate"})
        assert stage.entra.ring.current.kid != before
        await stage.web.post("/simulator/faults", json={"number": 65001})
        answer = await stage.token(grant_type="client_credentials", scope=GRAPH)
        assert number_of(answer) == 65001
        assert (await stage.web.post("/simulator/keys", json={"do": "x"})).status_code == 400
        assert (await stage.web.post("/simulator/faults", json={})).status_code == 400
        people = await stage.get_json("/simulator/people")
        assert len(people["people"]) == 6

    play(part)


def test_one_is_signed_out() -> None:
    async def part(stage: Stage) -> None:
        path = f"/{kit.TENANT_ID}/oauth2/v2.0/logout"
        assert "Signed out" in (await stage.web.get(path)).text
        known = {"post_logout_redirect_uri": "http://127.0.0.1:8080/"}
        assert (await stage.web.get(path, params=known)).is_redirect
        strange = {"post_logout_redirect_uri": "http://attacker.example/"}
        assert not (await stage.web.get(path, params=strange)).is_redirect

    play(part)
