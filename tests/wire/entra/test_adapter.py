# SPDX-License-Identifier: Apache-2.0
"""Our side against the simulated Entra: sign-in, onboarding, tokens for Graph, and attacks."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from centralino.adapters.clock import SystemClock
from centralino.adapters.entra.access import EntraAccess, EntraDelegation
from centralino.adapters.entra.client import EntraClient
from centralino.adapters.entra.keys import KeyCache
from centralino.adapters.entra.onboarding import EntraOnboarding, Onboardings
from centralino.adapters.entra.sealing import Seal
from centralino.adapters.entra.settings import EntraSettings, OnboardedTenant
from centralino.adapters.entra.sign_in import EntraSignIn
from centralino.adapters.entra.tenants import OnboardedTenants
from centralino.adapters.entra.tokens import EntraTokens
from centralino.core.kernel.errors import (
    ConfigError,
    NotAllowed,
    RemoteAuthFailed,
    RemoteThrottled,
    RemoteUnavailable,
)
from centralino.core.kernel.ids import TenantId
from centralino.exchange.microsoft import DirectoryId
from centralino.exchange.sign_in import ConsentNeeded, InteractionNeeded, SignInFailed
from centralino.exchange.tokens import Role, TokenRefused
from centralino.simulators.entra import errors
from centralino.simulators.entra.simulator import EntraSimulator
from centralino.simulators.http.clock import LoopClock
from tests.kit import entra as kit
from tests.kit.entra_stage import answered, certificate_files, context_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from centralino.exchange.sign_in import Begun
    from centralino.simulators.entra.mint import Defect

pytestmark = [pytest.mark.wire, pytest.mark.timeout(30)]

FIRST = DirectoryId(kit.TENANT_ID)
CONSENT_BACK = "http://127.0.0.1:8080/v1/onboarding/callback"


class Stage:
    """The service and our side of it."""

    def __init__(self, folder: Path, entra: EntraSimulator, root: Path, **changes: object) -> None:
        self.entra = entra
        self.root = root
        (folder / "secret").write_text(kit.SECRET)
        settings = EntraSettings(
            client_id=kit.CLIENT_ID,
            authority=entra.base_url,
            has_instance_discovery=False,
            ca_file=str(root),
            secret_file=str(folder / "secret"),
            application_uris=(kit.URI,),
            tenants=(OnboardedTenant(directory=kit.TENANT_ID, tenant="first"),),
        )
        self.settings = msgspec.structs.replace(settings, **changes)
        clock = SystemClock()
        self.client = EntraClient(self.settings)
        self.tenants = OnboardedTenants(self.settings, folder / "onboarded.jsonl")
        keys = KeyCache(self.client.fetch_keys, self.settings, clock)
        self.tokens = EntraTokens(self.settings, keys, self.tenants, clock)
        seal = Seal.of_file(folder / "session.key", clock.utc)
        onboardings = Onboardings(self.tenants, seal, clock)
        self.sign_in = EntraSignIn(self.client, self.tokens, onboardings, seal, clock)
        self.onboarding = EntraOnboarding(self.settings, onboardings, self.sign_in, seal, clock)
        self.access = EntraAccess(self.client, clock, folder / "accounts")

    def tab_token(self, person: str = kit.ANNA, defect: Defect | None = None) -> str:
        """Return what Teams gives a tab."""
        token = self.entra.teams_token(kit.TENANT_ID, person, kit.CLIENT_ID, defect)
        assert token is not None
        return token

    async def answer_page(
        self, begun: Begun, target: str, person: str = kit.ANNA, **more: str
    ) -> dict[str, str]:
        """Do what a person does in his browser; return what it brings back."""
        trust = ssl.create_default_context(cafile=str(self.root))
        async with httpx.AsyncClient(verify=trust, trust_env=False) as browser:
            page = await browser.get(begun.url)
            told = {"context": context_of(page), "person": person, **more}
            url = f"{self.entra.base_url}/common/{target}"
            return answered(await browser.post(url, data=told))


@asynccontextmanager
async def running(folder: Path, **changes: object) -> AsyncIterator[Stage]:
    """Run the service, and our side, until the end of the block."""
    certificate, key, root = certificate_files(folder)
    application = kit.application(redirect_uris=(kit.REDIRECT, CONSENT_BACK))
    base = kit.scenario(certificate=str(certificate), private_key=str(key))
    scenario = msgspec.structs.replace(base, applications=(application, *base.applications[1:]))
    entra = EntraSimulator(
        scenario, LoopClock(lambda: SystemClock().utc() / 1e9), make_key=kit.lent_keys()
    )
    async with entra:
        stage = Stage(folder, entra, root, **changes)
        try:
            yield stage
        finally:
            await stage.client.close()
        assert entra.service.broken == []


def play(folder: Path, part: Callable[[Stage], Awaitable[None]], **changes: object) -> None:
    """Play a part."""

    async def main() -> None:
        async with running(folder, **changes) as stage:
            await part(stage)

    asyncio.run(main())


# ---- sign-in


def test_somebody_signs_in_and_has_a_session(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        begun = stage.sign_in.begin(kit.REDIRECT, to="/desk")
        done = await stage.sign_in.finish(await stage.answer_page(begun, "login"), begun.cookie)
        assert done.to == "/desk"
        session = stage.sign_in.read(done.cookie)
        assert session.principal.roles == {Role.AGENT}
        assert (session.principal.subject, session.name) == (kit.ANNA, "Anna Riva")
        with pytest.raises(TokenRefused):
            stage.sign_in.read(begun.cookie)

    play(tmp_path, part)


def test_a_replayed_answer_is_refused(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        begun = stage.sign_in.begin(kit.REDIRECT)
        query = await stage.answer_page(begun, "login")
        await stage.sign_in.finish(query, begun.cookie)
        with pytest.raises(SignInFailed, match="before"):
            await stage.sign_in.finish(query, begun.cookie)

    play(tmp_path, part)


def test_a_replayed_code_is_refused_in_a_sign_in_of_its_own(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        begun = stage.sign_in.begin(kit.REDIRECT)
        query = await stage.answer_page(begun, "login")
        await stage.sign_in.finish(query, begun.cookie)
        other = stage.sign_in.begin(kit.REDIRECT)
        forged = await stage.answer_page(other, "login") | {"code": query["code"]}
        with pytest.raises(SignInFailed):
            await stage.sign_in.finish(forged, other.cookie)

    play(tmp_path, part)


def test_an_answer_belongs_to_the_browser_that_asked(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        mine, attackers = stage.sign_in.begin(kit.REDIRECT), stage.sign_in.begin(kit.REDIRECT)
        query = await stage.answer_page(attackers, "login")
        for cookie in (mine.cookie, "", "forged"):
            with pytest.raises(SignInFailed):
                await stage.sign_in.finish(query, cookie)

    play(tmp_path, part)


@pytest.mark.parametrize("defect", ["unknown-key", "alg-none", "wrong-issuer", "wrong-audience"])
def test_an_answer_of_the_service_that_is_wrong_is_refused(tmp_path: Path, defect: Defect) -> None:
    async def part(stage: Stage) -> None:
        stage.entra.spoil_id_token(defect)
        begun = stage.sign_in.begin(kit.REDIRECT)
        query = await stage.answer_page(begun, "login")
        with pytest.raises((SignInFailed, NotAllowed)):
            await stage.sign_in.finish(query, begun.cookie)

    play(tmp_path, part)


def test_a_cancelled_sign_in_is_told(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        begun = stage.sign_in.begin(kit.REDIRECT)
        query = await stage.answer_page(begun, "login", decision="cancel")
        with pytest.raises(SignInFailed, match="did not let you in"):
            await stage.sign_in.finish(query, begun.cookie)

    play(tmp_path, part)


@pytest.mark.parametrize(
    ("person", "why"),
    [(kit.STRANGER, "not served"), (kit.GUEST, "guests"), (kit.NOBODY, "role")],
)
def test_who_is_known_and_may_not_enter_is_told_so(tmp_path: Path, person: str, why: str) -> None:
    async def part(stage: Stage) -> None:
        begun = stage.sign_in.begin(kit.REDIRECT)
        query = await stage.answer_page(begun, "login", person)
        with pytest.raises(NotAllowed, match=why):
            await stage.sign_in.finish(query, begun.cookie)

    play(tmp_path, part)


# ---- onboarding


def test_an_organisation_is_onboarded_by_its_administrator(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        invitation = stage.onboarding.invite(TenantId("second"))
        asked = stage.onboarding.begin(invitation, CONSENT_BACK)
        query = await stage.answer_page(asked, "consent", kit.STRANGER)
        begun = stage.onboarding.consented(query, asked.cookie, kit.REDIRECT)
        query = await stage.answer_page(begun, "login", kit.STRANGER)
        # He has no role yet; his organisation is onboarded all the same.
        with pytest.raises(NotAllowed, match="role"):
            await stage.sign_in.finish(query, begun.cookie)
        assert stage.tenants.current()[kit.OTHER_TENANT_ID] == "second"
        with pytest.raises(SignInFailed, match="used"):
            stage.onboarding.begin(invitation, CONSENT_BACK)
        # From now on its application tokens can be had.
        assert (await stage.access.fetch(DirectoryId(kit.OTHER_TENANT_ID))).value

    play(tmp_path, part)


def test_a_forged_consent_names_an_organisation_in_vain(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        invitation = stage.onboarding.invite(TenantId("second"))
        asked = stage.onboarding.begin(invitation, CONSENT_BACK)
        query = await stage.answer_page(asked, "consent", kit.STRANGER)
        with pytest.raises(SignInFailed, match="another"):
            stage.onboarding.consented(query | {"state": "x"}, asked.cookie, kit.REDIRECT)
        forged = query | {"tenant": kit.TENANT_ID}
        begun = stage.onboarding.consented(forged, asked.cookie, kit.REDIRECT)
        with pytest.raises(SignInFailed, match="before"):
            stage.onboarding.consented(query, asked.cookie, kit.REDIRECT)
        # He cannot sign in at the organisation that he named.
        trust = ssl.create_default_context(cafile=str(stage.root))
        async with httpx.AsyncClient(verify=trust, trust_env=False) as browser:
            page = await browser.get(begun.url)
            told = {"context": context_of(page), "person": kit.STRANGER}
            answer = await browser.post(f"{stage.entra.base_url}/common/login", data=told)
        assert answer.status_code == 400
        assert kit.OTHER_TENANT_ID not in stage.tenants.current()

    play(tmp_path, part)


def test_a_guest_cannot_bring_in_an_organisation(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        asked = stage.onboarding.begin(stage.onboarding.invite(TenantId("second")), CONSENT_BACK)
        query = await stage.answer_page(asked, "consent", kit.NOBODY)
        begun = stage.onboarding.consented(query, asked.cookie, kit.REDIRECT)
        query = await stage.answer_page(begun, "login", kit.GUEST)
        with pytest.raises(NotAllowed, match="guest"):
            await stage.sign_in.finish(query, begun.cookie)
        assert stage.tenants.current() == {}

    play(tmp_path, part, tenants=())


@pytest.mark.parametrize(
    "changes",
    [
        {"error": "permission_denied"},
        {"admin_consent": "False"},
        {"admin_consent": ""},
        {"tenant": "common"},
        {"tenant": "../x"},
    ],
)
def test_without_consent_nobody_is_onboarded(tmp_path: Path, changes: dict[str, str]) -> None:
    async def part(stage: Stage) -> None:
        asked = stage.onboarding.begin(stage.onboarding.invite(TenantId("second")), CONSENT_BACK)
        query = await stage.answer_page(asked, "consent", kit.STRANGER)
        with pytest.raises(SignInFailed, match="did not consent"):
            stage.onboarding.consented(query | changes, asked.cookie, kit.REDIRECT)

    play(tmp_path, part)


# ---- tokens for Graph


def test_application_tokens_are_shared_and_kept_until_refused(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        found = await asyncio.gather(*(stage.access.fetch(FIRST) for _ in range(5)))
        assert len({one.value for one in found}) == 1
        assert found[0].value not in repr(found[0])
        route = "POST /{tenant}/oauth2/v2.0/token"
        assert len(stage.entra.service.log.of(route)) == 1
        stage.access.forget(FIRST)
        assert (await stage.access.fetch(FIRST)).value != found[0].value

    play(tmp_path, part)


def test_a_persons_token_is_exchanged_once(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        token = stage.tab_token()
        first = await stage.access.on_behalf_of(FIRST, token)
        assert (await stage.access.on_behalf_of(FIRST, token)) == first
        delegation = EntraDelegation(stage.tokens, stage.access)
        await delegation.require(token)
        with pytest.raises(TokenRefused):
            await delegation.require(stage.tab_token(defect="forged-signature"))

    play(tmp_path, part)


def test_an_account_that_is_bound_lends_its_rights(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        with pytest.raises(RemoteAuthFailed, match="not bound"):
            await stage.access.fetch(FIRST, account=kit.ANNA)
        answer = await stage.client.on_behalf_of(
            kit.TENANT_ID, stage.tab_token(), "https://graph.microsoft.com/.default"
        )
        assert "refresh_token" not in answer
        tenant = stage.entra.directory.tenants[0]
        person = tenant.person(kit.ANNA)
        assert person is not None
        granted = stage.entra.sessions
        from_sign_in = await _refresh_token_of(stage)
        stage.access.bind(FIRST, kit.ANNA, from_sign_in)
        token = await stage.access.fetch(FIRST, account=kit.ANNA)
        bearer = stage.entra.checker().check(token.value)
        assert bearer.oid == kit.ANNA
        assert not bearer.is_app
        # The token was replaced on disk; the account works on after a restart.
        stage.access.forget(FIRST, account=kit.ANNA)
        (path,) = (tmp_path / "accounts").glob("*.token")
        assert path.read_text() != from_sign_in
        assert path.stat().st_mode & 0o777 == 0o600
        granted.revoke(kit.ANNA)
        with pytest.raises(InteractionNeeded):
            await stage.access.fetch(FIRST, account=kit.ANNA)

    play(tmp_path, part)


async def _refresh_token_of(stage: Stage) -> str:
    """Sign in for offline access as a tool would, and return the refresh token."""
    trust = ssl.create_default_context(cafile=str(stage.root))
    async with httpx.AsyncClient(
        verify=trust, trust_env=False, base_url=stage.entra.base_url
    ) as browser:
        query = {
            "client_id": kit.CLIENT_ID,
            "response_type": "code",
            "redirect_uri": kit.REDIRECT,
            "scope": "offline_access User.Read Presence.Read.All",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        }
        path = f"/{kit.TENANT_ID}/oauth2/v2.0"
        page = await browser.get(f"{path}/authorize", params=query)
        told = {"context": context_of(page), "person": kit.ANNA}
        code = answered(await browser.post("/common/login", data=told))["code"]
        form = {
            "grant_type": "authorization_code",
            "client_id": kit.CLIENT_ID,
            "client_secret": kit.SECRET,
            "code": code,
            "redirect_uri": kit.REDIRECT,
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        }
        answer = await browser.post(f"{path}/token", data=form)
        return str(answer.json()["refresh_token"])


@pytest.mark.parametrize(
    ("planted", "kind", "says"),
    [
        (errors.SECRET_ENDED, RemoteAuthFailed, "expired: make a new one"),
        (errors.BAD_SECRET, RemoteAuthFailed, "secret is wrong"),
        (errors.UNKNOWN_APPLICATION, RemoteAuthFailed, "administrator must consent"),
        (errors.NO_CONSENT, ConsentNeeded, "consent"),
        (errors.MFA_NEEDED, InteractionNeeded, "prove yourself"),
        (errors.THROTTLED, RemoteThrottled, "slow down"),
    ],
)
def test_each_refusal_says_what_to_do(
    tmp_path: Path, planted: errors.StsError, kind: type[Exception], says: str
) -> None:
    async def part(stage: Stage) -> None:
        stage.entra.plant(planted)
        with pytest.raises(kind, match=says) as refused:
            await stage.access.on_behalf_of(FIRST, stage.tab_token())
        assert kit.SECRET not in str(refused.value)
        if kind is InteractionNeeded:
            claims = refused.value.details["claims"]  # type: ignore[attr-defined] # an AppError
            assert "capolids" in claims

    play(tmp_path, part)


def test_a_service_that_is_away_is_told(tmp_path: Path) -> None:
    async def part(stage: Stage) -> None:
        await stage.access.fetch(FIRST)
        token = stage.tab_token()
        await stage.entra.close()
        stage.access.forget(FIRST)
        with pytest.raises(RemoteUnavailable, match="cannot be reached"):
            await stage.access.fetch(FIRST)
        with pytest.raises(RemoteUnavailable):
            await stage.tokens.verify(token)

    play(tmp_path, part)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"authority": "http://login.example"}, "https"),
        ({"authority": "login.example"}, "https"),
        ({"ca_file": "/nowhere.pem"}, "nowhere"),
        ({"secret_file": "/nowhere"}, "nowhere"),
        ({"secret_file": "", "certificate_file": "x"}, "private_key_file"),
    ],
)
def test_settings_that_cannot_work_are_told(changes: dict[str, str], says: str) -> None:
    settings = msgspec.structs.replace(
        EntraSettings(client_id="c", authority="https://login.example"), **changes
    )
    with pytest.raises(ConfigError, match=says):
        EntraClient(settings)
