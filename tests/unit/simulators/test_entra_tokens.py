# SPDX-License-Identifier: Apache-2.0
"""Tokens as Entra writes them, the checker of the other simulators, and the callback signer."""

from __future__ import annotations

import jwt
import pytest

from centralino.simulators.entra.callback_signer import COMMS_ISSUERS, CallbackSigner
from centralino.simulators.entra.checker import TokenChecker
from centralino.simulators.entra.description import CHANGE_TRACKING_ID, GRAPH, Tenant
from centralino.simulators.entra.directory import Directory
from centralino.simulators.entra.keys import KeyRing
from centralino.simulators.entra.mint import LIFE_S, Claims, Defect, Subject, TokenMint
from centralino.simulators.http.clock import SteppedClock
from centralino.simulators.http.ids import SeededIds
from centralino.simulators.http.messages import Refusal
from tests.kit import entra as kit

pytestmark = pytest.mark.unit

HOST = "https://localhost:8443"
SIGNATURE_DEFECTS: tuple[Defect, ...] = (
    "unknown-key",
    "no-key-id",
    "forged-signature",
    "alg-none",
    "hs256-with-public-key",
)


class Stage:
    """A mint and what it needs, at rest in time."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.ring = KeyRing(kit.lent_keys())
        self.mint = TokenMint(
            self.ring,
            self.clock,
            SeededIds(1),
            base_url=lambda: HOST,
            v1_issuer="https://sts.windows.net",
        )
        self.directory = Directory(kit.scenario())
        self.checker = TokenChecker(self.mint)

    def app_token(self, defect: Defect | None = None) -> str:
        """Return a token of the product for Graph."""
        subject = Subject(self.tenant, kit.application(), GRAPH, roles=("User.Read.All",))
        return self.mint.access_token(subject, defect)

    def user_token(self) -> str:
        """Return a token for Graph in the name of a person."""
        person = self.tenant.person(kit.ANNA)
        subject = Subject(
            self.tenant, kit.application(), GRAPH, person=person, scopes=("User.Read",)
        )
        return self.mint.access_token(subject)

    @property
    def tenant(self) -> Tenant:
        """The first tenant."""
        return self.directory.tenants[0]


@pytest.fixture
def stage() -> Stage:
    """Give a stage."""
    return Stage()


def read(token: str) -> Claims:
    """Return what a token says, unverified."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_token_for_graph_is_of_version_1(stage: Stage) -> None:
    claims = read(stage.app_token())
    assert claims["iss"] == f"https://sts.windows.net/{kit.TENANT_ID}/"
    assert claims["aud"] == "https://graph.microsoft.com"
    assert (claims["appid"], claims["idtyp"], claims["ver"]) == (kit.CLIENT_ID, "app", "1.0")
    assert claims["exp"] == int(stage.clock.utc()) + LIFE_S


def test_a_token_for_our_api_is_of_version_2(stage: Stage) -> None:
    person = stage.tenant.person("ANNA@first.example")
    ours = kit.application()
    subject = Subject(
        stage.tenant, ours, ours, person=person, scopes=("access_as_user",), roles=("Agent",)
    )
    claims = read(stage.mint.access_token(subject))
    assert claims["iss"] == f"{HOST}/{kit.TENANT_ID}/v2.0"
    assert (claims["aud"], claims["azp"]) == (kit.CLIENT_ID, kit.CLIENT_ID)
    assert (claims["oid"], claims["scp"], claims["roles"]) == (
        kit.ANNA,
        "access_as_user",
        ["Agent"],
    )
    assert "appid" not in claims


def test_an_id_token_repeats_the_nonce(stage: Stage) -> None:
    ours = kit.application()
    person = stage.tenant.person(kit.ANNA)
    subject = Subject(stage.tenant, ours, ours, person=person)
    claims = read(stage.mint.id_token(subject, "n-1"))
    assert (claims["nonce"], claims["aud"]) == ("n-1", kit.CLIENT_ID)
    with pytest.raises(ValueError, match="person"):
        stage.mint.id_token(Subject(stage.tenant, ours, ours), "")


def test_a_guest_names_the_tenant_he_comes_from(stage: Stage) -> None:
    ours = kit.application()
    subject = Subject(stage.tenant, ours, ours, person=stage.tenant.person(kit.GUEST))
    claims = read(stage.mint.access_token(subject))
    assert claims["tid"] == kit.TENANT_ID
    assert claims["idp"] == f"https://sts.windows.net/{kit.OTHER_TENANT_ID}/"


def test_a_validation_token_names_the_publisher(stage: Stage) -> None:
    token = stage.mint.validation_token(kit.CLIENT_ID, kit.TENANT_ID, CHANGE_TRACKING_ID)
    claims = read(token)
    assert (claims["appid"], claims["aud"]) == (CHANGE_TRACKING_ID, kit.CLIENT_ID)
    assert claims["iss"] == f"https://sts.windows.net/{kit.TENANT_ID}/"


def test_roles_come_from_the_person_and_his_groups(stage: Stage) -> None:
    ours = kit.application()

    def roles(oid: str) -> tuple[str, ...]:
        person = stage.tenant.person(oid)
        assert person is not None
        return stage.directory.roles_of(stage.tenant, person, ours)

    assert (roles(kit.ANNA), roles(kit.SUSANNA), roles(kit.NOBODY)) == (
        ("Agent",),
        ("Supervisor",),
        (),
    )


def test_consent_gives_what_the_application_wants_until_it_is_withdrawn(stage: Stage) -> None:
    ours = kit.application()
    directory = stage.directory
    second = directory.tenants[1]
    assert not directory.is_known_in(second, ours)
    directory.consent(second, ours)
    assert directory.granted_roles(second, ours, GRAPH) == ("User.Read.All",)
    assert directory.granted_scopes(second, ours, GRAPH) == {"User.Read", "Presence.Read.All"}
    directory.withdraw(second, ours)
    assert not directory.is_known_in(second, ours)
    assert directory.granted_roles(second, ours, GRAPH) == ()


def test_the_checker_tells_what_a_token_proves(stage: Stage) -> None:
    app, user = stage.checker.check(stage.app_token()), stage.checker.check(stage.user_token())
    assert (app.tenant_id, app.app_id, app.roles) == (
        kit.TENANT_ID,
        kit.CLIENT_ID,
        frozenset({"User.Read.All"}),
    )
    assert app.is_app
    assert not user.is_app
    assert user.oid == kit.ANNA
    assert user.may(delegated=("User.Read",))
    assert not user.may(application=("User.Read",))
    assert app.may(delegated=(), application=("Presence.Read.All", "User.Read.All"))


@pytest.mark.parametrize(
    "defect", [*SIGNATURE_DEFECTS, "wrong-audience", "expired", "not-yet-valid"]
)
def test_the_checker_refuses_what_is_wrong(stage: Stage, defect: Defect) -> None:
    with pytest.raises(Refusal) as refused:
        stage.checker.check(stage.app_token(defect))
    assert (refused.value.status, refused.value.code) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_the_checker_refuses_what_is_no_token(stage: Stage, token: str) -> None:
    with pytest.raises(Refusal):
        stage.checker.check(token)


def test_a_token_ends_when_the_clock_says_so(stage: Stage) -> None:
    token = stage.app_token()
    stage.clock.advance(LIFE_S - 1)
    stage.checker.check(token)
    stage.clock.advance(1)
    with pytest.raises(Refusal, match="expired"):
        stage.checker.check(token)


def test_rotation_announces_keys_before_and_publishes_them_after(stage: Stage) -> None:
    before, announced = stage.ring.published
    token = stage.app_token()
    stage.ring.rotate()
    assert stage.ring.current is announced
    assert len(stage.ring.published) == 3
    stage.checker.check(token)
    stage.ring.withdraw()
    assert before not in stage.ring.published
    with pytest.raises(Refusal, match="signature key"):
        stage.checker.check(token)
    fresh = stage.app_token()
    stage.ring.replace()
    with pytest.raises(Refusal):
        stage.checker.check(fresh)


def test_callbacks_are_signed_by_keys_of_their_own(stage: Stage) -> None:
    signer = CallbackSigner(stage.clock, make_key=kit.lent_keys())
    token = signer.token(kit.CLIENT_ID, kit.TENANT_ID, issuer=COMMS_ISSUERS[0], serviceurl="u")
    claims = read(token)
    assert claims["exp"] == int(stage.clock.utc()) + 3900
    assert (claims["tid"], claims["iss"], claims["serviceurl"]) == (
        kit.TENANT_ID,
        COMMS_ISSUERS[0],
        "u",
    )
    assert jwt.get_unverified_header(token)["kid"] == signer.ring.current.kid
